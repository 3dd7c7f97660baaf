"""Check the documents of a release: nothing left to fill in, and true of what lies beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from isekai_gen.release.croissant.croissant_check import check_croissant
from isekai_gen.release.documents.answers_questions import PLACEHOLDERS
from isekai_gen.release.documents.citation_check import check_citation
from isekai_gen.release.layout import (
    CARD_FILE,
    CHANGELOG_FILE,
    CITATION_FILE,
    CROISSANT_FILE,
    DATASHEET_FILE,
    ENVIRONMENT_FILE,
    INDEX_FILE,
    LICENSE_FILE,
    NOTICES_FILE,
    SETTINGS_FILE,
)
from isekai_gen.release.verification.received_release import ReceivedRelease

_TEXTS = (CARD_FILE, CHANGELOG_FILE, CITATION_FILE, DATASHEET_FILE, LICENSE_FILE, NOTICES_FILE)


def check_documents(release: ReceivedRelease) -> None:
    """Report documents with placeholders, and metadata files that are not their format's."""
    for name in (*_TEXTS, CROISSANT_FILE):
        _check_text(release, name)
    _check_changelog(release)
    _check_citation(release)
    _check_croissant(release)
    for name in (SETTINGS_FILE, ENVIRONMENT_FILE):
        if name in release.tree.files and not isinstance(release.tree.read_json(name), Mapping):
            release.tree.report(name, "json", "must be a JSON object")


def _read_text(release: ReceivedRelease, name: str) -> str:
    content = release.tree.read_bytes(name)
    return "" if content is None else content.decode("utf-8", errors="replace")


def _check_text(release: ReceivedRelease, name: str) -> None:
    if name not in release.tree.files:
        return
    text = _read_text(release, name)
    if not text.strip() or "\ufffd" in text:
        release.tree.report(name, "unreadable", "is empty, or not UTF-8")
    faults = [
        f"line {number}: {found.group()!a} is still to be answered"
        for number, line in enumerate(text.splitlines(), start=1)
        if (found := PLACEHOLDERS.search(line))
    ]
    release.tree.report_some(name, "placeholder", faults)


def _check_changelog(release: ReceivedRelease) -> None:
    version = release.index.get("version")
    if CHANGELOG_FILE not in release.tree.files or not isinstance(version, str):
        return
    headings = [
        line for line in _read_text(release, CHANGELOG_FILE).splitlines() if line[:3] == "## "
    ]
    if not headings or version not in re.split(r"[\s\[\]()]+", headings[0]):
        release.tree.report(CHANGELOG_FILE, "index", f"its first entry must be {version}")


def _check_citation(release: ReceivedRelease) -> None:
    content = release.tree.read_bytes(CITATION_FILE)
    if content is None:
        return
    title, version = str(release.index.get("title")), str(release.index.get("version"))
    faults = check_citation(content.decode("utf-8", errors="replace"), title=title, version=version)
    release.tree.report_some(CITATION_FILE, "citation", faults)


def _check_croissant(release: ReceivedRelease) -> None:
    if CROISSANT_FILE not in release.tree.files:
        return
    value = release.tree.read_json(CROISSANT_FILE)
    sizes = {name: release.tree.files[name].stat().st_size for name in release.measured}
    faults = check_croissant(value, release.measured, sizes)
    if isinstance(value, Mapping) and value.get("version") != release.index.get("version"):
        faults.append(f"version is not that of {INDEX_FILE}")
    release.tree.report_some(CROISSANT_FILE, "croissant", faults)
