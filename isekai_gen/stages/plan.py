"""Plan images: which prompt, seed and row each image gets, and so its id.

Everything about an image follows from its own recipe and its number within its concept, nothing
from its neighbors: another concept in the catalog, or another order, changes no other image.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any, NamedTuple

from isekai_gen.hashing import canonical_json
from isekai_gen.prompts.catalog import Catalog
from isekai_gen.prompts.expansion import Sampling, iter_prompts
from isekai_gen.prompts.template_set import TemplateSet
from isekai_gen.records import Concept, PlannedImage
from isekai_gen.stages.diversified import Diversification, bindings_of, stretches
from isekai_gen.stages.plan_lines import ID_DIGITS
from isekai_gen.stages.recipe import Recipe


@dataclass(frozen=True)
class PlanRequest:
    """What to plan.

    Attributes:
        catalog: The concepts, in order.
        templates: The prompt templates.
        recipe: What all images share.
        counts: Concept slug to images of it; every concept of the catalog is there.
        seed: Seed of the dataset.
        sampling: How prompts are taken from the space of a concept.
        diversified: Slot values that images from a number on take in place of over-used ones.
    """

    catalog: Catalog
    templates: TemplateSet
    recipe: Recipe
    counts: Mapping[str, int]
    seed: int
    sampling: Sampling = "stratified"
    diversified: tuple[Diversification, ...] = ()

    @property
    def total(self) -> int:
        """Images of all concepts together."""
        return sum(self.counts[concept.slug] for concept in self.catalog.concepts)

    @property
    def micro_batch_size(self) -> int:
        """Rows of a micro-batch."""
        return self.recipe.draw.micro_batch_size


class PlanSlice(NamedTuple):
    """Consecutive images of one concept.

    Attributes:
        concept: The concept.
        indices: Numbers of the images within it.
    """

    concept: Concept
    indices: range


def slices_of(request: PlanRequest, size: int) -> Iterator[list[PlanSlice]]:
    """The request in plan order, cut into pieces of `size` images; the last may be smaller."""
    piece: list[PlanSlice] = []
    room = size
    for concept in request.catalog.concepts:
        start, stop = 0, request.counts[concept.slug]
        while start < stop:
            end = min(stop, start + room)
            piece.append(PlanSlice(concept, range(start, end)))
            room -= end - start
            start = end
            if not room:
                yield piece
                piece, room = [], size
    if piece:
        yield piece


def seed_of(run_seed: int, concept: str, index: int, prompt: str) -> int:
    """63-bit noise seed of one image, from SHA-256 (fits a signed 64-bit column).

    The text that is hashed is the canonical JSON of the four values; it is written by hand here
    because this runs for every image of a plan.
    """
    content = f"[{run_seed}, {encode_basestring(concept)}, {index}, {encode_basestring(prompt)}]"
    return int.from_bytes(hashlib.sha256(content.encode()).digest()[:8]) >> 1


def first_row(concept: Concept, micro_batch_size: int) -> int:
    """Row of a concept's image number 0.

    From the hash of the group, so that few images of many concepts spread over the rows; the real
    concept begins half a micro-batch later, so that the two of a group complement each other.
    """
    start = int.from_bytes(hashlib.sha256(concept.group.encode()).digest()[:8])
    later = micro_batch_size // 2 if concept.kind == "real" else 0
    return (start + later) % micro_batch_size


def row_of(concept: Concept, index: int, micro_batch_size: int) -> int:
    """Row of one image in its micro-batch: in turn within a concept, from a start of its own."""
    return (first_row(concept, micro_batch_size) + index) % micro_batch_size


class OwnRecipe(NamedTuple):
    """What the id of an image depends on beside the recipe that all images share.

    Attributes:
        concept: Slug.
        negative_prompt: Text, "" if there is none or the model uses none.
        prompt: Text.
        row: Row in its micro-batch.
        seed: Noise seed.
    """

    concept: str
    negative_prompt: str
    prompt: str
    row: int
    seed: int


def own_recipe_of(image: PlannedImage) -> OwnRecipe:
    """The part of a planned image that its id depends on."""
    return OwnRecipe(image.concept, image.negative_prompt, image.prompt, image.row, image.seed)


def id_formula(recipe: Recipe) -> Callable[[OwnRecipe], str]:
    """How ids come from images under a recipe: the one place where this is written down.

    Returns:
        A function to the first 20 hex digits of SHA-256 over the canonical JSON of the whole
        recipe, shared and own values by their keys. It puts the text together from pieces, because
        this runs for every image of a plan.
    """
    before = _recipe_pieces(recipe.canonical())

    def image_id(own: OwnRecipe) -> str:
        concept, negative, prompt, row, seed = own
        content = (
            f"{before[0]}{encode_basestring(concept)}{before[1]}{encode_basestring(negative)}"
            f"{before[2]}{encode_basestring(prompt)}{before[3]}{row}{before[4]}{seed}{before[5]}"
        )
        return hashlib.sha256(content.encode()).hexdigest()[:ID_DIGITS]

    return image_id


class Planner:
    """Plans the images of one request; what they all share is put into words once."""

    def __init__(self, request: PlanRequest) -> None:
        self._request = request
        self._id_of = id_formula(request.recipe)
        self._uses_negative_prompts = request.recipe.uses_negative_prompts

    def images(self, piece: PlanSlice) -> Iterator[PlannedImage]:
        """The images of a slice, by ascending index."""
        diversified = self._request.diversified
        for concept, indices, changed in stretches(piece.concept, piece.indices, diversified):
            yield from self._stretch(concept, indices, changed)

    def _stretch(
        self, concept: Concept, indices: range, changed: tuple[str, ...]
    ) -> Iterator[PlannedImage]:
        """Images under the same words; `changed` are slots with other values than the catalog's."""
        request = self._request
        rows = request.micro_batch_size
        first = first_row(concept, rows)
        prompts = iter_prompts(request.templates, concept, indices, request.seed, request.sampling)
        for index, prompt in zip(indices, prompts, strict=True):
            negative = prompt.negative if self._uses_negative_prompts else ""
            seed = seed_of(request.seed, concept.slug, index, prompt.text)
            row = (first + index) % rows
            own = OwnRecipe(concept.slug, negative, prompt.text, row, seed)
            yield PlannedImage(
                image_id=self._id_of(own),
                concept=concept.slug,
                index=index,
                template=prompt.template,
                slots=bindings_of(prompt, changed),
                prompt=prompt.text,
                negative_prompt=negative,
                seed=seed,
                row=row,
            )


def _recipe_pieces(shared: Mapping[str, Any]) -> list[str]:
    """Canonical JSON of a recipe, cut where the values of `OwnRecipe._fields` belong.

    An image's own values lie between those that all images share, by the order of their keys;
    the fields of `OwnRecipe` are in that order.
    """
    pieces: list[str] = []
    piece = "{"
    for key in sorted({*shared, *OwnRecipe._fields}):
        piece += f"{'' if piece == '{' and not pieces else ', '}{encode_basestring(key)}: "
        if key in OwnRecipe._fields:
            pieces.append(piece)
            piece = ""
        else:
            piece += canonical_json(shared[key])
    return [*pieces, piece + "}"]
