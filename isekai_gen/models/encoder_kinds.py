"""Which kind of encoder a name means, told by what lies there, without opening a weight file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from isekai_gen.errors import ModelError
from isekai_gen.models.folders import read_json
from isekai_gen.models.paths import local_path
from isekai_gen.models.spec import EncoderSpec

EncoderKind = Literal["open_clip", "timm", "torchscript"]
OPEN_CLIP_CONFIG = "open_clip_config.json"
TIMM_CONFIG = "config.json"
TORCHSCRIPT_SUFFIXES = (".pt", ".torchscript")
# Those that embed pictures only.
_WITHOUT_TEXT = {"timm": "a timm model", "torchscript": "a TorchScript file"}


@dataclass(frozen=True)
class EncoderFiles:
    """Local files of an encoder.

    Attributes:
        kind: What loads it.
        model_name: What open_clip calls it: "local-dir:FOLDER" or an architecture; an architecture
            of timm; the name of a TorchScript file.
        weights: The weight file.
        config: The registry's entry for a tag of OpenCLIP (preprocessing, activation), {} for its
            folders; timm's config.json; how pictures are prepared for a TorchScript file.
        digest: SHA-256 over everything that embeddings depend on: weights, configuration,
            preprocessing and tokenizer.
    """

    kind: EncoderKind
    model_name: str
    weights: Path
    config: dict[str, Any]
    digest: str


def encoder_kind(spec: EncoderSpec) -> EncoderKind:
    """The kind of an encoder; names that are no path are OpenCLIP's.

    Raises:
        ModelError: If it is a path where no encoder lies.
    """
    path = local_path(spec.source)
    if path.is_dir():
        return _kind_of_folder(path)
    if path.is_file():
        if path.suffix in TORCHSCRIPT_SUFFIXES:
            return "torchscript"
        raise ModelError(
            f"{spec.source}: a single file names no architecture; pass ARCH/TAG, a folder with "
            f"{OPEN_CLIP_CONFIG} or timm's {TIMM_CONFIG}, or a TorchScript file "
            f"({', '.join(TORCHSCRIPT_SUFFIXES)})"
        )
    if spec.source.startswith((".", "/", "~")) or path.suffix in TORCHSCRIPT_SUFFIXES:
        raise ModelError(f"{spec.source}: no such file or folder; check the path")
    return "open_clip"


def _kind_of_folder(folder: Path) -> EncoderKind:
    if (folder / OPEN_CLIP_CONFIG).exists():
        return "open_clip"
    if (folder / TIMM_CONFIG).exists() and "architecture" in read_json(folder / TIMM_CONFIG):
        return "timm"
    if torchscript_files(folder):
        return "torchscript"
    raise ModelError(
        f"{folder}: no {OPEN_CLIP_CONFIG}, no {TIMM_CONFIG} that names an architecture of timm and "
        "no TorchScript file, so not an encoder; pass ARCH/TAG or a folder that has one of them"
    )


def torchscript_files(folder: Path) -> list[Path]:
    """Files of a folder that may be TorchScript, by their names."""
    return sorted(path for path in folder.iterdir() if path.suffix in TORCHSCRIPT_SUFFIXES)


def require_text_side(spec: EncoderSpec) -> None:
    """Refuse an encoder that embeds pictures only, before anything of it is loaded.

    Raises:
        ModelError: If it does, or is a path where no encoder lies.
    """
    kind = encoder_kind(spec)
    if kind in _WITHOUT_TEXT:
        raise ModelError(
            f"{spec.source}: {_WITHOUT_TEXT[kind]} embeds no text, and --encoder must, to compare "
            "images with their prompts and with classes; give this one with --extra-encoder, and a "
            "model of OpenCLIP with --encoder"
        )
