"""Check a received CITATION.cff against the Citation File Format 1.2.0, without its schema.

What is checked: that keys are known and required ones there, types of what a release of ours has,
and its title and version. Never an exception, whatever the text.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

from isekai_gen.release.documents.citation import CFF_VERSION
from isekai_gen.release.verification.received_values import is_text, shown
from isekai_gen.release.verification.received_yaml import read_plain_yaml

_KEYS = frozenset({
    "abstract", "authors", "cff-version", "commit", "contact", "date-released", "doi",
    "identifiers", "keywords", "license", "license-url", "message", "preferred-citation",
    "references", "repository", "repository-artifact", "repository-code", "title", "type", "url",
    "version",
})  # fmt: skip
_NAMES = ("name", "family-names", "given-names", "alias")
_ADDRESSES = ("url", "repository", "license-url")
_DOI = re.compile(r"10\.\d{4,9}(\.\d+)?/\S+")


def check_citation(text: str, *, title: str, version: str) -> list[str]:
    """What is wrong with CITATION.cff; empty if nothing is.

    Args:
        text: Of the file.
        title: That the release has.
        version: That the release has.
    """
    try:
        value = read_plain_yaml(text)
    except ValueError as error:
        return [f"is not YAML: {shown(str(error))}"]
    if not isinstance(value, Mapping):
        return ["must be a YAML mapping"]
    expected = {"cff-version": CFF_VERSION, "type": "dataset", "title": title, "version": version}
    return [
        *(f"unknown key {shown(key)}" for key in value if key not in _KEYS),
        *(
            f"{key} must be {wanted!a}, but is {shown(value.get(key))}"
            for key, wanted in expected.items()
            if value.get(key) != wanted
        ),
        *([] if is_text(value.get("message")) else ["message must be a text"]),
        *_check_authors(value.get("authors"), "authors"),
        *_check_references(value.get("references", [])),
        *_check_addresses(value),
    ]


def _check_addresses(value: Mapping[Any, Any]) -> list[str]:
    faults = [
        f"{key} must be a web address"
        for key in _ADDRESSES
        if key in value
        and not (is_text(value[key]) and value[key].startswith(("https://", "http://")))
    ]
    doi = value.get("doi")
    if doi is not None and not (isinstance(doi, str) and _DOI.fullmatch(doi)):
        faults.append('doi must be like "10.5281/zenodo.1"')
    if "date-released" in value and not _is_date(value["date-released"]):
        faults.append("date-released must be a date such as 2026-01-31")
    return faults


def _check_references(references: Any) -> list[str]:  # noqa: ANN401 - any YAML value
    if not isinstance(references, list):
        return ["references must be a list"]
    faults = []
    for number, reference in enumerate(references, start=1):
        where = f"reference {number}"
        if not isinstance(reference, Mapping):
            faults.append(f"{where} must be a mapping")
            continue
        faults += [
            f"{where}: {key} must be a text"
            for key in ("type", "title")
            if not is_text(reference.get(key))
        ]
        faults += _check_authors(reference.get("authors"), f"{where}: authors")
    return faults


def _check_authors(authors: Any, where: str) -> list[str]:  # noqa: ANN401 - any YAML value
    if not isinstance(authors, list) or not authors:
        return [f"{where} must be a list of at least one"]
    return [
        f"{where}: number {number} has no name"
        for number, author in enumerate(authors, start=1)
        if not (isinstance(author, Mapping) and any(is_text(author.get(key)) for key in _NAMES))
    ]


def _is_date(value: Any) -> bool:  # noqa: ANN401 - any YAML value
    # YAML reads a date without quotes as one.
    if isinstance(value, datetime.date):
        return not isinstance(value, datetime.datetime)
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return False
    try:
        datetime.date.fromisoformat(value)
    except ValueError:
        return False
    return True
