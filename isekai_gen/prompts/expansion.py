"""From templates and a concept to prompts, each found by its index alone.

The space of a concept is every (template, value of each of its slots). It is a tree: first the
template, then one slot after the other (lists in the order of their file, then the concept's
attributes), so that what is declared first is balanced best. At every node a `Schedule` says which
branch has turn i and what number the turn has inside that branch; following it down costs a few
hashes, however large the space. For one concept and seed:

* prompts 0 .. count - 1 are all different, and together they are the whole space;
* templates and the first slot follow their weights exactly from round to round, deeper slots on
  average, until the heaviest values run out of new combinations;
* another concept changes nothing; a new value in a list leaves templates that do not use that
  list as they were, as long as no template has run out of combinations.

Two combinations may still read the same, if values of different slots spell the same text.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass

from isekai_gen.hashing import canonical_json
from isekai_gen.prompts.schedule import Schedule, whole_weights
from isekai_gen.prompts.template_set import Template, TemplateSet, slot_values
from isekai_gen.records import Concept, Prompt


@dataclass(frozen=True)
class _Level:
    """One slot of a template: its values, and the turns among them."""

    slot: str
    texts: tuple[str, ...]
    schedule: Schedule


@dataclass(frozen=True)
class _Branch:
    """One template with its levels, from the first slot to the last."""

    template: Template
    levels: tuple[_Level, ...]

    @property
    def size(self) -> int:
        return math.prod(len(level.texts) for level in self.levels)


def count_prompts(templates: TemplateSet, concept: Concept) -> int:
    """How many different (template, slot values) there are for a concept; >= 1.

    Raises:
        ValueError: If the concept cannot fill a slot (`check_templates` finds it first).
    """
    return sum(_branch(template, templates, concept).size for template in templates.templates)


def expand_prompts(
    templates: TemplateSet, concept: Concept, indices: Iterable[int], seed: int
) -> list[Prompt]:
    """The prompts of a concept at the given indices.

    Args:
        templates: Templates and lists.
        concept: What to speak of.
        indices: Any indices >= 0, in any order; from `count_prompts` on, they start over.
        seed: Chooses the order of the space.

    Returns:
        One prompt per index, in the order of `indices`; `slots` has the value of every slot of the
        template's texts but the article, which follows from the words.

    Raises:
        ValueError: If an index is negative or the concept cannot fill a slot.
    """
    branches = [_branch(template, templates, concept) for template in templates.templates]
    weights = whole_weights([template.weight for template in templates.templates])
    schedule = Schedule(weights, [branch.size for branch in branches])
    root = hashlib.sha256(canonical_json([seed, concept.slug]).encode()).digest()
    prompts = []
    for index in indices:
        if index < 0:
            raise ValueError(f"an index must be >= 0, got {index}")
        choice, rank = schedule.locate(index % schedule.total, root)
        prompts.append(_prompt(branches[choice], concept, rank, root))
    return prompts


def _branch(template: Template, templates: TemplateSet, concept: Concept) -> _Branch:
    """The levels of a template; each has the capacity of all the levels below it."""
    order = {name: number for number, name in enumerate((*templates.lists, *concept.attributes))}
    slots = sorted(template.slots, key=lambda slot: order.get(slot, len(order)))
    levels: list[_Level] = []
    below = 1
    for slot in reversed(slots):
        values = slot_values(slot, concept, templates.lists)
        if not values:
            raise ValueError(
                f"template {template.id!r} needs slot {{{slot}}}, which {concept.slug!r} lacks"
            )
        weights = whole_weights([value.weight for value in values])
        texts = tuple(value.text for value in values)
        levels.append(_Level(slot, texts, Schedule(weights, [below] * len(values))))
        below *= len(values)
    return _Branch(template, tuple(reversed(levels)))


def _prompt(branch: _Branch, concept: Concept, rank: int, root: bytes) -> Prompt:
    template = branch.template
    # Keyed by words, not by positions: reordering or adding elsewhere leaves a path as it was.
    key = _child_key(root, template.id)
    chosen: dict[str, str] = {}
    for level in branch.levels:
        choice, rank = level.schedule.locate(rank, key)
        chosen[level.slot] = level.texts[choice]
        key = _child_key(key, chosen[level.slot])
    slots = {slot: chosen[slot] for slot in template.slots}
    return Prompt(
        concept=concept.slug,
        template=template.id,
        slots=slots,
        text=template.text.fill(slots),
        negative=template.negative.fill(slots),
    )


def _child_key(key: bytes, word: str) -> bytes:
    return hashlib.sha256(key + word.encode()).digest()
