"""Drop near-duplicates: images too similar to one that is kept.

Greedy in a stated order of priority (`independent_set`), over a complete edge list: kept images
are pairwise at or below the limit, and every dropped one names a kept witness above it. Exceptions
come only from people: pairs they marked, and images they keep.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from isekai_gen.filters.base import (
    FilterContext,
    Need,
    check_images,
    concept_of,
    needed,
    register_filter,
)
from isekai_gen.filters.independent_set import Link, choose_kept, find_witnesses
from isekai_gen.neighbors.edges import EdgeList
from isekai_gen.records import ImageRecord, Verdict

Scope = Literal["concept", "group", "all"]
_SCOPES = ("concept", "group", "all")


@register_filter
@dataclass(frozen=True)
class NearDuplicateFilter:
    """Keep an image unless its similarity to a kept image is above `max_similarity`.

    Images that people keep come first, then those most similar to their own prompt (images
    without alignment last), then the lower image id. Images dropped before are nobody's witness. A
    pair marked "not_duplicate" is never a reason; a pair marked "duplicate" always is, at any
    similarity and across scopes. An image that a person keeps is kept, whatever it is similar to.

    Attributes:
        max_similarity: Highest similarity two kept images may have, in [-1, 1].
        within: Which pairs count: of one concept, of one group of concepts, or all.
    """

    name: ClassVar[str] = "near_duplicate"
    order: ClassVar[int] = 20
    needs: ClassVar[frozenset[Need]] = frozenset({Need.EDGES})
    max_similarity: float
    within: Scope = "all"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.max_similarity) and -1.0 <= self.max_similarity <= 1.0):
            raise ValueError(f"max_similarity must be in [-1, 1], got {self.max_similarity}")
        if self.within not in _SCOPES:
            raise ValueError(f"within must be one of {_SCOPES}, got {self.within!r}")

    def judge(self, images: Sequence[ImageRecord], context: FilterContext) -> Iterator[Verdict]:
        """One verdict per image; see `ImageFilter.judge`.

        Raises:
            ValueError: Also if the edges' floor is above `max_similarity`.
        """
        check_images(images, self.name)
        edges = needed(context.edges, Need.EDGES, self.name)
        if edges.floor > self.max_similarity:
            raise ValueError(
                f"edges are listed down to {edges.floor} only, not to max_similarity "
                f"{self.max_similarity}; find edges with a lower floor"
            )
        choices = context.image_choices()
        candidates = _in_priority_order(images, context, choices)
        kept_by_person = {image_id for image_id in candidates if choices.get(image_id) == "keep"}
        links = [
            link
            for link in self._links(images, edges, context)
            # Two images that people keep both stay: what links them decides nothing.
            if not (link.first in kept_by_person and link.second in kept_by_person)
        ]
        kept = frozenset(choose_kept(candidates, links))
        witnesses = find_witnesses(kept, links)
        judged = frozenset(candidates)
        for image_id in (image.image_id for image in images):
            if image_id not in judged:
                yield Verdict(image_id, self.name, keep=True, reason="dropped_before")
            elif image_id in kept:
                reason = "kept_by_person" if image_id in kept_by_person else "within_limit"
                yield Verdict(
                    image_id, self.name, keep=True, reason=reason, limit=self.max_similarity
                )
            else:
                yield self._dropped(image_id, *witnesses[image_id])

    def _dropped(self, image_id: str, witness: str, link: Link) -> Verdict:
        return Verdict(
            image_id,
            self.name,
            keep=False,
            reason="marked_duplicate" if link.marked else "similar_to_kept",
            measured=link.similarity,
            limit=self.max_similarity,
            witness=witness,
        )

    def _links(
        self, images: Sequence[ImageRecord], edges: EdgeList, context: FilterContext
    ) -> list[Link]:
        """Pairs above the limit within scope and pairs marked "duplicate", less those spared."""
        scope_of = {image.image_id: self._scope(image, context) for image in images}
        pair_choices = context.pair_choices()
        links: list[Link] = []
        measured: dict[tuple[str, str], float] = {}
        for first, second, value in zip(edges.first, edges.second, edges.similarity, strict=True):
            similarity = float(value)
            choice = pair_choices.get((first, second))
            if choice is not None:
                measured[first, second] = similarity
            if first not in scope_of or scope_of[first] != scope_of.get(second):
                continue
            if similarity > self.max_similarity and choice is None:
                links.append(Link(first, second, similarity))
        for (first, second), choice in pair_choices.items():
            if choice == "duplicate":
                links.append(Link(first, second, measured.get((first, second)), marked=True))
        return links

    def _scope(self, image: ImageRecord, context: FilterContext) -> str:
        if self.within == "concept":
            return image.concept
        if self.within == "group":
            return concept_of(image, context, self.name).group
        return ""


def _in_priority_order(
    images: Sequence[ImageRecord], context: FilterContext, choices: Mapping[str, str]
) -> list[str]:
    """Ids of the images that are not dropped before, most wanted first.

    A person's keep outranks an earlier filter's drop, and a person's drop everything.
    """

    def rank(image_id: str) -> tuple[bool, float, str]:
        alignment = context.alignment.get(image_id, -math.inf)
        if math.isnan(alignment):
            raise ValueError(f"the alignment of image {image_id} is not a number")
        return choices.get(image_id) != "keep", -alignment, image_id

    return sorted(
        (
            image.image_id
            for image in images
            if choices.get(image.image_id) == "keep"
            or (
                image.image_id not in context.already_dropped
                and choices.get(image.image_id) != "drop"
            )
        ),
        key=rank,
    )
