"""Where templates meet a catalog: can every concept fill every slot of every template?"""

from __future__ import annotations

from collections.abc import Sequence

from isekai_gen.prompts.faults import Faults, did_you_mean
from isekai_gen.prompts.pattern import ARTICLE, OWN_SLOTS, Pattern, Piece, has_word
from isekai_gen.prompts.template_set import Template, TemplateSet, slot_values
from isekai_gen.records import Concept


def note_template_faults(
    template: Template, templates: TemplateSet, concepts: Sequence[Concept], faults: Faults
) -> None:
    """Note unfilled slots, articles that may stand alone, and a text that names no concept."""
    for pattern, line in (
        (template.text, template.text_line),
        (template.negative, template.negative_line),
    ):
        for slot in pattern.slots:
            _check_slot(slot, line, templates, concepts, faults)
        _check_articles(pattern, line, templates, concepts, faults)
    _check_subject(template, concepts, faults)


def _check_slot(
    slot: str, line: int, templates: TemplateSet, concepts: Sequence[Concept], faults: Faults
) -> None:
    lacking = [c.slug for c in concepts if slot_values(slot, c, templates.lists) is None]
    if not lacking:
        return
    if len(lacking) < len(concepts):
        faults.add(
            line,
            f"slot {{{slot}}} is an attribute that these concepts lack: {', '.join(lacking)}; "
            f"add it to them, or a list {slot!r} as the default",
        )
        return
    attributes = {name for concept in concepts for name in concept.attributes}
    hint = did_you_mean(slot, OWN_SLOTS | templates.lists.keys() | attributes)
    faults.add(line, f"unknown slot {{{slot}}}{hint}")


def _check_articles(
    pattern: Pattern,
    line: int,
    templates: TemplateSet,
    concepts: Sequence[Concept],
    faults: Faults,
) -> None:
    for position, piece in enumerate(pattern.pieces):
        if not (piece.is_slot and piece.text == ARTICLE):
            continue
        rest = pattern.pieces[position + 1 :]
        bare = [c.slug for c in concepts if not _has_sure_word(rest, c, templates)]
        if bare:
            faults.add(
                line,
                f"{{a}} may have no word after it (concepts: {', '.join(bare)}); "
                "put a word or a slot without empty values behind it",
            )


def _has_sure_word(pieces: Sequence[Piece], concept: Concept, templates: TemplateSet) -> bool:
    for piece in pieces:
        if not piece.is_slot:
            texts = [piece.text]
        elif piece.text == ARTICLE:
            continue
        else:
            values = slot_values(piece.text, concept, templates.lists)
            if values is None:
                return True  # an unknown slot is a fault of its own
            texts = [value.text for value in values]
        if all(has_word(text) for text in texts):
            return True
    return False


def _check_subject(template: Template, concepts: Sequence[Concept], faults: Faults) -> None:
    slots = set(template.text.slots)
    attributes = {name for concept in concepts for name in concept.attributes}
    if not slots & ({"name", "short", "description"} | attributes):
        faults.add(
            template.text_line,
            f"template {template.id!r} names no concept; "
            "use {name}, {short} or {description}",
        )
