"""What a text that names a model is: a path, or a Hub id."""

from __future__ import annotations

from pathlib import Path

# Pickle files can run code when they are read, and are never loaded.
PICKLES = frozenset({".ckpt", ".pt", ".pth", ".bin", ".pkl"})


def local_path(source: str) -> Path:
    """The path that a text means, its "~" replaced; one of an unknown user is left as it is."""
    path = Path(source)
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def looks_like_path(source: str) -> bool:
    """Whether a text that names nothing on disk was meant as a path, not as owner/name."""
    has_file_suffix = Path(source).suffix in PICKLES | {".safetensors"}
    return source.startswith((".", "/", "~")) or source.count("/") != 1 or has_file_suffix
