"""What a filter is, what it may look at, and the registry of all filters.

A filter only judges: it yields one verdict per image, in the order given, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Protocol, TypeVar

from isekai_gen.embeddings import EmbeddingTable
from isekai_gen.neighbors.edges import EdgeList
from isekai_gen.neighbors.reference import ReferenceSet
from isekai_gen.records import (
    Concept,
    Decision,
    ImageRecord,
    PictureLook,
    Verdict,
    last_decisions,
)

T = TypeVar("T")

NOTHING_TO_JUDGE = "nothing_to_judge"
"""Reason to keep an image whose record lacks what a filter without needs looks at."""


class Need(StrEnum):
    """What of the context a filter cannot judge without; the value is the field's name."""

    EMBEDDINGS = "embeddings"
    EDGES = "edges"
    REFERENCE = "reference"
    CONCEPTS = "concepts"
    OWN_TEXT = "own_text"
    LOOKS = "looks"
    COPIES = "copies"
    NAMES = "names"
    DISTRACTORS = "distractors"


@dataclass(frozen=True)
class Evidence:
    """What a filter compares with its limit, and what it was measured on.

    Attributes:
        measured: A similarity, or the difference of two.
        reference: The class, image or concept that it was measured on.
    """

    measured: float
    reference: str


@dataclass(frozen=True, eq=False)
class FilterContext:
    """All that filters may look at, beside the images' records.

    Attributes:
        embeddings: Of the images, by image id.
        edges: Tier ("perceptual", "semantic", "extra") to similar pairs of the images.
        background: Concept slug to the quantile of its own pairs' similarities that a semantic
            duplicate must lie above; empty where the absolute limit alone decides.
        looks: Image id to what was measured on its picture.
        copies: Image id to the most similar image of a reference set.
        names: Slug of a fictional concept to the real class nearest by name; 1 if it has the name.
        distractors: Image id to how much more similar it is to its own concept's text than to the
            nearest other concept's, and that concept's slug.
        reference: What counts as the real world.
        concepts: By slug.
        own_text: Concept slug to the text embedding of its own appearance.
        alignment: Image id to the image's similarity to its own prompt.
        already_dropped: Image ids dropped by filters earlier in the order, or by people.
        decisions: People's decisions in the order they were made.
    """

    embeddings: EmbeddingTable | None = None
    edges: Mapping[str, EdgeList] | None = None
    background: Mapping[str, float] = field(default_factory=dict)
    looks: Mapping[str, PictureLook] | None = None
    copies: Mapping[str, Evidence] | None = None
    names: Mapping[str, Evidence] | None = None
    distractors: Mapping[str, Evidence] | None = None
    reference: ReferenceSet | None = None
    concepts: Mapping[str, Concept] = field(default_factory=dict)
    own_text: EmbeddingTable | None = None
    alignment: Mapping[str, float] = field(default_factory=dict)
    already_dropped: frozenset[str] = frozenset()
    decisions: Sequence[Decision] = ()

    def image_choices(self) -> dict[str, str]:
        """Image id to "keep" or "drop", for the images that a person decided about."""
        return {
            images[0]: decision.choice
            for images, decision in last_decisions(self.decisions).items()
            if len(images) == 1
        }

    def pair_choices(self) -> dict[tuple[str, str], str]:
        """Pair of image ids to "duplicate" or "not_duplicate", where a person decided."""
        return {
            (images[0], images[1]): decision.choice
            for images, decision in last_decisions(self.decisions).items()
            if len(images) == 2
        }


class ImageFilter(Protocol):
    """One filter: a frozen dataclass with its limits as fields.

    Attributes:
        name: Unique; names the settings table, the verdicts' folder and the counter.
        order: Unique; an image that several filters would drop counts under the lowest.
        needs: What `judge` cannot do without. A filter that needs nothing judges by records (and
            what people decided) alone; it is run by itself wherever images are curated, with its
            default limits and before all filters that need something.
    """

    name: ClassVar[str]
    order: ClassVar[int]
    needs: ClassVar[frozenset[Need]]

    def judge(self, images: Sequence[ImageRecord], context: FilterContext) -> Iterator[Verdict]:
        """One verdict per image, in the same order.

        Raises:
            ValueError: If the context lacks something needed (named), an image failed to
                generate, or an image comes twice.
        """
        ...


F = TypeVar("F", bound=type[ImageFilter])
_FILTERS: dict[str, type[ImageFilter]] = {}


def register_filter(filter_class: F) -> F:
    """Class decorator: make a filter known under its name.

    Raises:
        ValueError: If another filter has its name or its order.
    """
    for other in _FILTERS.values():
        if filter_class.name == other.name or filter_class.order == other.order:
            raise ValueError(
                f"filter {filter_class.name!r} (order {filter_class.order}) collides with "
                f"{other.name!r} (order {other.order})"
            )
    _FILTERS[filter_class.name] = filter_class
    return filter_class


def registered_filters() -> dict[str, type[ImageFilter]]:
    """The filters registered so far by name, in their declared order."""
    return dict(sorted(_FILTERS.items(), key=lambda entry: entry[1].order))


def needed(value: T | None, need: Need, by: str) -> T:
    """`value`, or ValueError saying that filter `by` needs it."""
    if value is None:
        raise ValueError(f"filter {by!r} needs {need.value}, and the context has none")
    return value


def check_images(images: Sequence[ImageRecord], by: str) -> None:
    """Refuse what no filter can judge: failed images, and images given twice (ValueError)."""
    seen: set[str] = set()
    for image in images:
        if not image.generated:
            raise ValueError(f"filter {by!r} cannot judge {image.image_id}: it was not generated")
        if image.image_id in seen:
            raise ValueError(f"filter {by!r} was given image {image.image_id} twice")
        seen.add(image.image_id)


def concept_of(image: ImageRecord, context: FilterContext, by: str) -> Concept:
    """The image's concept; ValueError if the context does not know it."""
    concept = context.concepts.get(image.concept)
    if concept is None:
        raise ValueError(f"filter {by!r} needs concepts, and the context has no {image.concept!r}")
    return concept


def select_rows(table: EmbeddingTable, ids: Sequence[str], need: Need, by: str) -> EmbeddingTable:
    """The rows of `ids`; ValueError names the first id that is missing."""
    known = set(table.ids)
    missing = [key for key in ids if key not in known]
    if missing:
        raise ValueError(
            f"filter {by!r} needs {need.value} of {missing[0]}, one of {len(missing)} missing"
        )
    return table.select(ids)
