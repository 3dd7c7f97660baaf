"""The limits of near-duplicates in force, and where each comes from.

A limit is what isekai.toml or an option says; else what `calibrate` measured with the encoder in
use; else the default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from isekai_gen.errors import InputError
from isekai_gen.filters.duplicates import radius_limit
from isekai_gen.filters.near_duplicate import NearDuplicateFilter
from isekai_gen.models.encoder_files import identify_encoder
from isekai_gen.models.perceptual import DEFAULT_RADIUS, DEFAULT_REVIEW_RADIUS
from isekai_gen.settings import TIERS, NearDuplicateSettings, Tier
from isekai_gen.stages.calibration_files import read_calibration
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.embed import encoder_spec
from isekai_gen.stages.looks_measures import LOOK_VERSION

Source = Literal["option/isekai.toml", "calibration", "default"]
SAID: Source = "option/isekai.toml"
DEFAULT_MAX_SIMILARITY = 0.95
DEFAULT_REVIEW_SIMILARITY = 0.92
DEFAULT_EXTRA_MAX_SIMILARITY = 0.90
DEFAULT_EXTRA_REVIEW_SIMILARITY = 0.75
# A review limit that nobody chose keeps this distance from a limit that somebody lowered.
_REVIEW_BELOW = 0.03
PERCEPTUAL_IDENTITY = f"perceptual/{LOOK_VERSION}"
"""What measures the similarity of the perceptual tier, as an encoder's digest does of others."""
_LIMIT_OF: Mapping[str, str] = {
    "perceptual": "radius",
    "semantic": "max_similarity",
    "extra": "extra_max_similarity",
}
_DEFAULTS: Mapping[str, float] = {
    "max_similarity": DEFAULT_MAX_SIMILARITY,
    "review_similarity": DEFAULT_REVIEW_SIMILARITY,
    "radius": DEFAULT_RADIUS,
    "review_radius": DEFAULT_REVIEW_RADIUS,
    "extra_max_similarity": DEFAULT_EXTRA_MAX_SIMILARITY,
    "extra_review_similarity": DEFAULT_EXTRA_REVIEW_SIMILARITY,
}


@dataclass(frozen=True)
class DuplicateLimits:
    """Every limit of the near-duplicate filter, resolved.

    Attributes:
        tiers: Which comparisons are made, in their declared order.
        within: Which pairs count.
        max_similarity: Semantic: kept images are pairwise at or below it.
        review_similarity: Semantic: pairs above it are for people; <= max_similarity.
        radius: Perceptual: hashes of duplicates differ in at most this many of 64 bits.
        review_radius: Perceptual: pairs up to this many bits are for people; >= radius.
        extra_max_similarity: Extra: as `max_similarity`.
        extra_review_similarity: Extra: as `review_similarity`.
        relative_quantile: Of the concept's own pairs, which semantic duplicates must lie above;
            None for the absolute limit alone.
        sources: Name of each limit to where it comes from.
    """

    tiers: tuple[Tier, ...]
    within: Literal["concept", "group", "all"]
    max_similarity: float
    review_similarity: float
    radius: int
    review_radius: int
    extra_max_similarity: float
    extra_review_similarity: float
    relative_quantile: float | None
    sources: Mapping[str, Source]

    def similarity_limits(self, tier: Tier) -> tuple[float, float]:
        """(limit, review limit) of a tier, both as similarities that pairs must lie above.

        Hashes that differ in b of 64 bits have similarity 1 - b / 64. The tier exact has no limits.
        """
        if tier == "exact":
            raise ValueError("equality has no limit")
        if tier == "perceptual":
            return radius_limit(self.radius), radius_limit(self.review_radius)
        if tier == "extra":
            return self.extra_max_similarity, self.extra_review_similarity
        return self.max_similarity, self.review_similarity

    def source_of(self, tier: Tier) -> str:
        """Where the limit of a tier other than exact comes from."""
        return self.sources[_LIMIT_OF[tier]]


def duplicate_limits(context: StageContext) -> DuplicateLimits:
    """The limits that the settings, the workspace's calibration and the defaults give together.

    Raises:
        InputError: If a review limit lies above its limit, a tier is named that cannot be
            compared, or a limit is out of range.
        ChecksumError: If the calibration file is damaged.
    """
    settings = context.settings.near_duplicate
    _check_tiers(settings)
    said = settings.model_dump()
    calibrated = _calibrated(context)
    values: dict[str, float] = {}
    sources: dict[str, Source] = {}
    for name, default in _DEFAULTS.items():
        values[name], sources[name] = default, "default"
        if name in calibrated:
            values[name], sources[name] = calibrated[name], "calibration"
        if said[name] is not None:
            values[name], sources[name] = said[name], SAID
    _settle_review_limits(values, sources)
    return DuplicateLimits(
        tiers=tuple(tier for tier in TIERS if tier in settings.tiers),
        within=settings.within,
        max_similarity=values["max_similarity"],
        review_similarity=values["review_similarity"],
        radius=int(values["radius"]),
        review_radius=int(values["review_radius"]),
        extra_max_similarity=values["extra_max_similarity"],
        extra_review_similarity=values["extra_review_similarity"],
        relative_quantile=settings.relative_quantile,
        sources=sources,
    )


def duplicate_filter(limits: DuplicateLimits) -> NearDuplicateFilter:
    """The near-duplicate filter with these limits."""
    return NearDuplicateFilter(
        tiers=limits.tiers,
        max_similarity=limits.max_similarity,
        review_similarity=limits.review_similarity,
        radius=limits.radius,
        review_radius=limits.review_radius,
        extra_max_similarity=limits.extra_max_similarity,
        extra_review_similarity=limits.extra_review_similarity,
        relative=limits.relative_quantile is not None,
        within=limits.within,
    )


def _check_tiers(settings: NearDuplicateSettings) -> None:
    if not settings.tiers:
        raise InputError("near_duplicate.tiers is empty; name at least one tier, such as exact")
    if "extra" in settings.tiers and settings.extra_encoder is None:
        raise InputError(
            "near_duplicate.tiers names extra, but there is no extra encoder; give one with "
            "--extra-encoder DIR, or leave the tier out"
        )
    if settings.extra_encoder is not None and "extra" not in settings.tiers:
        raise InputError(
            f"near_duplicate.extra_encoder is {settings.extra_encoder}, but tiers does not name "
            f"extra; give --tiers {','.join((*settings.tiers, 'extra'))}, or remove extra_encoder "
            "from isekai.toml"
        )


def _calibrated(context: StageContext) -> dict[str, float]:
    """Name of a limit to its calibrated value, of the tiers calibrated with what is in use."""
    calibration = read_calibration(context.workspace)
    if calibration is None:
        return {}
    settings = context.settings
    found: dict[str, float] = {}
    for tier in settings.near_duplicate.tiers:
        identity = PERCEPTUAL_IDENTITY
        if tier == "semantic":
            identity = identify_encoder(encoder_spec(settings.embed.encoder))
        elif tier == "extra":
            identity = identify_encoder(encoder_spec(str(settings.near_duplicate.extra_encoder)))
        found.update(calibration.limits_for(tier, identity) or {})
    return found


def _settle_review_limits(values: dict[str, float], sources: Mapping[str, Source]) -> None:
    """Keep review limits on their side of the limits; only a person's own choice is refused.

    Raises:
        InputError: If a person chose a review limit on the wrong side.
    """
    for limit, review in (
        ("max_similarity", "review_similarity"),
        ("extra_max_similarity", "extra_review_similarity"),
    ):
        if sources[review] == SAID and values[review] > values[limit]:
            raise InputError(
                f"near_duplicate.{review} {values[review]:g} is above {limit} {values[limit]:g} "
                f"({sources[limit]}); pairs for people lie below those that are dropped: lower "
                f"{review}, or raise {limit}"
            )
        if sources[review] == "default":
            below = round(values[limit] - _REVIEW_BELOW, 6)  # 0.92, not 0.9199999999999999
            values[review] = max(-1.0, min(values[review], below))
        values[review] = min(values[review], values[limit])
    if sources["review_radius"] == SAID and values["review_radius"] < values["radius"]:
        raise InputError(
            f"near_duplicate.review_radius {values['review_radius']:g} is below radius "
            f"{values['radius']:g} ({sources['radius']}); pairs for people differ in more bits "
            "than those that are dropped: raise review_radius, or lower radius"
        )
    values["review_radius"] = max(values["review_radius"], values["radius"])
