"""Find private keys among the files of a release, where none may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

# RFC 7468 and what OpenSSL, OpenSSH and GnuPG write.
_KEY_HEADER = re.compile(rb"-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_LONGEST_HEADER = 96
_BLOCK_BYTES = 1 << 20
# Their content is pictures and numbers: a key could only be what the whole file is.
_BINARY = frozenset({".png", ".jpg", ".jpeg", ".webp", ".parquet", ".tar", ".npy"})


def files_with_keys(files: Mapping[str, Path]) -> list[str]:
    """Name of every file that has a PEM or OpenSSH private key in it, sorted.

    Pictures, tables and archives are read at their beginning only.

    Args:
        files: Name to where it lies.

    Raises:
        OSError: If a file cannot be read.
    """
    return sorted(name for name, path in files.items() if _has_key(path))


def _has_key(path: Path) -> bool:
    with path.open("rb") as file:
        if path.suffix in _BINARY:
            return bool(_KEY_HEADER.search(file.read(_LONGEST_HEADER)))
        tail = b""
        while block := file.read(_BLOCK_BYTES):
            if _KEY_HEADER.search(tail + block):
                return True
            tail = block[-_LONGEST_HEADER:]
    return False
