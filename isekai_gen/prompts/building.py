"""From templates and a concept to the tree of choices that `space` describes.

A slot has one value in a prompt, however often it is written. It is chosen at the innermost place
that all its mentions share: outside of all variants for a slot of the template's text, inside of an
option for a slot that only this option mentions. Two variants (or lists, or wildcards) that may
mention a slot, with no mention outside of them, could share its value only if it were chosen for
prompts that do not show it, which would then come several times; so that is refused, unless the
slot has one value only.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from isekai_gen.prompts.articles import sure_article
from isekai_gen.prompts.binding_names import BindingNames
from isekai_gen.prompts.mentions import Mentions
from isekai_gen.prompts.nodes import (
    ARTICLE,
    Literal,
    Piece,
    Slot,
    Variant,
    Wildcard,
    write_pieces,
)
from isekai_gen.prompts.space import (
    ARTICLE_PART,
    Alternative,
    Article,
    Choice,
    Joined,
    Part,
    text_of_joined,
)
from isekai_gen.prompts.template_set import Template, TemplateSet, WeightedText
from isekai_gen.prompts.weights import combination_weights, whole_weights
from isekai_gen.records import Concept


class SharedSlotError(ValueError):
    """Two variants would have to share the value of a slot."""


@dataclass(frozen=True)
class TemplateSpace:
    """What a template can say of a concept.

    Attributes:
        template: The template.
        root: Its choices, in the order written.
        text: Parts of the prompt.
        negative: Parts of the negative prompt.
        balanced: The choices of `root` in the order in which they are balanced: lists in the order
            of their file, the concept's attributes, then the rest; constants are among them.
    """

    template: Template
    root: Alternative
    text: tuple[Part, ...]
    negative: tuple[Part, ...]
    balanced: tuple[Choice, ...]


def build_space(
    templates: TemplateSet, concept: Concept, chosen: Sequence[Template]
) -> tuple[TemplateSpace, ...]:
    """The spaces of some of the templates of a set.

    Raises:
        SharedSlotError: If two variants would have to share the value of a slot.
        ValueError: If the concept cannot fill a slot (`check_templates` finds it first).
    """
    builder = _Builder(templates, concept)
    return tuple(builder.template_space(template) for template in chosen)


@dataclass(frozen=True)
class _Scope:
    """Pieces built side by side.

    Attributes:
        parts: One for each piece.
        choices: All that is chosen here, also where there is one value only.
    """

    parts: tuple[Part, ...]
    choices: tuple[Choice, ...]


class _Builder:
    """Builds the templates of one concept."""

    def __init__(self, templates: TemplateSet, concept: Concept) -> None:
        self._templates = templates
        self._concept = concept
        order = enumerate((*templates.lists, *concept.attributes))
        self._order = {name: number for number, name in order}
        self._mentions = Mentions(templates, concept)

    def template_space(self, template: Template) -> TemplateSpace:
        """What a template can say of the concept."""
        pieces = (*template.text.pieces, *template.negative.pieces)
        slots = frozenset().union(*(self._mentions.slots_in(piece) for piece in pieces))
        for slot in sorted(slots):
            if not self._mentions.values_of(slot):
                raise ValueError(
                    f"template {template.id!r} needs slot {{{slot}}}, "
                    f"which {self._concept.slug!r} lacks"
                )
        scope = self._scope(pieces, {}, BindingNames(template, slots))
        middle = len(template.text.pieces)
        last = len(self._order)
        return TemplateSpace(
            template=template,
            root=_alternative(template.id, scope),
            text=_simplified(scope.parts[:middle]),
            negative=_simplified(scope.parts[middle:]),
            balanced=tuple(
                sorted(scope.choices, key=lambda choice: self._order.get(choice.name, last))
            ),
        )

    def _scope(
        self, pieces: Sequence[Piece], bound: Mapping[str, Choice], names: BindingNames | None
    ) -> _Scope:
        """Build pieces under the slots that are bound around them."""
        here = self._mentions.bound_here(pieces, bound.keys())
        known = dict(bound)

        def bind(slot: str) -> None:
            values = self._mentions.values_of(slot)
            for inner in self._mentions.slots_of_values(values):
                if inner in here and inner not in known:
                    bind(inner)
            known[slot] = self._choice_of_values(slot, values, known)

        for slot in here:
            if slot not in known:
                bind(slot)
        parts = tuple(self._part(piece, known, names) for piece in pieces)
        chosen = dict.fromkeys(
            part
            for part in (*parts, *(known[slot] for slot in here))
            if isinstance(part, Choice) and part not in bound.values()
        )
        for slot, is_direct in here.items():
            if not is_direct and known[slot].size > 1:
                raise SharedSlotError(
                    f"several variants or values mention {{{slot}}}, and the text itself does not; "
                    "write it there too, outside of variants, or mention it in one of them only"
                )
        return _Scope(parts, tuple(chosen))

    def _part(self, piece: Piece, known: Mapping[str, Choice], names: BindingNames | None) -> Part:
        match piece:
            case Literal(text):
                return text
            case Slot(name):
                return ARTICLE_PART if name == ARTICLE else known[name]
            case Wildcard(name):
                values = self._templates.wildcards.values[name]
                named = "" if names is None else names.of_wildcard(name)
                return self._choice_of_values(named, values, known)
            case Variant():
                return self._choice_of_options(piece, known, names)

    def _choice_of_values(
        self, name: str, values: Sequence[WeightedText], known: Mapping[str, Choice]
    ) -> Choice:
        alternatives = tuple(
            _alternative(value.text, self._scope(value.pattern.pieces, known, None))
            for value in values
        )
        return Choice(name, alternatives, whole_weights([value.weight for value in values]))

    def _choice_of_options(
        self, variant: Variant, known: Mapping[str, Choice], names: BindingNames | None
    ) -> Choice:
        name = "" if names is None else names.of_variant()
        options = tuple(
            _alternative(write_pieces(option.pieces), self._scope(option.pieces, known, names))
            for option in variant.options
        )
        weights = tuple(option.weight for option in variant.options)
        if variant.takes_one:
            return Choice(name, options, whole_weights(weights))
        counts = range(variant.low, variant.high + 1)
        by_count = [
            Choice(
                name if len(counts) == 1 else "",
                tuple(
                    _joined(taken, variant.joiner)
                    for taken in itertools.combinations(options, count)
                ),
                combination_weights(weights, count),
            )
            for count in counts
        ]
        if len(by_count) == 1:
            return by_count[0]
        alternatives = tuple(
            _alternative(str(count), _Scope((choice,), (choice,)))
            for count, choice in zip(counts, by_count, strict=True)
        )
        return Choice(name, alternatives, (1,) * len(alternatives))


def _alternative(label: str, scope: _Scope) -> Alternative:
    choices = tuple(choice for choice in scope.choices if not choice.is_constant)
    constants = {
        choice.name: choice.alternatives[0].value or ""
        for choice in scope.choices
        if choice.is_constant and choice.name
    }
    size = math.prod(choice.size for choice in choices)
    return Alternative(label, _simplified(scope.parts), choices, constants, size)


def _joined(taken: Sequence[Alternative], joiner: str) -> Alternative:
    """Several options taken together."""
    label = "|".join(option.label for option in taken)
    choices = tuple(choice for option in taken for choice in option.choices)
    constants = {name: value for option in taken for name, value in option.constants.items()}
    joined = Joined(tuple(option.parts for option in taken), joiner)
    size = math.prod(option.size for option in taken)
    if all(option.plain is not None for option in taken):
        return Alternative(label, (text_of_joined(joined),), choices, constants, size)
    return Alternative(label, (joined,), choices, constants, size)


def _simplified(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Parts with everything that is known now put into words."""
    simple: list[Part] = []
    for part in reversed(parts):
        known: Part = part
        if isinstance(part, Choice) and part.is_constant:
            known = part.alternatives[0].plain or ""
        after = simple[-1] if simple else None
        if isinstance(known, Article) and isinstance(after, str):
            known = sure_article(after) or known
        if isinstance(known, str) and isinstance(after, str):
            simple[-1] = known + after
        else:
            simple.append(known)
    return tuple(reversed(simple))
