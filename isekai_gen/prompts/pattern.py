"""A parsed text of the template language, with the text it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from isekai_gen.prompts.articles import article_for
from isekai_gen.prompts.faults import Faults
from isekai_gen.prompts.nodes import (
    ARTICLE,
    CONCEPT_SLOTS,
    OWN_SLOTS,
    SLOT_NAME,
    Literal,
    Parsed,
    Piece,
    Slot,
    SyntaxFault,
    Wildcard,
    walk,
)
from isekai_gen.prompts.origins import Origin
from isekai_gen.prompts.syntax import parse_text, parse_value

__all__ = [
    "ARTICLE",
    "CONCEPT_SLOTS",
    "NO_PATTERN",
    "OWN_SLOTS",
    "SLOT_NAME",
    "Pattern",
    "article_for",
    "literal_pattern",
    "parse_pattern",
    "read_pattern",
    "read_weighted",
]


@dataclass(frozen=True)
class Pattern:
    """A parsed template text, or a value of a list.

    Attributes:
        source: The text it was parsed from, without a weight before it.
        pieces: Its parts, in order; two patterns are equal if these are.
        origin: Where it stands in a file; None if it was made by code.
    """

    source: str = field(compare=False)
    pieces: tuple[Piece, ...]
    origin: Origin | None = field(default=None, compare=False)

    @property
    def slots(self) -> tuple[str, ...]:
        """Slot names in order of first appearance, without the article; also in variants."""
        pieces = walk(self.pieces)
        names = (piece.name for piece in pieces if isinstance(piece, Slot))
        return tuple(dict.fromkeys(name for name in names if name != ARTICLE))

    @property
    def wildcards(self) -> tuple[Wildcard, ...]:
        """Every wildcard, in the order written."""
        return tuple(piece for piece in walk(self.pieces) if isinstance(piece, Wildcard))

    def note(self, offset: int, message: str, faults: Faults) -> None:
        """Note a fault at a place of this text.

        Raises:
            ValueError: If the pattern was made by code, which has no line to point at.
        """
        if self.origin is None:
            raise ValueError(f"{self.source!r}: {message}")
        faults.add_at(self.origin, offset, message)


NO_PATTERN = Pattern("", ())


def literal_pattern(text: str) -> Pattern:
    """A pattern of words that are never parsed, such as a concept's own."""
    return Pattern(text, (Literal(text),) if text else ())


def parse_pattern(text: str) -> Pattern:
    """Parse a template text that stands in no file.

    Raises:
        ValueError: With every fault and its character.
    """
    parsed = parse_text(text)
    if parsed.faults:
        raise ValueError("\n".join(_in_characters(fault) for fault in parsed.faults))
    return Pattern(text, parsed.pieces)


def read_pattern(origin: Origin, faults: Faults) -> Pattern | None:
    """Parse a template text of a file; None after noting its faults."""
    return _checked(parse_text(origin.text), origin, faults)


def read_weighted(origin: Origin, faults: Faults) -> tuple[Pattern, Fraction | None] | None:
    """Parse a value and the weight that may stand before it; None after noting its faults."""
    parsed = parse_value(origin.text)
    pattern = _checked(parsed, origin, faults)
    return None if pattern is None else (pattern, parsed.weight)


def _checked(parsed: Parsed, origin: Origin, faults: Faults) -> Pattern | None:
    for fault in parsed.faults:
        faults.add_at(origin, fault.offset, fault.message)
    return None if parsed.faults else Pattern(origin.text[parsed.start :], parsed.pieces, origin)


def _in_characters(fault: SyntaxFault) -> str:
    return f"character {fault.offset + 1}: {fault.message}"
