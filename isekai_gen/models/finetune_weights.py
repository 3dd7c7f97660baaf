"""Trained weights as a safetensors file: an image tower, and the head on top of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from isekai_gen.embeddings import FloatArray
from isekai_gen.storage import write_atomically

if TYPE_CHECKING:
    import torch

_PREFIX, _HEAD, _KEY = "visual.", "head.weight", "fingerprint"


def write_weights(
    path: Path, tower: dict[str, torch.Tensor], head: FloatArray, fingerprint: str
) -> None:
    """Write a tower under OpenCLIP's own names ("visual. ..."), and "head.weight" [classes, d].

    Args:
        path: The file.
        tower: Its weights by name, on the CPU.
        head: float32 [classes, d].
        fingerprint: Of the run, kept in the file's metadata.
    """
    import torch
    from safetensors.torch import save

    tensors = {f"{_PREFIX}{name}": each.contiguous() for name, each in tower.items()}
    tensors[_HEAD] = torch.from_numpy(head)
    write_atomically(path, save(tensors, metadata={_KEY: fingerprint}))


def are_weights_of(path: Path, fingerprint: str) -> bool:
    """Whether a file holds the weights of a run; False if it is missing or is no such file."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return False
    try:
        with safe_open(path, framework="numpy") as opened:
            return bool((opened.metadata() or {}).get(_KEY) == fingerprint)
    except SafetensorError:
        return False
