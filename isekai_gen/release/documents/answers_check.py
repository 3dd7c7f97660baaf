"""What is wrong with the values of a release.toml, each fault with its place."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from isekai_gen.release.documents.answers_lines import KeyPath
from isekai_gen.release.documents.answers_questions import (
    AUTHOR_QUESTIONS,
    PLACEHOLDERS,
    QUESTIONS,
    TERMS_QUESTIONS,
    Question,
)

MAX_TEXT = 20_000
"""Characters of one answer: a card is to be read."""

_TABLES = ("authors", "generators")
_URL = re.compile(r"https?://[^\s<>\"'`(){}|\\^]+")
_EMAIL = re.compile(r"[^\s<>@\"'`(){}|\\]+@[^\s<>@\"'`(){}|\\]+\.[^\s<>@\"'`(){}|\\]+")
_SHAPES: Mapping[str, tuple[re.Pattern[str], str]] = {
    "url": (_URL, "a URL, such as https://example.org/dataset"),
    "email": (_EMAIL, "an e-mail address, such as ada@example.org"),
    "repository": (
        re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*"),
        "an id on the Hub, such as ada/isekai-sharks",
    ),
    "doi": (re.compile(r"10\.[0-9]{4,9}/[^\s\"<>{}\\]+"), "a DOI, such as 10.5281/zenodo.123"),
    "orcid": (
        re.compile(r"([0-9]{4}-){3}[0-9]{3}[0-9X]"),
        "an ORCID iD, such as 0000-0002-1825-0097",
    ),
}


class Fault(NamedTuple):
    """Something wrong.

    Attributes:
        path: Where.
        message: What, and what to do.
    """

    path: KeyPath
    message: str


def find_faults(tree: Mapping[str, Any], generators: Iterable[str]) -> list[Fault]:
    """All faults of a parsed release.toml.

    Args:
        tree: The document.
        generators: Image generators that were used, as records name them.
    """
    return [
        *_check_table({key: tree[key] for key in tree if key not in _TABLES}, (), QUESTIONS),
        *_check_authors(tree.get("authors")),
        *_check_generators(tree.get("generators", {}), generators),
    ]


def _check_authors(authors: Any) -> Iterator[Fault]:  # noqa: ANN401 - any TOML value
    if not isinstance(authors, list) or not authors:
        yield Fault(("authors",), "no author; give each a [[authors]] table with a name")
        return
    for place, author in enumerate(authors):
        if isinstance(author, Mapping):
            yield from _check_table(author, ("authors", place), AUTHOR_QUESTIONS)
        else:
            yield Fault(("authors", place), "an author must be a [[authors]] table with a name")


def _check_generators(tables: Any, used: Iterable[str]) -> Iterator[Fault]:  # noqa: ANN401
    if not isinstance(tables, Mapping):
        yield Fault(("generators",), "generators must be tables: [generators.NAME]")
        return
    for name, terms in tables.items():
        if isinstance(terms, Mapping):
            yield from _check_table(terms, ("generators", name), TERMS_QUESTIONS)
        else:
            yield Fault(("generators", name), f"{name!r} must be a table: [generators.{name!r}]")
    for name in sorted(set(used) - tables.keys()):
        yield Fault(
            ("generators",),
            f"images were drawn by {name!r}, whose terms are missing; add [generators.{name!r}] "
            "with license, url and restrictions",
        )


def _check_table(
    table: Mapping[str, Any], path: KeyPath, questions: Sequence[Question]
) -> Iterator[Fault]:
    known = {question.key: question for question in questions}
    for key in table.keys() - known.keys():
        close = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        yield Fault((*path, key), f"unknown key {key!r}; {hint}known here: {', '.join(known)}")
    for key, question in known.items():
        if key in table:
            yield from _check_text(table[key], (*path, key), question)
        elif question.required:
            yield Fault(path, f"{key!r} is missing: {question.explanation}")


def _check_text(value: Any, path: KeyPath, question: Question) -> Iterator[Fault]:  # noqa: ANN401
    key = question.key
    if not isinstance(value, str):
        yield Fault(path, f"{key!r} must be a text in quotes, not {type(value).__name__}")
    elif is_placeholder(value):
        shown = " ".join(value.split())
        yield Fault(path, f"placeholder {shown!r}; write your own text for {key!r} in its place")
    elif len(value) > MAX_TEXT:
        yield Fault(path, f"{key!r} has {len(value)} characters; at most {MAX_TEXT} are allowed")
    elif any(_is_control(char) for char in value):
        yield Fault(path, f"{key!r} has control characters; remove them")
    elif not value.strip() and question.required:
        yield Fault(path, f"{key!r} is empty: {question.explanation}")
    elif value.strip():
        yield from _check_shape(value.strip(), path, question)


def _check_shape(value: str, path: KeyPath, question: Question) -> Iterator[Fault]:
    key = question.key
    if question.shape != "text":
        pattern, wanted = _SHAPES[question.shape]
        if not pattern.fullmatch(value):
            yield Fault(path, f"{key!r} must be {wanted}; found {value!r}")
        elif question.shape == "orcid" and not _checks_out(value):
            yield Fault(path, f"{key!r} {value!r} has a typing error: its last digit differs")


def is_placeholder(text: str) -> bool:
    """Whether a text, or a part of it, is still to be written."""
    return PLACEHOLDERS.search(text) is not None


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t\r"


def _checks_out(orcid: str) -> bool:
    """ISO 7064 MOD 11-2, as ORCID documents for its last digit."""
    digits = orcid.replace("-", "")
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    return "0123456789X"[(12 - total % 11) % 11] == digits[-1]
