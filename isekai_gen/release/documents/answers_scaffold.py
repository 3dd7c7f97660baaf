"""A first release.toml: every question explained, answered as far as the program can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap

from isekai_gen.release.documents.answers_generators import KNOWN_TERMS
from isekai_gen.release.documents.answers_questions import (
    AUTHOR_QUESTIONS,
    PLACEHOLDER,
    QUESTIONS,
    TERMS_QUESTIONS,
    Question,
)

_WIDTH = 96


@dataclass(frozen=True)
class KnownFacts:
    """What the program knows of a dataset before its release.

    Attributes:
        title: Name of the dataset, for people.
        fictional: Number of fictional concepts.
        real: Number of real concepts.
        images: Images generated or planned so far.
        generators: Image generators, as records name them.
    """

    title: str
    fictional: int
    real: int
    images: int
    generators: Sequence[str]


def scaffold(known: KnownFacts) -> str:
    """Text of a new release.toml; TODO where only the authors can answer."""
    top = [
        f"What only the authors of {_one_line(known.title)} can say. Texts are Markdown "
        "paragraphs: they go into the card, the datasheet, the citation and croissant.json.",
        f"Replace every text that begins with {PLACEHOLDER}; nothing is released before. The "
        "other texts hold for every release of isekai-gen: read them, and change what you know "
        "better.",
        f"When this file was written: {known.fictional} fictional and {known.real} real concepts, "
        f"{known.images} images drawn; image generators: "
        f"{', '.join(map(_one_line, known.generators))}.",
    ]
    parts = ["\n".join(map(_comment, top)), *(_entry(question) for question in QUESTIONS)]
    author = _comment("One table for each author, in the order of the citation.")
    parts.append(f"{author}\n[[authors]]\n{_entry(AUTHOR_QUESTIONS[0])}")
    parts.extend(_entry(question) for question in AUTHOR_QUESTIONS[1:])
    for name in known.generators:
        parts.append(_generator(name))
    return "\n\n".join(parts) + "\n"


def _generator(name: str) -> str:
    terms = KNOWN_TERMS.get(name)
    known: Mapping[str, str] = terms.__dict__ if terms else {}
    first, *others = (_entry(question, known.get(question.key)) for question in TERMS_QUESTIONS)
    header = _comment("Under which terms this image generator was used.")
    return "\n\n".join([f"{header}\n[generators.{_basic(name)}]\n{first}", *others])


def _entry(question: Question, text: str | None = None) -> str:
    value = question.prefilled if text is None else text
    return f"{_comment(question.explanation)}\n{question.key} = {_text(value)}"


def _comment(text: str) -> str:
    return "\n".join(f"# {line}" for line in wrap(text, _WIDTH))


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _text(value: str) -> str:
    """A basic string, over several lines if it is long."""
    if len(value) < _WIDTH - 20:
        return _basic(value)
    # Inner texts are ours (`QUESTIONS`, `KNOWN_TERMS`): no backslashes, no triple quotes.
    return '"""\n' + "\n".join(wrap(value, _WIDTH)) + '"""'


def _basic(text: str) -> str:
    import tomli_w

    return tomli_w.dumps({"_": text}).removeprefix("_ = ").rstrip("\n")
