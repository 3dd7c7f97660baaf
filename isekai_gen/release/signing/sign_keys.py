"""Find private keys among the files of a release, where none may be."""

from __future__ import annotations

import re
from pathlib import Path

# RFC 7468 and what OpenSSL, OpenSSH and GnuPG write.
_KEY_HEADER = re.compile(rb"-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_LONGEST_HEADER = 96
_BLOCK_BYTES = 1 << 20
# Their content is pictures and numbers: a key could only be what the whole file is.
_BINARY = frozenset({".png", ".jpg", ".jpeg", ".webp", ".parquet", ".tar", ".npy"})


def files_with_keys(folder: Path) -> list[str]:
    """Path of every file below `folder` that has a PEM or OpenSSH private key in it, sorted.

    Pictures, tables and archives are read at their beginning only. Links are not followed.

    Raises:
        OSError: If a file cannot be read.
    """
    found = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sorted(path.relative_to(folder).as_posix() for path in found if _has_key(path))


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
