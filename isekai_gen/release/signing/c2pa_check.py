"""Whether a picture's C2PA mark is whole and is this picture's."""

from __future__ import annotations

import io
from importlib.util import find_spec

from isekai_gen.optional import require
from isekai_gen.release.signing.c2pa_keys import INSTALL_C2PA
from isekai_gen.release.signing.c2pa_marks import C2PA_SETTINGS

_CONTENT_MATCHES = "assertion.dataHash.match"
# Trust is not asked about, and a certificate that was valid when it signed may run out while the
# release is still unchanged: without a time stamp, its end is all that is known of the time.
_NOT_FAULTS = frozenset(
    {"signingCredential.untrusted", "signingCredential.expired", "claimSignature.outsideValidity"}
)


def can_check_c2pa() -> bool:
    """Whether the extra that reads marks is installed."""
    return find_spec("c2pa") is not None


def check_c2pa(content: bytes) -> list[str]:
    """What is wrong with the mark of a picture, empty if nothing is. Nothing is fetched.

    Args:
        content: A PNG, JPEG or WebP file.

    Raises:
        MissingDependencyError: If the extra is not installed.
    """
    c2pa = require("c2pa", INSTALL_C2PA)
    context = c2pa.Context(c2pa.Settings.from_dict(C2PA_SETTINGS))
    try:
        with c2pa.Reader(_media_type(content), io.BytesIO(content), context=context) as reader:
            active = reader.get_validation_results()["activeManifest"]
    except c2pa.C2paError as error:
        return [f"has no readable C2PA mark: {error}"]
    faults = {each["code"] for each in active["failure"]} - _NOT_FAULTS
    if not faults and _CONTENT_MATCHES not in {each["code"] for each in active["success"]}:
        return ["the C2PA mark does not cover the picture"]
    return [f"the C2PA mark is broken: {code}" for code in sorted(faults)]


def _media_type(content: bytes) -> str:
    if content.startswith(b"\xff\xd8"):
        return "image/jpeg"
    return "image/webp" if content.startswith(b"RIFF") else "image/png"
