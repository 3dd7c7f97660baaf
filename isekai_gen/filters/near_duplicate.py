"""Drop near-duplicates: images that some comparison finds too much like one that is kept.

Greedy in a stated order of priority (`duplicates`), over complete edge lists: kept images are
pairwise at or below every limit, and every dropped one names a kept witness above one. Exceptions
come only from people: pairs they marked, and images they keep.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, get_args

from isekai_gen.filters.base import FilterContext, Need, check_images, register_filter
from isekai_gen.filters.duplicates import (
    DuplicateDecision,
    DuplicateRequest,
    decide_duplicates,
    radius_limit,
)
from isekai_gen.filters.duplicates_images import Comparison, Scope, TierLimits, request_of
from isekai_gen.records import ImageRecord, Verdict
from isekai_gen.settings.curation import TIERS, Tier


@dataclass(frozen=True, eq=False)
class DecidedImages:
    """A decision about images, with all that it rests on.

    Attributes:
        ids: Image id of every row, ascending.
        request: What was decided on.
        decision: What was decided.
    """

    ids: tuple[str, ...]
    request: DuplicateRequest
    decision: DuplicateDecision


@dataclass(frozen=True)
class ReviewPair:
    """Two kept images that people should look at.

    Attributes:
        images: Their ids, ascending.
        tier: Which comparison found them alike.
        similarity: By that comparison.
        limit: Above it they would be duplicates.
    """

    images: tuple[str, str]
    tier: Tier
    similarity: float
    limit: float


@register_filter
@dataclass(frozen=True)
class NearDuplicateFilter:
    """Keep an image unless a comparison makes it a duplicate of a kept image.

    Images that people keep come first, then those most similar to their own prompt (images
    without alignment last), then the lower image id. Images dropped before are nobody's witness. A
    pair marked "not_duplicate" is never a reason; a pair marked "duplicate" always is, at any
    similarity and across scopes. An image that a person keeps is kept, whatever it is similar to.

    Attributes:
        tiers: The comparisons made: "exact" (equal bytes or pixels), "perceptual" (hashes),
            "semantic" and "extra" (embeddings). The witness of a dropped image comes from the
            first that has one; "exact" is always the first.
        max_similarity: Semantic: highest similarity two kept images may have, in [-1, 1].
        review_similarity: Semantic: kept images in a pair above it are said to need a look.
        radius: Perceptual: hashes that differ in at most this many of 64 bits are duplicates.
        review_radius: Perceptual: kept images with hashes this near are said to need a look.
        extra_max_similarity: Extra: as `max_similarity`.
        extra_review_similarity: Extra: as `review_similarity`.
        relative: Semantic: whether a pair of one concept must also lie above the concept's
            background (`FilterContext.background`) to count, as a duplicate or for a look.
        within: Which pairs count: of one concept, of one group of concepts, or all.
    """

    name: ClassVar[str] = "near_duplicate"
    order: ClassVar[int] = 20
    needs: ClassVar[frozenset[Need]] = frozenset({Need.EDGES})
    tiers: tuple[Tier, ...]
    max_similarity: float
    review_similarity: float
    radius: int
    review_radius: int
    extra_max_similarity: float
    extra_review_similarity: float
    relative: bool = False
    within: Scope = "all"

    def __post_init__(self) -> None:
        if not self.tiers or len(set(self.tiers)) != len(self.tiers):
            raise ValueError(f"tiers must be some of {TIERS}, each once, got {self.tiers}")
        if not set(self.tiers) <= set(TIERS):
            raise ValueError(f"tiers must be some of {TIERS}, got {self.tiers}")
        if self.within not in get_args(Scope):
            raise ValueError(f"within must be one of {get_args(Scope)}, got {self.within!r}")
        if not 0 <= self.radius <= self.review_radius <= 63:
            raise ValueError(
                f"radius {self.radius} and review_radius {self.review_radius} must ascend within "
                "[0, 63]"
            )
        for prefix, limits in (("", self._limits("semantic")), ("extra_", self._limits("extra"))):
            if not -1.0 <= limits.review_similarity <= limits.max_similarity <= 1.0:
                raise ValueError(
                    f"{prefix}review_similarity {limits.review_similarity} and "
                    f"{prefix}max_similarity {limits.max_similarity} must ascend within [-1, 1]"
                )

    def judge(self, images: Sequence[ImageRecord], context: FilterContext) -> Iterator[Verdict]:
        """One verdict per image; see `ImageFilter.judge`.

        Raises:
            ValueError: Also if edges of a tier are missing, end above its review limit, or were
                not searched for an image that is not dropped before.
        """
        decided = self.decide(images, context)
        verdict_of = dict(zip(decided.ids, self._verdicts(decided), strict=True))
        for image in images:
            yield verdict_of[image.image_id]

    def decide(self, images: Sequence[ImageRecord], context: FilterContext) -> DecidedImages:
        """The decision behind the verdicts; errors are those of `judge`."""
        check_images(images, self.name)
        ordered = sorted(images, key=lambda image: image.image_id)
        comparison = Comparison(
            tiers={tier: self._limits(tier) for tier in self.tiers if tier != "exact"},
            exact="exact" in self.tiers,
            within=self.within,
            relative=self.relative,
        )
        request = request_of(ordered, context, comparison)
        ids = tuple(image.image_id for image in ordered)
        return DecidedImages(ids, request, decide_duplicates(request))

    def _limits(self, tier: Tier) -> TierLimits:
        if tier == "perceptual":
            return TierLimits(
                radius_limit(self.radius),
                radius_limit(self.review_radius),
                lowest=radius_limit(self.review_radius - 1),
            )
        if tier == "extra":
            review = self.extra_review_similarity
            return TierLimits(self.extra_max_similarity, review, lowest=review)
        return TierLimits(
            self.max_similarity, self.review_similarity, lowest=self.review_similarity
        )

    def _verdicts(self, decided: DecidedImages) -> Iterator[Verdict]:
        decision = decided.decision
        columns = zip(
            decided.ids,
            decision.reason.tolist(),
            decision.tier.tolist(),
            decision.similarity.astype(float).tolist(),
            decision.limit.tolist(),
            decision.witness.tolist(),
            strict=True,
        )
        for image_id, reason, tier, similarity, limit, witness in columns:
            yield Verdict(
                image_id,
                self.name,
                keep=witness < 0,
                reason="kept_by_person" if reason == "pinned" else reason,
                measured=_known(similarity),
                limit=_known(limit),
                witness="" if witness < 0 else decided.ids[witness],
                tier=tier,
            )


def _known(number: float) -> float | None:
    """The number, or None for NaN."""
    return None if math.isnan(number) else number


def review_pairs(decided: DecidedImages) -> list[ReviewPair]:
    """The pairs of kept images in a review band: tier after tier, by falling similarity."""
    listed = []
    for review in decided.decision.review:
        pairs = review.pairs
        order = (-pairs.similarity).argsort(kind="stable")
        for a, b, similarity in zip(
            pairs.row_a[order].tolist(),
            pairs.row_b[order].tolist(),
            pairs.similarity[order].tolist(),
            strict=True,
        ):
            images = (decided.ids[a], decided.ids[b])
            listed.append(
                ReviewPair(images, review.found.tier, similarity, review.found.max_similarity)
            )
    return listed
