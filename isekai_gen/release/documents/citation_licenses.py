"""Licenses that have a name in SPDX's list, by the names the Hugging Face Hub gives them."""

from __future__ import annotations

_SPDX_IDS = (
    "Apache-2.0",
    "BSD-3-Clause",
    "C-UDA-1.0",
    "CC-BY-2.0",
    "CC-BY-2.5",
    "CC-BY-3.0",
    "CC-BY-4.0",
    "CC-BY-NC-2.0",
    "CC-BY-NC-3.0",
    "CC-BY-NC-4.0",
    "CC-BY-NC-ND-3.0",
    "CC-BY-NC-ND-4.0",
    "CC-BY-NC-SA-2.0",
    "CC-BY-NC-SA-3.0",
    "CC-BY-NC-SA-4.0",
    "CC-BY-ND-4.0",
    "CC-BY-SA-3.0",
    "CC-BY-SA-4.0",
    "CC0-1.0",
    "CDLA-Permissive-1.0",
    "CDLA-Sharing-1.0",
    "MIT",
    "Unlicense",
)
# The Hub leaves the version out of these.
_SPDX_BY_HUB_ID = {identifier.lower(): identifier for identifier in _SPDX_IDS} | {
    "c-uda": "C-UDA-1.0",
    "odbl": "ODbL-1.0",
    "odc-by": "ODC-By-1.0",
    "pddl": "PDDL-1.0",
}


def spdx_id(license_id: str) -> str | None:
    """SPDX's identifier of a license as the Hub writes it, or None if it is not among ours.

    >>> spdx_id("cc-by-4.0")
    'CC-BY-4.0'
    """
    return _SPDX_BY_HUB_ID.get(license_id.lower())


def license_url(license_id: str) -> str | None:
    """Where SPDX has the license's text, or None if it is not among ours."""
    identifier = spdx_id(license_id)
    return f"https://spdx.org/licenses/{identifier}.html" if identifier else None
