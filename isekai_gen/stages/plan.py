"""Plan images: which prompt, seed and row each image gets, and so its id.

Everything about an image follows from its own recipe and its number within its concept, nothing
from its neighbors: another concept in the catalog, or another order, changes no other image.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from isekai_gen.hashing import canonical_json, digest_of
from isekai_gen.prompts.catalog import Catalog
from isekai_gen.prompts.expansion import expand_prompts
from isekai_gen.prompts.template_set import TemplateSet
from isekai_gen.records import Concept, PlannedImage, Prompt
from isekai_gen.stages.recipe import Recipe

_ID_DIGITS = 20


@dataclass(frozen=True)
class PlanRequest:
    """What to plan.

    Attributes:
        catalog: The concepts, in order.
        templates: The prompt templates.
        recipe: What all images share.
        images_per_concept: Images of each concept.
        seed: Seed of the dataset.
    """

    catalog: Catalog
    templates: TemplateSet
    recipe: Recipe
    images_per_concept: int
    seed: int


def seed_of(run_seed: int, concept: str, index: int, prompt: str) -> int:
    """63-bit noise seed of one image, from SHA-256 (fits a signed 64-bit column)."""
    content = canonical_json([run_seed, concept, index, prompt]).encode()
    return int.from_bytes(hashlib.sha256(content).digest()[:8]) >> 1


def row_of(concept: str, index: int, micro_batch_size: int) -> int:
    """Row of one image in its micro-batch: in turn within a concept, from a start of its own.

    Without that start, few images of many concepts would all want the first rows, and most of
    every batch would be padding.
    """
    start = int.from_bytes(hashlib.sha256(concept.encode()).digest()[:8])
    return (start + index) % micro_batch_size


def plan_images(request: PlanRequest) -> Iterator[PlannedImage]:
    """Every image of the request, concept after concept in the order of the catalog."""
    for concept in request.catalog.concepts:
        yield from _plan_concept(request, concept)


def _plan_concept(request: PlanRequest, concept: Concept) -> Iterator[PlannedImage]:
    indices = range(request.images_per_concept)
    prompts = expand_prompts(request.templates, concept, indices, request.seed)
    shared = request.recipe.canonical()
    for index, prompt in zip(indices, prompts, strict=True):
        yield _plan_image(request, shared, index, prompt)


def _plan_image(
    request: PlanRequest, shared: dict[str, Any], index: int, prompt: Prompt
) -> PlannedImage:
    negative = prompt.negative if request.recipe.uses_negative_prompts else ""
    seed = seed_of(request.seed, prompt.concept, index, prompt.text)
    row = row_of(prompt.concept, index, request.recipe.draw.micro_batch_size)
    canonical = {
        **shared,
        "concept": prompt.concept,
        "prompt": prompt.text,
        "negative_prompt": negative,
        "seed": seed,
        "row": row,
    }
    return PlannedImage(
        image_id=digest_of(canonical)[:_ID_DIGITS],
        concept=prompt.concept,
        index=index,
        template=prompt.template,
        slots=prompt.slots,
        prompt=prompt.text,
        negative_prompt=negative,
        seed=seed,
        row=row,
    )
