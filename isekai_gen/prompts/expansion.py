"""From templates and a concept to prompts, each found by its index alone, in one of four orders.

The space of a concept is every template with every way to fill its slots, variants and wildcards.

* `stratified`: prompts 0 .. count - 1 are all different, and together they are the whole space.
  Templates and what is chosen first (lists in the order of their file, then the concept's
  attributes, then wildcards and variants as written) follow their weights exactly from round to
  round, deeper choices on average, until the heaviest values run out of new combinations.
* `permuted`: the whole space, each once, in a pseudo-random order; weights do not matter.
* `exhaustive`: the whole space in the order written; what is written last varies first.
* `random`: with replacement; every choice is drawn by its weight.

In all of them another concept changes nothing, and from `count_prompts` on the first three start
over. In the stratified order, a new value in a list leaves templates that do not use that list as
they were, as long as no template has run out of combinations.

Two combinations may still read the same, if different values spell the same text.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from isekai_gen.hashing import canonical_json
from isekai_gen.prompts.building import build_space
from isekai_gen.prompts.numbered import NumberedOrder, RandomOrder
from isekai_gen.prompts.stratified import StratifiedOrder
from isekai_gen.prompts.template_set import TemplateSet
from isekai_gen.records import Concept, Prompt

Sampling = Literal["stratified", "permuted", "exhaustive", "random"]

# Long enough that rounds are laid out once for many prompts, short enough to stay small.
_CHUNK = 10_000


def count_prompts(templates: TemplateSet, concept: Concept) -> int:
    """How many different (template, choices) there are for a concept; >= 1.

    Raises:
        ValueError: If the concept cannot fill a slot (`check_templates` finds it first).
    """
    return sum(count_prompts_by_template(templates, concept).values())


def count_prompts_by_template(templates: TemplateSet, concept: Concept) -> dict[str, int]:
    """The part of each template in `count_prompts`, by template id.

    Raises:
        ValueError: As `count_prompts`.
    """
    spaces = build_space(templates, concept, templates.templates)
    return {space.template.id: space.root.size for space in spaces}


def expand_prompts(
    templates: TemplateSet,
    concept: Concept,
    indices: Iterable[int],
    seed: int,
    sampling: Sampling = "stratified",
) -> list[Prompt]:
    """The prompts of a concept at the given indices.

    Args:
        templates: Templates, lists and wildcards.
        concept: What to speak of.
        indices: Any indices >= 0, in any order.
        seed: Chooses the order; `exhaustive` has one order only.
        sampling: Which order.

    Returns:
        One prompt per index, in the order of `indices`. `slots` has the value of every named slot
        but the article, of a wildcard under its name (`name#2` at its second place), and of a
        variant under v1, v2, ... by its place in text and negative text; what an option that was
        not chosen holds is absent.

    Raises:
        ValueError: If an index is negative or the concept cannot fill a slot.
    """
    wanted = list(indices)
    if wanted and min(wanted) < 0:
        raise ValueError(f"an index must be >= 0, got {min(wanted)}")
    return _expander(templates, concept, seed, sampling)(wanted)


def iter_prompts(
    templates: TemplateSet,
    concept: Concept,
    indices: range,
    seed: int,
    sampling: Sampling = "stratified",
) -> Iterator[Prompt]:
    """As `expand_prompts`, with some thousands of prompts in memory at a time.

    Raises:
        ValueError: As `expand_prompts`.
    """
    if indices and min(indices) < 0:
        raise ValueError(f"an index must be >= 0, got {min(indices)}")
    expand = _expander(templates, concept, seed, sampling)
    starts = range(0, len(indices), _CHUNK)
    return itertools.chain.from_iterable(
        expand(indices[start : start + _CHUNK]) for start in starts
    )


def _expander(
    templates: TemplateSet, concept: Concept, seed: int, sampling: Sampling
) -> Callable[[Iterable[int]], list[Prompt]]:
    spaces = build_space(templates, concept, templates.templates)
    key = hashlib.sha256(canonical_json([seed, concept.slug]).encode()).digest()
    if sampling == "stratified":
        return StratifiedOrder(spaces, concept.slug, key).prompts
    order: NumberedOrder | RandomOrder
    if sampling == "random":
        order = RandomOrder(spaces, concept.slug, key)
    else:
        permuted_by = key if sampling == "permuted" else None
        order = NumberedOrder(spaces, concept.slug, permuted_by)
    return lambda wanted: [order.prompt(index) for index in wanted]
