"""The parts of a parsed template text, and how they are written back as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

ARTICLE = "a"
# Slots that every concept fills, beside the article.
CONCEPT_SLOTS = ("name", "short", "description", "concept_negative")
OWN_SLOTS = frozenset((ARTICLE, *CONCEPT_SLOTS))
SLOT_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
DEFAULT_JOINER = ", "

_SPECIAL = re.compile(r"[\\{}|_:$]")
_MAX_DECIMALS = 12


@dataclass(frozen=True)
class Literal:
    """Words as they are, without escapes."""

    text: str


@dataclass(frozen=True)
class Slot:
    """A named slot, `{place}`; `{a}` is the article of the next word.

    Attributes:
        name: Lower-case name.
        offset: 0-based place in the text, for messages.
    """

    name: str
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Wildcard:
    """A line of a wildcard file, `__animals/creature__`.

    Attributes:
        name: Path of the file without its suffix; `*` and `?` match several files.
        offset: 0-based place in the text, for messages.
    """

    name: str
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Option:
    """One choice of a variant.

    Attributes:
        weight: How often it comes relative to the others; > 0.
        pieces: Its text; empty for "nothing".
    """

    weight: Fraction
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Variant:
    """Some of several options, `{red|green}` or `{1-2$$ and $$red|green|blue}`.

    Attributes:
        options: At least two, all different.
        low: Fewest options taken; >= 0.
        high: Most options taken; >= 1.
        joiner: Text between the options taken.
        offset: 0-based place in the text, for messages.
    """

    options: tuple[Option, ...]
    low: int = 1
    high: int = 1
    joiner: str = DEFAULT_JOINER
    offset: int = field(default=0, compare=False)

    @property
    def takes_one(self) -> bool:
        """Whether exactly one option is taken."""
        return self.low == self.high == 1


Piece = Literal | Slot | Wildcard | Variant


@dataclass(frozen=True)
class SyntaxFault:
    """What is wrong in a text.

    Attributes:
        offset: 0-based place in the text.
        message: What is wrong; what to do.
    """

    offset: int
    message: str


@dataclass(frozen=True)
class Parsed:
    """A text as far as it could be read.

    Attributes:
        pieces: Its parts.
        weight: What stood before "::" at the start of a value; None if nothing did.
        faults: What is wrong, in the order of places; the pieces are of use only without any.
        start: Where the text begins behind the weight.
    """

    pieces: tuple[Piece, ...]
    weight: Fraction | None
    faults: tuple[SyntaxFault, ...]
    start: int = 0


def walk(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Every piece, in the order written, each variant before what its options hold."""
    for piece in pieces:
        yield piece
        if isinstance(piece, Variant):
            for option in piece.options:
                yield from walk(option.pieces)


def write_pieces(pieces: Sequence[Piece]) -> str:
    """Text that parses to `pieces` again."""
    return "".join(_write_piece(piece) for piece in pieces)


def _write_piece(piece: Piece) -> str:
    match piece:
        case Literal(text):
            return _escaped(text)
        case Slot(name):
            return f"{{{name}}}"
        case Wildcard(name):
            return f"__{name}__"
        case Variant():
            return _write_variant(piece)


def _write_variant(variant: Variant) -> str:
    count = ""
    if not variant.takes_one:
        exact = variant.low == variant.high
        count = f"{variant.low}$$" if exact else f"{variant.low}-{variant.high}$$"
        if variant.joiner != DEFAULT_JOINER:
            count += f"{_escaped(variant.joiner)}$$"
    return "{" + count + "|".join(_write_option(option) for option in variant.options) + "}"


def _write_option(option: Option) -> str:
    text = write_pieces(option.pieces)
    plain = option.weight == 1 and bool(text.strip())
    return text if plain else f"{_decimal(option.weight)}::{text}"


def _decimal(weight: Fraction) -> str:
    """A weight as the decimal that it was read from."""
    scaled = weight * 10**_MAX_DECIMALS
    if scaled.denominator != 1:
        raise ValueError(f"weight {weight} has more than {_MAX_DECIMALS} decimals")
    whole, rest = divmod(int(scaled), 10**_MAX_DECIMALS)
    decimals = f"{rest:0{_MAX_DECIMALS}d}".rstrip("0")
    return f"{whole}.{decimals}" if decimals else str(whole)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)
