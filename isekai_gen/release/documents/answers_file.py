"""Read and begin release.toml, which holds what only the authors can say."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from isekai_gen.errors import ReleaseError
from isekai_gen.release.documents.answers import Answers, Author, GeneratorTerms
from isekai_gen.release.documents.answers_check import Fault, find_faults, is_placeholder
from isekai_gen.release.documents.answers_lines import line_by_path, nearest_line
from isekai_gen.release.documents.answers_questions import (
    AUTHOR_QUESTIONS,
    QUESTIONS,
    TERMS_QUESTIONS,
    Question,
)
from isekai_gen.release.documents.answers_scaffold import KnownFacts, scaffold

__all__ = ["KnownFacts", "count_placeholders", "read_answers", "scaffold"]

MAX_BYTES = 200_000
"""Of the file: all answers together."""


def read_answers(path: Path, generators: Iterable[str] = ()) -> Answers:
    """The authors' answers, complete.

    Args:
        path: release.toml.
        generators: Image generators that were used, as records name them; each must be there.

    Raises:
        ReleaseError: With every fault as `file:line: what, and what to do`, one a line.
    """
    text, tree = _parse(path)
    faults = find_faults(tree, generators)
    if faults:
        raise ReleaseError("\n".join(_located(path, text, faults)))
    return _answers(tree)


def count_placeholders(path: Path) -> int:
    """Number of texts that the authors have yet to write.

    Raises:
        ReleaseError: If the file cannot be read or is no TOML.
    """
    return sum(map(is_placeholder, _texts(_parse(path)[1])))


def _parse(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ReleaseError(f"{path} is over {MAX_BYTES:,} bytes; shorten its texts")
        text = path.read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ReleaseError(f"{path} cannot be read: {error}") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ReleaseError(f"{path} is no TOML: {error}") from error


def _located(path: Path, text: str, faults: Iterable[Fault]) -> list[str]:
    lines = line_by_path(text)
    numbered = sorted((nearest_line(lines, fault.path), fault.message) for fault in faults)
    return [f"{path}:{line}: {message}" for line, message in numbered]


def _texts(value: Any) -> list[str]:  # noqa: ANN401 - any TOML value
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in parts for text in _texts(part)]


def _answers(tree: Mapping[str, Any]) -> Answers:
    return Answers(
        **_stripped(tree, QUESTIONS),
        authors=tuple(Author(**_stripped(each, AUTHOR_QUESTIONS)) for each in tree["authors"]),
        generators={
            name: GeneratorTerms(**{"url": "", **_stripped(terms, TERMS_QUESTIONS)})
            for name, terms in tree.get("generators", {}).items()
        },
    )


def _stripped(table: Mapping[str, Any], questions: Iterable[Question]) -> dict[str, Any]:
    return {each.key: table[each.key].strip() for each in questions if each.key in table}
