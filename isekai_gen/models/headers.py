"""Read the header of a safetensors file: names and shapes, without loading a tensor.

The format is 8 bytes (little-endian length), a JSON header, then the tensors' bytes
(https://huggingface.co/docs/safetensors). Checking that the bytes end where the header says finds
truncated and foreign files in milliseconds, before any heavy library is imported.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from isekai_gen.errors import ModelError

# The format's own limit; also keeps a hostile length from being read into memory.
_MAX_HEADER = 100_000_000
TensorShapes = dict[str, tuple[int, ...]]


def read_tensor_shapes(path: Path) -> TensorShapes:
    """Shape of every tensor by name.

    Raises:
        ModelError: If the file is not safetensors, or is cut short.
    """
    header, start = _read_header(path)
    shapes: TensorShapes = {}
    end = 0
    try:
        for name, entry in header.items():
            if name != "__metadata__":
                shapes[name] = tuple(int(length) for length in entry["shape"])
                end = max(end, int(entry["data_offsets"][1]))
    except (TypeError, KeyError, ValueError, IndexError) as error:
        raise _damaged(path, "its header is malformed") from error
    size = path.stat().st_size
    if size != start + end:
        raise _damaged(path, f"it has {size} bytes where its header tells of {start + end}")
    return shapes


def _read_header(path: Path) -> tuple[dict[str, Any], int]:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= _MAX_HEADER:
            raise _damaged(path, "it is not a safetensors file")
        content = file.read(length)
    try:
        header = json.loads(content)
    except ValueError as error:
        raise _damaged(path, "it is not a safetensors file, or its header is cut short") from error
    if not isinstance(header, dict):
        raise _damaged(path, "its header is malformed")
    return header, 8 + length


def _damaged(path: Path, what: str) -> ModelError:
    return ModelError(f"{path}: weights cannot be read: {what}; download or copy the file again")
