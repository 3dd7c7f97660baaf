"""Which slots a text mentions for one concept, and where each of them is to be chosen."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from isekai_gen.prompts.nodes import ARTICLE, Literal, Piece, Slot, Variant, Wildcard
from isekai_gen.prompts.template_set import TemplateSet, WeightedText, slot_values
from isekai_gen.records import Concept


class Mentions:
    """Slots in pieces, in what fills them, and so on."""

    def __init__(self, templates: TemplateSet, concept: Concept) -> None:
        self._templates = templates
        self._concept = concept
        self._slots_by_piece: dict[Piece, frozenset[str]] = {}

    def values_of(self, slot: str) -> tuple[WeightedText, ...]:
        """The values of a slot; () if nothing fills it."""
        return slot_values(slot, self._concept, self._templates.lists) or ()

    def bound_here(self, pieces: Sequence[Piece], bound: Collection[str]) -> dict[str, bool]:
        """Slots to be chosen beside these pieces, and whether one of the pieces is that slot.

        Args:
            pieces: Pieces side by side.
            bound: Slots that are chosen around them already.
        """
        here = {
            piece.name: True
            for piece in pieces
            if isinstance(piece, Slot) and piece.name != ARTICLE and piece.name not in bound
        }
        if not any(self.slots_in(piece) for piece in pieces):
            return here
        while True:
            known = {*bound, *here}
            mentions = [self._mentioned(beside, known) for beside in _side_by_side(pieces)]
            for slot in here:
                patterns = (value.pattern.pieces for value in self.values_of(slot))
                mentions.append(self._mentioned(itertools.chain(*patterns), known))
            times = Counter(slot for mentioned in mentions for slot in mentioned)
            shared = [slot for slot, number in times.items() if number > 1 and slot not in known]
            if not shared:
                return here
            here |= dict.fromkeys(sorted(shared), False)

    def _mentioned(self, pieces: Iterable[Piece], known: Collection[str]) -> set[str]:
        """Slots in pieces and in what fills them, but not in what fills the known ones."""
        found: set[str] = set()
        for piece in pieces:
            if self.slots_in(piece) <= found:
                continue
            if isinstance(piece, Slot):
                found.add(piece.name)
                if piece.name in known:
                    continue
            found |= self._mentioned(self._inside(piece), known)
        return found

    def slots_in(self, piece: Piece) -> frozenset[str]:
        """All slots in a piece and in what fills it."""
        if isinstance(piece, Literal):
            return frozenset()
        if piece not in self._slots_by_piece:
            inside = (self.slots_in(inner) for inner in self._inside(piece))
            own = {piece.name} if isinstance(piece, Slot) and piece.name != ARTICLE else set()
            self._slots_by_piece[piece] = frozenset(own.union(*inside))
        return self._slots_by_piece[piece]

    def slots_of_values(self, values: Sequence[WeightedText]) -> frozenset[str]:
        """All slots in values and in what fills them."""
        return frozenset().union(
            *(self.slots_in(piece) for value in values for piece in value.pattern.pieces)
        )

    def _inside(self, piece: Piece) -> Iterator[Piece]:
        """What a piece may become."""
        if isinstance(piece, Variant):
            for option in piece.options:
                yield from option.pieces
            return
        if isinstance(piece, Wildcard):
            values = self._templates.wildcards.values[piece.name]
        elif isinstance(piece, Slot) and piece.name != ARTICLE:
            values = self.values_of(piece.name)
        else:
            return
        for value in values:
            yield from value.pattern.pieces


def _side_by_side(pieces: Sequence[Piece]) -> Iterator[Sequence[Piece]]:
    """Parts other than slots that may come into one prompt, each with choices of its own."""
    for piece in pieces:
        if isinstance(piece, Variant) and piece.high > 1:
            yield from (option.pieces for option in piece.options)
        elif not isinstance(piece, Slot):
            yield (piece,)
