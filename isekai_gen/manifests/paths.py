"""Which image paths a manifest may name."""

from __future__ import annotations

import unicodedata

_ODD_PARTS = frozenset({"", ".", ".."})


def check_relative_path(path: str) -> list[str]:
    """What makes `path` unsafe or unportable below an image folder; empty if nothing does.

    The loaders join it to their image folder, where an absolute path would replace the folder.
    """
    shown = ascii(path)
    if not path:
        return ["a path must not be empty"]
    if path.startswith("/") or "\\" in path or path[1:2] == ":":
        return [f"path {shown} must be relative, with forward slashes"]
    if not path.isprintable() and any(
        unicodedata.category(character) in ("Cc", "Cs") for character in path
    ):
        return [f"path {shown} must not contain control characters"]
    if not _ODD_PARTS.isdisjoint(path.split("/")):
        return [f"path {shown} must have no empty, '.' or '..' part"]
    return []
