"""From what one tier measured to its limits, its curve, and its recall for each kind of copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isekai_gen.filters.duplicates import radius_limit
from isekai_gen.intervals import wilson_interval
from isekai_gen.models.perceptual import DEFAULT_RADIUS, DEFAULT_REVIEW_RADIUS
from isekai_gen.models.spec import EncoderSpec
from isekai_gen.stages.calibrate_copies import KINDS
from isekai_gen.stages.calibrate_near_misses import Candidates, NearMisses
from isekai_gen.stages.calibration_files import (
    CalibratedTier,
    NearMiss,
    RocPoint,
    TierCalibration,
    TransformationRecall,
)
from isekai_gen.stages.calibration_rule import (
    ChosenLimits,
    Demand,
    Measured,
    Similarities,
    anchors_needed,
    choose_limits,
    upper_bounds,
)
from isekai_gen.stages.limits import DEFAULT_EXTRA_MAX_SIMILARITY, DEFAULT_MAX_SIMILARITY

CONFIDENCE = 0.95
WIDEST_RADIUS = DEFAULT_REVIEW_RADIUS
"""No radius is set wider: random hashes begin to come that close."""
_LOWEST_SIMILARITY = 0.5
_SIMILARITY_GRID = 1e-4
_RADIUS_GRID = radius_limit(0) - radius_limit(1)
_NEAREST_SHOWN = 10


@dataclass(frozen=True)
class TierSource:
    """What measures the similarity of a tier.

    Attributes:
        tier: Its name.
        label: Of the encoder, or "perceptual".
        identity: The encoder's digest, or the identity of the hashes.
        encoder: Which encoder to load; None for perceptual hashes.
    """

    tier: CalibratedTier
    label: str
    identity: str
    encoder: EncoderSpec | None


def calibrate_tier(
    source: TierSource,
    copies: Similarities,
    candidates: Candidates,
    near_misses: NearMisses,
    rate: float,
) -> TierCalibration:
    """Limits of one tier, and how well they do.

    Args:
        source: The tier.
        copies: float64 [images, kinds]: each planted copy's similarity to its original.
        candidates: What was compared.
        near_misses: Of its anchors.
        rate: Share of all images that this tier may drop wrongly.
    """
    measured = Measured(copies.ravel(), near_misses.similarity)
    chosen = choose_limits(measured, _demand(source, rate))
    limits, chosen = _as_settings(source, chosen)
    (at_limit,) = _curve(measured, np.array([chosen.limit]))
    return TierCalibration(
        identity=source.identity,
        label=source.label,
        limits=limits,
        basis=chosen.basis,
        images_needed=anchors_needed(rate, CONFIDENCE),
        anchors=len(near_misses.similarity),
        wrong_drops_high=at_limit.wrong_drops_high,
        transformations={
            kind: _recall(copies[:, place], chosen) for place, kind in enumerate(KINDS)
        },
        roc=tuple(_curve(measured, _shown_limits(source, measured, chosen))),
        nearest_misses=tuple(_nearest(candidates, near_misses)),
    )


def _demand(source: TierSource, rate: float) -> Demand:
    if source.tier == "perceptual":
        usual, widest = radius_limit(DEFAULT_RADIUS), radius_limit(WIDEST_RADIUS)
        return Demand(rate, CONFIDENCE, _RADIUS_GRID, usual, widest)
    extra = source.tier == "extra"
    default = DEFAULT_EXTRA_MAX_SIMILARITY if extra else DEFAULT_MAX_SIMILARITY
    return Demand(rate, CONFIDENCE, _SIMILARITY_GRID, default, _LOWEST_SIMILARITY)


def _as_settings(source: TierSource, chosen: ChosenLimits) -> tuple[dict[str, float], ChosenLimits]:
    """The limits by their keys in [near_duplicate], and as similarities once more.

    A radius is never below 0, even if equal hashes are too many wrong drops.
    """
    if source.tier == "perceptual":
        radius = max(0, _radius(chosen.limit))
        wider = max(radius, _radius(chosen.review))
        similarities = radius_limit(radius), radius_limit(wider)
        limits = {"radius": float(radius), "review_radius": float(wider)}
        return limits, ChosenLimits(*similarities, chosen.basis)
    # The limits are on this grid already, but for the last bits of the products.
    limit, review = round(chosen.limit, 4), round(chosen.review, 4)
    prefix = "extra_" if source.tier == "extra" else ""
    limits = {f"{prefix}max_similarity": limit, f"{prefix}review_similarity": review}
    return limits, ChosenLimits(limit, review, chosen.basis)


def _radius(limit: float) -> int:
    """The radius whose pairs, and no others, lie above a limit; see `radius_limit`."""
    return round((radius_limit(0) - limit) / _RADIUS_GRID)


def _recall(copies: Similarities, chosen: ChosenLimits) -> TransformationRecall:
    found, reviewed = int((copies > chosen.limit).sum()), int((copies > chosen.review).sum())
    return TransformationRecall(
        copies=len(copies),
        found=found,
        found_or_reviewed=reviewed,
        recall=wilson_interval(found, len(copies)),
    )


def _shown_limits(source: TierSource, measured: Measured, chosen: ChosenLimits) -> Similarities:
    """Limits of the curve, ascending: every radius, or where the measured similarities lie."""
    if source.tier == "perceptual":
        return np.array([radius_limit(r) for r in range(WIDEST_RADIUS, -1, -1)])
    shares = np.linspace(0.0, 1.0, 21)
    near = np.quantile(measured.near_misses, 0.5 + shares / 2.0)
    limits = np.concatenate([np.quantile(measured.copies, shares), near, [chosen.review]])
    inside = limits[(limits >= _LOWEST_SIMILARITY) & (limits <= 1.0)]
    return np.unique(np.round(np.append(inside, chosen.limit), 4))


def _curve(measured: Measured, limits: Similarities) -> list[RocPoint]:
    anchors = len(measured.near_misses)
    hits = np.array([(measured.near_misses > limit).sum() for limit in limits], dtype=np.int64)
    bounds = upper_bounds(hits, anchors, CONFIDENCE)
    return [
        RocPoint(
            limit=float(limit),
            recall=float((measured.copies > limit).mean()),
            wrong_drops=1000.0 * int(hit) / anchors,
            wrong_drops_high=1000.0 * float(bound),
        )
        for limit, hit, bound in zip(limits, hits, bounds, strict=True)
    ]


def _nearest(candidates: Candidates, near_misses: NearMisses) -> Sequence[NearMiss]:
    """The most similar near-misses, the most similar first."""
    order = np.argsort(-near_misses.similarity, kind="stable")[:_NEAREST_SHOWN]
    return [
        _near_miss(
            candidates,
            int(candidates.anchors[place]),
            int(near_misses.partner[place]),
            float(near_misses.similarity[place]),
        )
        for place in order
        if near_misses.partner[place] >= 0
    ]


def _near_miss(candidates: Candidates, row: int, other: int, similarity: float) -> NearMiss:
    first, second = sorted(candidates.records[each].image_id for each in (row, other))
    return NearMiss(images=(first, second), similarity=similarity)
