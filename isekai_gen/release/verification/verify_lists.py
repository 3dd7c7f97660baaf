"""Compare what lies on disk with release.json and SHA256SUMS (see `index`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

from isekai_gen.errors import ReleaseError
from isekai_gen.release.content import ReleaseOptions
from isekai_gen.release.index import INDEX_SCHEMA, sums_text
from isekai_gen.release.layout import (
    CARD_FILE,
    CHANGELOG_FILE,
    CITATION_FILE,
    CONCEPTS_FILE,
    CROISSANT_FILE,
    DATASHEET_FILE,
    DUPLICATES_FILE,
    ENVIRONMENT_FILE,
    INDEX_FILE,
    LICENSE_FILE,
    METADATA_FILE,
    NOTICES_FILE,
    OVERLAP_FILE,
    PROMPTS_FILE,
    REJECTED_FILE,
    SETTINGS_FILE,
    SHEET_FILE,
    SIGNATURE_FILE,
    STATS_FILE,
    SUMS_FILE,
    TEMPLATES_FILE,
    Profile,
    role_of,
)
from isekai_gen.release.verification.received import ReceivedTree
from isekai_gen.release.verification.received_release import ReceivedRelease

_REQUIRED = (
    CARD_FILE,
    CHANGELOG_FILE,
    CITATION_FILE,
    CONCEPTS_FILE,
    CROISSANT_FILE,
    DATASHEET_FILE,
    DUPLICATES_FILE,
    ENVIRONMENT_FILE,
    INDEX_FILE,
    LICENSE_FILE,
    METADATA_FILE,
    NOTICES_FILE,
    OVERLAP_FILE,
    PROMPTS_FILE,
    REJECTED_FILE,
    SETTINGS_FILE,
    SHEET_FILE,
    STATS_FILE,
    SUMS_FILE,
    TEMPLATES_FILE,
)
_PROFILES = get_args(Profile)
_OPTIONS = ("name", "version", "title", "license")
_UNLISTED = frozenset({INDEX_FILE, SUMS_FILE, SIGNATURE_FILE})
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_SUMS_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def check_lists(release: ReceivedRelease) -> None:
    """Report missing, extra and changed files, and a release.json that says odd things."""
    tree, measured = release.tree, release.measured
    for name in _REQUIRED:
        if name not in tree.files:
            tree.report(name, "missing", "every release has this file")
    if INDEX_FILE in tree.files:
        _check_fields(tree, release.index)
        changed = _check_index(tree, release.index, measured)
        _check_sums(tree, measured, changed)


def _check_fields(tree: ReceivedTree, index: Mapping[str, Any]) -> None:
    """Report values that no release of ours can have."""
    faults = []
    if index.get("schema") != INDEX_SCHEMA:
        faults.append(f"schema must be {INDEX_SCHEMA}")
    try:
        # Its text is not asked for here: LICENSE has it.
        name, version, title, license_id = (str(index.get(key)) for key in _OPTIONS)
        ReleaseOptions(name, version, title, license_id, license_text=f"in {LICENSE_FILE}")
    except ReleaseError as error:
        faults.append(str(error))
    if index.get("profile") not in _PROFILES:
        faults.append(f"profile must be one of {', '.join(_PROFILES)}")
    for key in ("loose_images", "signed_pictures"):
        if not isinstance(index.get(key), bool):
            faults.append(f"{key} must be true or false")
    loose = any(name.startswith("images/") for name in tree.files)
    if isinstance(index.get("loose_images"), bool) and index["loose_images"] != loose:
        faults.append(f"loose_images is {index['loose_images']}, unlike images/")
    date = index.get("date")
    if date is not None and not (isinstance(date, str) and _DATE.fullmatch(date)):
        faults.append("date must be like 2026-01-31, or null")
    tree.report_some(INDEX_FILE, "index", faults)


def _check_index(
    tree: ReceivedTree, index: Mapping[str, Any], measured: Mapping[str, str]
) -> set[str]:
    """Compare with release.json; returns the paths that are reported."""
    entries = index.get("files")
    reported: set[str] = set()
    listed: set[str] = set()
    for number, entry in enumerate(entries if isinstance(entries, list) else [], start=1):
        fields = entry if isinstance(entry, Mapping) else {}
        name = fields.get("path")
        if not isinstance(name, str) or name in listed or name in _UNLISTED:
            tree.report(INDEX_FILE, "json", f"entry {number} of files has no path of its own")
            continue
        listed.add(name)
        if fields.get("role") != _role(name):
            tree.report(INDEX_FILE, "index", f"role of {name!a} must be {_role(name)!a}")
        if name not in tree.files:
            tree.report(name, "missing", f"{INDEX_FILE} lists it")
        elif name in measured:
            size = tree.files[name].stat().st_size
            if fields.get("sha256") != measured[name] or fields.get("size") != size:
                tree.report(name, "checksum", f"its bytes are not those {INDEX_FILE} lists")
                reported.add(name)
    for name in sorted(tree.files.keys() - listed - _UNLISTED):
        tree.report(name, "extra", f"{INDEX_FILE} does not list it")
        reported.add(name)
    return reported


def _check_sums(tree: ReceivedTree, measured: Mapping[str, str], reported: set[str]) -> None:
    """Compare SHA256SUMS, byte for byte, with what the files on disk say it must be."""
    content = tree.read_bytes(SUMS_FILE)
    unsummed = (SUMS_FILE, SIGNATURE_FILE)
    expected = {name: digest for name, digest in measured.items() if name not in unsummed}
    if content is None or content == sums_text(expected).encode():
        return
    lines = content.decode("utf-8", errors="replace").split("\n")
    matches = [match for line in lines if (match := _SUMS_LINE.fullmatch(line))]
    summed = {match.group(2): match.group(1) for match in matches}
    differing = {
        name for name in summed.keys() | expected.keys() if summed.get(name) != expected.get(name)
    }
    for name in sorted(differing - reported):
        tree.report(name, "checksum", f"{SUMS_FILE} and the file on disk do not agree")
    if differing - reported:
        message = f"does not agree with {len(differing - reported)} files on disk"
        tree.report(SUMS_FILE, "checksum", message)
    if not differing:
        tree.report(SUMS_FILE, "checksum", "not in its one form: sorted, one line a file")


def _role(path: str) -> str:
    """What a file is for, or "" where no release has one."""
    try:
        return role_of(path)
    except KeyError:
        return ""
