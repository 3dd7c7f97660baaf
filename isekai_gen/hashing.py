"""Canonical JSON and digests: the same value gives the same digest everywhere."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


def canonical_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """One-line JSON with sorted keys; NaN is refused (ValueError)."""
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(", ", ": ")
    )


def digest_of(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """SHA-256 (64 hex digits) over the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 (64 hex digits) over a file's bytes, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pixel_sha256(pixels: npt.NDArray[np.uint8]) -> str:
    """SHA-256 over mode, size and raw pixels of an RGB picture, uint8 [height, width, 3].

    The size is part of it: two black pictures of different shapes have different digests.
    """
    height, width, channels = pixels.shape
    if channels != 3 or pixels.dtype != np.uint8:
        raise ValueError(f"pixels must be uint8 [height, width, 3], got {pixels.shape}")
    digest = hashlib.sha256(f"RGB {width}x{height}\n".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
