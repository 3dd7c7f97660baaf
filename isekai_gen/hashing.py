"""Canonical JSON and digests: the same value gives the same digest everywhere."""

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isekai_gen.errors import ChecksumError

# `json.dumps` would make an encoder at each call.
_CANONICAL = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(", ", ": ")
)
# Below it a file is read at once: `file_digest` takes a buffer of 256 KiB for each.
_SMALL_FILE = 1 << 20


def canonical_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """One-line JSON with sorted keys; NaN is refused (ValueError)."""
    return _CANONICAL.encode(value)


def digest_of(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """SHA-256 (64 hex digits) over the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 (64 hex digits) over a file's bytes, read in blocks if it is large.

    Raises:
        ChecksumError: If it is a pipe or a device, which may never end.
        OSError: If it cannot be read.
    """
    with open(path, "rb", buffering=0, opener=_open_at_once) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise ChecksumError(f"{path}: is no regular file; remove it, or restore the file")
        if found.st_size <= _SMALL_FILE:
            return hashlib.sha256(file.readall()).hexdigest()
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open_at_once(path: str, flags: int) -> int:
    """Without waiting for the other end of a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


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
