"""Where templates meet a catalog: can every concept fill every slot of every template?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from isekai_gen.prompts.articles import has_word
from isekai_gen.prompts.building import SharedSlotError, build_space
from isekai_gen.prompts.faults import Faults, did_you_mean
from isekai_gen.prompts.nodes import ARTICLE, OWN_SLOTS, Literal, Piece, Slot, Variant, walk
from isekai_gen.prompts.template_set import TemplateSet, slot_values
from isekai_gen.records import Concept

_NAMING_SLOTS = ("name", "short", "description")


def note_template_faults(
    templates: TemplateSet, concepts: Sequence[Concept], faults: Faults
) -> None:
    """Note what keeps these templates from speaking of these concepts."""
    unfilled = _note_slot_faults(templates, concepts, faults)
    _note_article_faults(templates, concepts, faults)
    _note_subject_faults(templates, concepts, faults)
    if not unfilled:
        _note_shared_slots(templates, concepts, faults)


def _note_slot_faults(templates: TemplateSet, concepts: Sequence[Concept], faults: Faults) -> bool:
    """Note slots that nothing fills; whether there is any."""
    messages: dict[str, str | None] = {ARTICLE: None}
    for pattern in templates.patterns():
        for piece in walk(pattern.pieces):
            if not isinstance(piece, Slot):
                continue
            if piece.name not in messages:
                messages[piece.name] = _slot_fault(piece.name, templates, concepts)
            message = messages[piece.name]
            if message is not None:
                pattern.note(piece.offset, message, faults)
    return any(message is not None for message in messages.values())


def _slot_fault(slot: str, templates: TemplateSet, concepts: Sequence[Concept]) -> str | None:
    lacking = [c.slug for c in concepts if slot_values(slot, c, templates.lists) is None]
    if not lacking:
        return None
    if len(lacking) < len(concepts):
        return (
            f"slot {{{slot}}} is an attribute that these concepts lack: {', '.join(lacking)}; "
            f"add it to them, or a list {slot!r} as the default"
        )
    attributes = {name for concept in concepts for name in concept.attributes}
    hint = did_you_mean(slot, OWN_SLOTS | templates.lists.keys() | attributes)
    return f"unknown slot {{{slot}}}{hint}"


class _SurePieces:
    """Whether something holds for every text that pieces can become for one concept."""

    def __init__(
        self, templates: TemplateSet, concept: Concept, holds: Callable[[Piece], bool]
    ) -> None:
        """Set up the question.

        Args:
            templates: Where slots and wildcards get their values.
            concept: What is spoken of.
            holds: Whether it holds for a piece by itself.
        """
        self._templates = templates
        self._concept = concept
        self._holds = holds
        self._known: dict[Piece, bool] = {}

    def any_in(self, pieces: Sequence[Piece]) -> bool:
        """Whether it holds for one of these pieces, whatever is chosen."""
        return any(self._is_sure(piece) for piece in pieces)

    def _is_sure(self, piece: Piece) -> bool:
        if piece not in self._known:
            self._known[piece] = self._holds(piece) or self._all_choices(piece)
        return self._known[piece]

    def _all_choices(self, piece: Piece) -> bool:
        if isinstance(piece, Literal) or piece == Slot(ARTICLE):
            return False
        if isinstance(piece, Variant):
            return piece.low > 0 and all(self.any_in(option.pieces) for option in piece.options)
        if isinstance(piece, Slot):
            values = slot_values(piece.name, self._concept, self._templates.lists)
        else:
            values = self._templates.wildcards.values[piece.name]
        # A slot that nothing fills is a fault of its own.
        return values is None or all(self.any_in(value.pattern.pieces) for value in values)


def _note_article_faults(
    templates: TemplateSet, concepts: Sequence[Concept], faults: Faults
) -> None:
    def is_word(piece: Piece) -> bool:
        return isinstance(piece, Literal) and has_word(piece.text)

    articled = [
        (pattern, list(_articles(pattern.pieces, ())))
        for pattern in templates.patterns()
        if Slot(ARTICLE) in walk(pattern.pieces)
    ]
    if not articled:
        return
    sure = [(concept.slug, _SurePieces(templates, concept, is_word)) for concept in concepts]
    for pattern, articles in articled:
        for article, after in articles:
            bare = [slug for slug, words in sure if not words.any_in(after)]
            if bare:
                pattern.note(
                    article.offset,
                    f"{{a}} may have no word after it (concepts: {', '.join(bare)}); "
                    "put a word or a slot without empty values behind it",
                    faults,
                )


def _articles(
    pieces: Sequence[Piece], after: tuple[Piece, ...]
) -> Iterator[tuple[Slot, tuple[Piece, ...]]]:
    """Every article, with the pieces that come after it."""
    for position, piece in enumerate(pieces):
        rest = (*pieces[position + 1 :], *after)
        if isinstance(piece, Slot) and piece.name == ARTICLE:
            yield piece, rest
        elif isinstance(piece, Variant):
            for option in piece.options:
                yield from _articles(option.pieces, rest)


def _note_subject_faults(
    templates: TemplateSet, concepts: Sequence[Concept], faults: Faults
) -> None:
    for concept in concepts:

        def is_naming(piece: Piece, concept: Concept = concept) -> bool:
            return isinstance(piece, Slot) and (
                piece.name in _NAMING_SLOTS or piece.name in concept.attributes
            )

        names = _SurePieces(templates, concept, is_naming)
        for template in templates.templates:
            if not names.any_in(template.text.pieces):
                template.text.note(
                    0,
                    f"template {template.id!r} may name no concept; "
                    "use {name}, {short} or {description} outside of variants",
                    faults,
                )


def _note_shared_slots(templates: TemplateSet, concepts: Sequence[Concept], faults: Faults) -> None:
    for concept in concepts:
        for template in templates.templates:
            try:
                build_space(templates, concept, [template])
            except SharedSlotError as error:
                template.text.note(0, f"template {template.id!r}: {error}", faults)
