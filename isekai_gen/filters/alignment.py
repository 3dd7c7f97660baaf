"""Measure whether images look like what they claim, and on request drop those that do not.

How much more similar an image is to its own concept's text than to any other concept's was
measured before (`FilterContext.distractors`). An image of a real concept has a class of its own as
well: by text, this must be among the nearest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from isekai_gen.filters.base import (
    Evidence,
    FilterContext,
    Need,
    check_images,
    concept_of,
    needed,
    register_filter,
    select_rows,
)
from isekai_gen.neighbors.nearest import nearest_rows
from isekai_gen.neighbors.reference_set import ReferenceSet
from isekai_gen.prompts.imagenet_names import name_forms
from isekai_gen.records import Concept, ImageRecord, Verdict

NEAREST = 5
"""An image of a real concept should have its own class among this many nearest by text."""


@register_filter
@dataclass(frozen=True)
class AlignmentFilter:
    """Keep an image unless another concept's text describes it better.

    What is measured is the similarity to the text of the image's own concept minus that to the
    most similar other concept's. Without a limit all images are kept and the measure is recorded.

    An image of a real concept that the reference set has a class of is told ("unlike_its_class")
    if five other classes are nearer by text: measured is then its similarity to its own class
    minus that to the fifth. With `min_margin` set, such images are dropped.

    Attributes:
        min_margin: Lowest margin, in [-2, 2]; None keeps all.
    """

    name: ClassVar[str] = "alignment"
    order: ClassVar[int] = 12
    needs: ClassVar[frozenset[Need]] = frozenset(
        {Need.DISTRACTORS, Need.CONCEPTS, Need.EMBEDDINGS, Need.REFERENCE}
    )
    min_margin: float | None = None

    def __post_init__(self) -> None:
        if self.min_margin is not None and not -2.0 <= self.min_margin <= 2.0:
            raise ValueError(f"min_margin must be in [-2, 2], got {self.min_margin}")

    def judge(self, images: Sequence[ImageRecord], context: FilterContext) -> Iterator[Verdict]:
        """One verdict per image; see `ImageFilter.judge`."""
        check_images(images, self.name)
        distractors = needed(context.distractors, Need.DISTRACTORS, self.name)
        unlike = _unlike_their_class(images, context, self.name)
        for image in images:
            found = distractors.get(image.image_id)
            if found is None:
                raise ValueError(f"filter {self.name!r} needs distractors of {image.image_id}")
            yield self._judge_one(image.image_id, found, unlike.get(image.image_id))

    def _judge_one(self, image_id: str, found: Evidence, unlike: Evidence | None) -> Verdict:
        if self.min_margin is not None and found.measured < self.min_margin:
            return self._verdict(image_id, found, self.min_margin, "unlike_its_concept", keep=False)
        if unlike is not None:
            keep = self.min_margin is None
            return self._verdict(image_id, unlike, 0.0, "unlike_its_class", keep=keep)
        reason = "no_limit" if self.min_margin is None else "within_limit"
        return self._verdict(image_id, found, self.min_margin, reason, keep=True)

    def _verdict(
        self, image_id: str, found: Evidence, limit: float | None, reason: str, *, keep: bool
    ) -> Verdict:
        return Verdict(
            image_id,
            by=self.name,
            keep=keep,
            reason=reason,
            measured=found.measured,
            limit=limit,
            reference=found.reference,
        )


def own_classes(concept: Concept, reference: ReferenceSet) -> frozenset[str]:
    """Keys of the classes that a real concept is an instance of: by wnid, key or name."""
    forms = name_forms(concept.name)
    return frozenset(
        entry.key
        for entry in reference.classes
        if (entry.wnid and entry.wnid in concept.wnids)
        or entry.key == concept.slug
        or not forms.isdisjoint(name_forms(entry.name))
    )


def _unlike_their_class(
    images: Sequence[ImageRecord], context: FilterContext, by: str
) -> dict[str, Evidence]:
    """Image id to how much nearer the fifth class is, for images with none of their own in five."""
    embeddings = needed(context.embeddings, Need.EMBEDDINGS, by)
    reference = needed(context.reference, Need.REFERENCE, by)
    text = reference.text
    ids_by_slug: dict[str, list[str]] = {}
    for image in images:
        if concept_of(image, context, by).kind == "real":
            ids_by_slug.setdefault(image.concept, []).append(image.image_id)
    found: dict[str, Evidence] = {}
    for slug, ids in ids_by_slug.items():
        table = select_rows(embeddings, ids, Need.EMBEDDINGS, by)
        own = own_classes(context.concepts[slug], reference)
        if text is None or not own:
            continue
        rows, similarity = nearest_rows(table, text, min(NEAREST, len(text)))
        _, best = nearest_rows(table, text.select(sorted(own)), 1)
        for place, image_id in enumerate(ids):
            nearest = [text.ids[row] for row in rows[place]]
            if own.isdisjoint(nearest):
                margin = float(best[place, 0] - similarity[place, -1])
                found[image_id] = Evidence(margin, f"{reference.name}/{nearest[0]}")
    return found
