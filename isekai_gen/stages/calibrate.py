"""Set the limits of near-duplicates from the user's own images, for a budget of wrong drops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isekai_gen.errors import InputError
from isekai_gen.models.encoder_files import identify_encoder
from isekai_gen.neighbors.hamming import find_hash_pairs
from isekai_gen.records import ImageRecord
from isekai_gen.stages.calibrate_copies import measure_copies
from isekai_gen.stages.calibrate_images import CalibrationImages, gather_images
from isekai_gen.stages.calibrate_near_misses import (
    Candidates,
    NearMisses,
    find_near_misses,
    gather_candidates,
    near_misses_among,
)
from isekai_gen.stages.calibrate_tier import (
    CONFIDENCE,
    WIDEST_RADIUS,
    TierSource,
    calibrate_tier,
)
from isekai_gen.stages.calibration_files import (
    CALIBRATED_TIERS,
    CalibratedTier,
    Calibration,
    TierCalibration,
    write_calibration,
)
from isekai_gen.stages.calibration_report import write_calibration_report
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.curate import require_opened
from isekai_gen.stages.embed import embed, encoder_spec, load_embeddings
from isekai_gen.stages.limits import PERCEPTUAL_IDENTITY
from isekai_gen.stages.random_sample import draw_sample

# Each costs one comparison with every image; so many prove 0.15 wrong drops in 1,000 images.
_MOST_ANCHORS = 20_000
_FEWEST_IMAGES = 20


@dataclass(frozen=True)
class CalibrateRequest:
    """What is asked for.

    Attributes:
        images_per_concept: Images of each concept that copies are made of, at most.
        false_merges: Wrong drops expected in 1,000 images at most, over all tiers.
        seed: Of the sample and the copies.
    """

    images_per_concept: int = 8
    false_merges: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.images_per_concept < 1:
            raise InputError("at least one image per concept has to be sampled")
        if not 0.0 < self.false_merges < 1000.0:
            raise InputError(
                f"--false-merges {self.false_merges:g} is no number of images in 1,000; choose "
                "one above 0 and below 1000"
            )


@dataclass(frozen=True)
class CalibrateReport:
    """What calibrate did.

    Attributes:
        calibration: The limits and what they were measured on.
        files: What was written.
        overruled: Limits that isekai.toml or options set, which go before calibrated ones.
    """

    calibration: Calibration
    files: Sequence[Path]
    overruled: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "calibration": self.calibration.model_dump(mode="json", by_alias=True),
            "files": [str(path) for path in self.files],
            "overruled": dict(self.overruled),
        }


def calibrate(context: StageContext, request: CalibrateRequest) -> CalibrateReport:
    """Plant copies, measure them and the near-misses, and write the limits that follow.

    The budget is shared evenly by the tiers. The caller holds the workspace's lock.

    Raises:
        InputError: If there are too few images, or no tier to calibrate.
        ChecksumError: If an image is not what its record says.
        ModelError: If an encoder cannot be loaded.
    """
    _sources(context)  # what is wrong with the settings is said before any work
    known = gather_images(context)
    images = known.images
    if len(images) < _FEWEST_IMAGES:
        raise InputError(
            f"{len(images)} image(s) are too few to calibrate with; generate at least "
            f"{_FEWEST_IMAGES}"
        )
    sampled = _sample(images, request)
    calibration = Calibration(
        false_merges=request.false_merges,
        confidence=CONFIDENCE,
        within=context.settings.near_duplicate.within,
        images=len(images),
        sampled=len(sampled),
        seed=request.seed,
        tiers=_calibrated_tiers(context, known, sampled, request),
    )
    return _written(context, calibration)


def _calibrated_tiers(
    context: StageContext,
    known: CalibrationImages,
    sampled: Sequence[ImageRecord],
    request: CalibrateRequest,
) -> dict[CalibratedTier, TierCalibration]:
    sources = _sources(context)
    encoders = {source.tier: source.encoder for source in sources}
    copies = measure_copies(context, sampled, encoders, WIDEST_RADIUS, request.seed)
    ids = [image.image_id for image in known.images]
    anchors = draw_sample(ids, _MOST_ANCHORS, request.seed)
    within = context.settings.near_duplicate.within
    candidates = gather_candidates(known.images, known.facts.context, within, anchors)
    rate = request.false_merges / 1000.0 / len(sources)
    return {
        source.tier: calibrate_tier(
            source,
            copies[source.tier],
            candidates,
            _near_misses(context, known, candidates, source),
            rate,
        )
        for source in sources
    }


def _written(context: StageContext, calibration: Calibration) -> CalibrateReport:
    report = write_calibration_report(context.workspace, calibration)
    # The file that limits are read from comes last: before it, the earlier ones hold.
    path = write_calibration(context.workspace, calibration)
    said = context.settings.near_duplicate.model_dump()
    overruled = {
        key: said[key]
        for tier in calibration.tiers.values()
        for key in tier.limits
        if said[key] is not None
    }
    return CalibrateReport(calibration, (path, report), overruled)


def _sources(context: StageContext) -> list[TierSource]:
    """The tiers that have limits, in their declared order.

    Raises:
        InputError: If there is none, or no extra encoder for the extra tier.
    """
    settings = context.settings.near_duplicate
    encoders = {"semantic": context.settings.embed.encoder, "extra": settings.extra_encoder}
    found = []
    for tier in CALIBRATED_TIERS:
        if tier not in settings.tiers:
            continue
        if tier == "perceptual":
            found.append(TierSource(tier, tier, PERCEPTUAL_IDENTITY, None))
            continue
        name = encoders[tier]
        if name is None:
            raise InputError(
                "near_duplicate.tiers names extra, but there is no extra encoder; set "
                "near_duplicate.extra_encoder, or leave the tier out"
            )
        spec = encoder_spec(name)
        found.append(TierSource(tier, spec.label, identify_encoder(spec), spec))
    if not found:
        raise InputError(
            f"near_duplicate.tiers names none of {', '.join(CALIBRATED_TIERS)}, and exact "
            "duplicates need no limit: there is nothing to calibrate"
        )
    return found


def _sample(images: Sequence[ImageRecord], request: CalibrateRequest) -> list[ImageRecord]:
    """Up to so many images of every concept."""
    by_concept: dict[str, list[ImageRecord]] = {}
    for image in images:
        by_concept.setdefault(image.concept, []).append(image)
    return [
        members[place]
        for members in by_concept.values()
        for place in draw_sample(
            [image.image_id for image in members], request.images_per_concept, request.seed
        )
    ]


def _near_misses(
    context: StageContext, known: CalibrationImages, candidates: Candidates, source: TierSource
) -> NearMisses:
    ids = [image.image_id for image in candidates.records]
    if source.encoder is None:
        row_of = {image_id: row for row, image_id in enumerate(known.looks.ids)}
        hashes = known.looks.hashes.take([row_of[image_id] for image_id in ids])
        with context.reporter.task("Comparing hashes", len(candidates.anchors)) as advance:
            pairs = find_hash_pairs(
                hashes.take(candidates.anchors), WIDEST_RADIUS, against=hashes, advance=advance
            )
        return near_misses_among(candidates, pairs)
    embedded = known.facts.embedded
    if source.tier == "extra":
        embedded = embed(context, context.settings.near_duplicate.extra_encoder)
        require_opened(embedded.failures)
    vectors = load_embeddings(context, embedded).table.select(ids).vectors
    with context.reporter.task("Searching near-misses", len(candidates.anchors)) as advance:
        return find_near_misses(candidates, vectors, advance)
