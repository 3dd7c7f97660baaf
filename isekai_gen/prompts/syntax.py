r"""The template language, read to pieces; every fault with its place, and all of them at once.

    text      := (words | slot | variant | wildcard)*
    slot      := "{" name "}"                     {a} is the article of the next word
    variant   := "{" [count] option ("|" option)* "}"
    count     := N ["-" M] "$$" [joiner "$$"]     so many different options, in the order written
    option    := [weight "::"] text               a decimal above 0; nothing needs its weight
    wildcard  := "__" path "__"                   * and ? match several files

A backslash takes the meaning from a punctuation character. Outside of variants "|", "::" and "$$"
are words like any others. docs/decisions/0010-template-language.md has the reasons.
"""

from __future__ import annotations

import re
import string
from fractions import Fraction

from isekai_gen.prompts.faults import quoted
from isekai_gen.prompts.nodes import (
    DEFAULT_JOINER,
    SLOT_NAME,
    Literal,
    Option,
    Parsed,
    Piece,
    Slot,
    SyntaxFault,
    Variant,
    Wildcard,
)
from isekai_gen.prompts.variants import variant_fault
from isekai_gen.prompts.weights import MAX_WEIGHT

_MAX_DEPTH = 20
_SLOT = re.compile(r"\{(" + SLOT_NAME.pattern + r")\}")
_VARIANT_NAME = re.compile(r"v[0-9]+")
_COUNT = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4}))?\$\$")
_JOINER = re.compile(r"((?:\\.|[^\\{}|$]|\$(?!\$))*)\$\$")
_WEIGHT = re.compile(r"\s*([0-9]{1,12}(?:\.[0-9]{1,12})?|\.[0-9]{1,12})::")
_WILDCARD = re.compile(r"__((?!_)[\w*?./-]+?)__")
# Characters that have no meaning of their own anywhere.
_WORDS = re.compile(r"[^\\{}|_:$]+")


def parse_text(text: str) -> Parsed:
    """Read the text of a template."""
    parser = _Parser(text)
    pieces = parser.read_text(depth=0)
    return Parsed(pieces, None, parser.faults())


def parse_value(text: str) -> Parsed:
    """Read a value of a list or a line of a wildcard file, which may begin with "3::"."""
    parser = _Parser(text)
    weight = parser.read_weight()
    start = parser.at
    pieces = parser.read_text(depth=0)
    return Parsed(pieces, weight, parser.faults(), start)


class _Parser:
    """Reads one text from left to right; goes on after a fault.

    Attributes:
        at: 0-based place of the next character.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self.at = 0
        self._faults: list[SyntaxFault] = []

    def faults(self) -> tuple[SyntaxFault, ...]:
        """What was wrong so far, in the order of places."""
        return tuple(sorted(self._faults, key=lambda fault: fault.offset))

    def read_text(self, depth: int) -> tuple[Piece, ...]:
        """Read on to the end, or inside of braces (depth > 0) to the option's end."""
        pieces: list[Piece] = []
        literal = ""
        while self.at < len(self._text):
            char = self._text[self.at]
            if depth and char in "|}":
                break
            piece = self._read_piece(char, depth)
            if isinstance(piece, str):
                literal += piece
                continue
            if literal:
                pieces.append(Literal(literal))
            literal = ""
            pieces.append(piece)
        if literal:
            pieces.append(Literal(literal))
        return tuple(pieces)

    def read_weight(self) -> Fraction | None:
        """The weight that stands here, if one does."""
        found = _WEIGHT.match(self._text, self.at)
        if found is None:
            return None
        weight = Fraction(found.group(1))
        if not 0 < weight <= MAX_WEIGHT:
            self._fault(
                found.start(1),
                f"weight is {found.group(1)}; write a number above 0, up to {MAX_WEIGHT}",
            )
            weight = Fraction(1)
        self.at = found.end()
        return weight

    def _read_piece(self, char: str, depth: int) -> Piece | str:
        """The words or the piece that begin here; no words after a fault."""
        if char == "{":
            return self._read_braces(depth)
        if char == "\\":
            return self._read_escape()
        if char == "}":
            return self._refuse(1, r"unbalanced '}'; open it with {, or write \} for a brace")
        if self._text.startswith("__", self.at):
            return self._read_wildcard()
        if depth and self._text.startswith("::", self.at):
            return self._refuse(
                2,
                "'::' must follow a weight at the start of an option, as in {3::red|blue}; "
                r"write \:: for colons",
            )
        if depth and self._text.startswith("$$", self.at):
            return self._refuse(
                2,
                "'$$' must follow a count, as in {2$$red|green|blue} or {1-2$$ and $$red|green}; "
                r"write \$$ for dollars",
            )
        return self._take(_WORDS)

    def _take(self, words: re.Pattern[str]) -> str:
        found = words.match(self._text, self.at)
        taken = found.group() if found else self._text[self.at]
        self.at += len(taken)
        return taken

    def _read_escape(self) -> str:
        escaped = self._text[self.at + 1 : self.at + 2]
        if not escaped or escaped not in string.punctuation:
            return self._refuse(
                1,
                f"'\\' before {escaped!r} escapes nothing: only punctuation can be escaped; "
                r"write \\ for a backslash",
            )
        self.at += 2
        return escaped

    def _read_wildcard(self) -> Piece | str:
        found = _WILDCARD.match(self._text, self.at)
        if found is None:
            return self._refuse(2, r"unbalanced '__'; write __name__, or \_\_ for underscores")
        name = found.group(1)
        if any(part in ("", ".", "..") for part in name.split("/")):
            return self._refuse(
                len(found.group()),
                f"{quoted(found.group())} does not name a file below the wildcards folder; "
                "write its path without suffix, as in __animals/creature__",
            )
        self.at = found.end()
        return Wildcard(name, found.start())

    def _read_braces(self, depth: int) -> Piece | str:
        start = self.at
        slot = _SLOT.match(self._text, start)
        if slot is not None:
            return self._read_slot(slot)
        if depth == _MAX_DEPTH:
            # Going on would read the rest of the text as something that it is not.
            return self._refuse(
                len(self._text) - start, f"nested deeper than {_MAX_DEPTH} levels; flatten it"
            )
        self.at += 1
        counts = _COUNT.match(self._text, self.at)
        joiner = DEFAULT_JOINER
        if counts is not None:
            self.at = counts.end()
            joiner = self._read_joiner()
        options = self._read_options(depth)
        if self.at == len(self._text):
            self._fault(start, r"unbalanced '{'; close it with }, or write \{ for a brace")
            return ""
        self.at += 1
        low = int(counts.group(1)) if counts else 1
        high = int(counts.group(2) or low) if counts else 1
        variant = Variant(options, low, high, joiner, start)
        written = self._text[start : self.at]
        if written.strip("{} "):  # an empty one is a fault already
            message = variant_fault(variant, written, counted=counts is not None)
            if message is not None:
                self._fault(start, message)
        return variant

    def _read_slot(self, found: re.Match[str]) -> Piece:
        self.at = found.end()
        if _VARIANT_NAME.fullmatch(found.group(1)):
            self._fault(
                found.start(),
                f"slot {found.group()} has a name that variants get (v1, v2, ...); "
                "name it otherwise",
            )
        return Slot(found.group(1), found.start())

    def _read_joiner(self) -> str:
        found = _JOINER.match(self._text, self.at)
        if found is None:
            return DEFAULT_JOINER
        joiner = ""
        while self.at < found.end(1):
            if self._text[self.at] == "\\":
                joiner += self._read_escape()
            else:
                joiner += self._text[self.at]
                self.at += 1
        self.at = found.end()
        return joiner

    def _read_options(self, depth: int) -> tuple[Option, ...]:
        """Read to the closing brace or the end of the text."""
        options = []
        while True:
            start = self.at
            faults = len(self._faults)
            weight = self.read_weight()
            pieces = self.read_text(depth + 1)
            blank = all(isinstance(piece, Literal) and not piece.text.strip() for piece in pieces)
            ended = self.at == len(self._text)  # an open brace is a fault of its own
            if blank and weight is None and not ended and len(self._faults) == faults:
                self._fault(
                    start, "empty variant; write an option, or give nothing a weight: {1::|red}"
                )
            options.append(Option(weight or Fraction(1), () if blank else pieces))
            if self._text[self.at : self.at + 1] != "|":
                return tuple(options)
            self.at += 1

    def _refuse(self, length: int, message: str) -> str:
        """Note a fault here and read on as if nothing stood there."""
        self._fault(self.at, message)
        self.at += length
        return ""

    def _fault(self, offset: int, message: str) -> None:
        self._faults.append(SyntaxFault(offset, message))
