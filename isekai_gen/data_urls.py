"""Images as text: data URLs of files that chat services take, known by their first bytes."""

from __future__ import annotations

import base64

MEDIA_TYPES = ("image/png", "image/jpeg", "image/webp")
HEAD_BYTES = 12
"""How much of a file `media_type_of` looks at."""
_STARTS = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))


def media_type_of(head: bytes) -> str | None:
    """One of `MEDIA_TYPES`, whatever the file's name says; None for any other file.

    Args:
        head: The file's first `HEAD_BYTES` bytes, or more.
    """
    for start, media_type in _STARTS:
        if head.startswith(start):
            return media_type
    return "image/webp" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None


def data_url(content: bytes, media_type: str) -> str:
    """A URL that holds a file whole."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
