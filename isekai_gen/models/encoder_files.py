"""From an encoder's name to local files, and what identifies them."""

from __future__ import annotations

import importlib.metadata

from isekai_gen.models.encoder_folders import (
    find_open_clip_folder,
    find_timm_folder,
    find_torchscript,
)
from isekai_gen.models.encoder_kinds import EncoderFiles, EncoderKind, encoder_kind
from isekai_gen.models.encoder_registry import find_in_registry
from isekai_gen.models.paths import local_path
from isekai_gen.models.spec import EncoderSpec

# What, beside torch, makes the embeddings of each kind.
_LIBRARIES: dict[EncoderKind, tuple[str, str] | None] = {
    "open_clip": ("open_clip", "open_clip_torch"),
    "timm": ("timm", "timm"),
    "torchscript": None,
}


def identify_encoder(spec: EncoderSpec) -> str:
    """Digest of an encoder; for a local one from its files alone, without torch.

    Raises:
        ModelError: If its files cannot be found or are damaged.
    """
    return find_encoder_files(spec).digest


def encoder_library(spec: EncoderSpec) -> dict[str, str]:
    """Name and version of the library, beside torch, that an encoder's embeddings depend on."""
    library = _LIBRARIES[encoder_kind(spec)]
    return {} if library is None else {library[0]: importlib.metadata.version(library[1])}


def find_encoder_files(spec: EncoderSpec) -> EncoderFiles:
    """Find, or download, the files of an encoder.

    Raises:
        ModelError: What was looked for, where, and the remedy.
    """
    kind = encoder_kind(spec)
    path = local_path(spec.source)
    if kind == "timm":
        return find_timm_folder(path)
    if kind == "torchscript":
        return find_torchscript(path)
    return find_open_clip_folder(path) if path.is_dir() else find_in_registry(spec.source)
