"""Begin a catalog: a file with placeholders for its author to fill in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from isekai_gen.errors import InputError
from isekai_gen.prompts.imagenet_names import read_imagenet_names
from isekai_gen.prompts.scaffold import scaffold_catalog
from isekai_gen.storage import write_atomically


def begin_catalog(
    path: Path, name: str | None, pairs: Sequence[tuple[str, str]], groups: int | None
) -> int:
    """Write a new catalog; see `prompts.scaffold`.

    Args:
        path: A file that is not there yet.
        name: Of the catalog; the file's name without suffix if None.
        pairs: (fictional name, real name) of the first groups.
        groups: How many groups in all; if None, one for each pair and at least one.

    Returns:
        How many groups it has.

    Raises:
        InputError: If the file exists, or a name or number cannot be used.
        StorageError: If the disk is full or read-only.
    """
    if path.exists() or path.is_symlink():
        raise InputError(f"{path} exists already; choose another name, it is never overwritten")
    count = max(1, len(pairs)) if groups is None else groups
    title = path.stem if name is None else name
    text = scaffold_catalog(title, pairs, count, read_imagenet_names())
    write_atomically(path, text.encode())
    return count
