"""Judge counterfactual samples as images are: unreadable, no use whatever they show, duplicates.

Duplicates are compared by their pixels and perceptual hashes, among themselves and with the kept
images: a sample that looks like its source had nothing taken away, one that looks like its filler
has nothing left. They are not compared by embeddings. What an encoder still sees in a sample is
what samples are there to measure, and a verdict by it would decide the measurement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from isekai_gen.counterfactuals.records import CounterfactualRecord
from isekai_gen.filters.base import NOTHING_TO_JUDGE
from isekai_gen.filters.duplicates import DuplicateRequest, decide_duplicates
from isekai_gen.filters.picture_check import PictureCheckFilter
from isekai_gen.hashing import digest_of, file_sha256
from isekai_gen.models.perceptual import PictureHashes
from isekai_gen.neighbors.hamming import find_hash_pairs
from isekai_gen.neighbors.hash_candidates import hash_search_method
from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.search import SearchReport
from isekai_gen.neighbors.similarity import IndexArray
from isekai_gen.records import ImageRecord, Verdict
from isekai_gen.shards import DoneMarker, read_marker, write_marker, write_records
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.counterfactual_files import FILTERS, read_outcomes, samples_workspace
from isekai_gen.stages.dedupe_folder_found import TierFound, TierLimits
from isekai_gen.stages.dedupe_folder_verdicts import RowVerdicts, joined_verdicts, judge_against
from isekai_gen.stages.limits import DuplicateLimits, duplicate_limits
from isekai_gen.stages.looks import look_at_pictures
from isekai_gen.stages.looks_files import STAGE as LOOKS_STAGE
from isekai_gen.stages.looks_files import Looks, read_looks
from isekai_gen.workspace import Workspace

CURATION_STAGE = "curate"
_UNREADABLE, _PICTURES, _DUPLICATES = FILTERS


@dataclass(frozen=True, eq=False)
class _Compared:
    """Samples or images that are compared with each other.

    Attributes:
        ids: Of each row.
        pixels: Digest of each row's pixels.
        hashes: Of each row.
    """

    ids: tuple[str, ...]
    pixels: tuple[str, ...]
    hashes: PictureHashes


def judge_samples(context: StageContext, kept: Sequence[ImageRecord]) -> None:
    """Write a verdict of each filter on every sample, unless nothing changed.

    Args:
        context: The workspace, whose lock the caller holds; every sample is made.
        kept: The kept images.

    Raises:
        ChecksumError: If files are not what was committed.
    """
    samples = samples_workspace(context.workspace)
    limits = duplicate_limits(context)
    fingerprint = _fingerprint(context, kept, limits)
    if _is_judged(samples, fingerprint):
        return
    made = {part: _made(context.workspace, part) for part in samples.parts("records")}
    looks = read_looks(samples)
    judging = PictureCheckFilter(**context.settings.picture_check.model_dump())
    verdicts = {_UNREADABLE: _by_reading(made, looks), _PICTURES: _by_looks(judging, looks)}
    dropped = {
        each.image_id for said in verdicts.values() for each in said.values() if not each.keep
    }
    own = _compared_samples([record for part in made.values() for record in part], looks, dropped)
    others = _compared_images(context, kept)
    verdicts[_DUPLICATES] = _by_likeness(own, others, limits)
    verdicts[_DUPLICATES] |= {
        each: Verdict(each, by=_DUPLICATES, keep=True, reason="dropped_before") for each in dropped
    }
    for name in FILTERS:
        for part, records in made.items():
            rows = [verdicts[name][record.id] for record in records]
            write_records(samples.part(samples.verdicts(name), part), rows)
    write_marker(samples, DoneMarker(CURATION_STAGE, 0, fingerprint, {}, _digest(samples)))


def _made(workspace: Workspace, part: int) -> list[CounterfactualRecord]:
    outcomes = read_outcomes(workspace, part)
    return [outcome for outcome in outcomes if isinstance(outcome, CounterfactualRecord)]


def _fingerprint(
    context: StageContext, kept: Sequence[ImageRecord], limits: DuplicateLimits
) -> str:
    samples = samples_workspace(context.workspace)
    parts = samples.parts("records")
    looks = [read_marker(samples, LOOKS_STAGE, part) for part in parts]
    return digest_of(
        {
            "records": [file_sha256(samples.part("records", part)) for part in parts],
            "looks": [None if marker is None else marker.digest for marker in looks],
            "kept": [[image.image_id, image.pixel_sha256] for image in kept],
            "pictures": context.settings.picture_check.model_dump(),
            "duplicates": [list(limits.tiers), limits.radius],
        }
    )


def _is_judged(samples: Workspace, fingerprint: str) -> bool:
    marker = read_marker(samples, CURATION_STAGE, 0)
    return (
        marker is not None
        and marker.fingerprint == fingerprint
        and marker.digest == _digest(samples)
    )


def _digest(samples: Workspace) -> str:
    """Over all files of verdicts; a missing one counts as such."""
    paths = [
        samples.part(samples.verdicts(name), part)
        for name in FILTERS
        for part in samples.parts("records")
    ]
    return digest_of([file_sha256(path) if path.is_file() else "" for path in paths])


def _by_reading(
    made: Mapping[int, Sequence[CounterfactualRecord]], looks: Looks
) -> dict[str, Verdict]:
    return {
        record.id: Verdict(
            record.id,
            by=_UNREADABLE,
            keep=record.id not in looks.failures,
            reason="unreadable" if record.id in looks.failures else "readable",
        )
        for records in made.values()
        for record in records
    }


def _by_looks(judging: PictureCheckFilter, looks: Looks) -> dict[str, Verdict]:
    verdicts = {
        each: Verdict(each, by=_PICTURES, keep=True, reason=NOTHING_TO_JUDGE)
        for each in looks.failures
    }
    for sample_id, look in looks.looks.items():
        reason, measured, limit = judging.finding(look)
        keep = reason == "within_limit"
        verdicts[sample_id] = Verdict(sample_id, _PICTURES, keep, reason, measured, limit)
    return verdicts


def _compared_samples(
    made: Sequence[CounterfactualRecord], looks: Looks, dropped: set[str]
) -> _Compared:
    """Samples that may be kept: masks from maps before random ones, else in shard order."""
    rest = [record for record in made if record.id not in dropped]
    ordered = sorted(rest, key=lambda record: record.recipe.method == "random")
    row_of = {sample_id: row for row, sample_id in enumerate(looks.ids)}
    return _Compared(
        tuple(record.id for record in ordered),
        tuple(record.pixel_sha256 for record in ordered),
        looks.hashes.take([row_of[record.id] for record in ordered]),
    )


def _compared_images(context: StageContext, kept: Sequence[ImageRecord]) -> _Compared:
    """Kept images as they were looked at; one that cannot be opened is compared with nothing."""
    looks = look_at_pictures(context)
    kept = [image for image in kept if image.image_id not in looks.failures]
    row_of = {image_id: row for row, image_id in enumerate(looks.ids)}
    return _Compared(
        tuple(image.image_id for image in kept),
        tuple(image.pixel_sha256 for image in kept),
        looks.hashes.take([row_of[image.image_id] for image in kept]),
    )


def _by_likeness(own: _Compared, others: _Compared, limits: DuplicateLimits) -> dict[str, Verdict]:
    """Verdicts on samples: first against the kept images, then among those that are left."""
    count = len(own.ids)
    exact, hashed = "exact" in limits.tiers, "perceptual" in limits.tiers
    equal = {"same_pixels": _equal_rows(own, others)} if exact else {}
    against = judge_against(count, equal, [_found(own, others, limits)] if hashed else [])
    request = DuplicateRequest(
        count=count,
        priority=np.arange(count, dtype=np.int64),
        tiers=[_found(own, None, limits).to_decide()] if hashed else [],
        equal=[("same_pixels", rows) for rows in _equal_classes(own)] if exact else [],
        absent=np.flatnonzero(~against.kept),
    )
    verdicts = joined_verdicts(against, decide_duplicates(request))
    return {own.ids[row]: _verdict(row, verdicts, own, others) for row in range(count)}


def _found(own: _Compared, others: _Compared | None, limits: DuplicateLimits) -> TierFound:
    limit, _ = limits.similarity_limits("perceptual")
    against = None if others is None else others.hashes
    pairs: PairList = find_hash_pairs(own.hashes, limits.radius, against=against)
    search = SearchReport("exact", hash_search_method(), "hashes", len(pairs))
    tier = TierLimits("perceptual", limit, limit, limit, limits.source_of("perceptual"))
    return TierFound(tier, pairs, search)


def _equal_rows(own: _Compared, others: _Compared) -> IndexArray:
    """Row of `others` with the same pixels, -1 where there is none."""
    row_of = {pixels: row for row, pixels in reversed(list(enumerate(others.pixels)))}
    return np.array([row_of.get(pixels, -1) for pixels in own.pixels], dtype=np.int64)


def _equal_classes(own: _Compared) -> list[IndexArray]:
    rows_of: dict[str, list[int]] = {}
    for row, pixels in enumerate(own.pixels):
        rows_of.setdefault(pixels, []).append(row)
    return [np.array(rows, dtype=np.int64) for rows in rows_of.values() if len(rows) > 1]


def _verdict(row: int, verdicts: RowVerdicts, own: _Compared, others: _Compared) -> Verdict:
    witness = int(verdicts.witness[row])
    ids = others.ids if verdicts.of_other[row] else own.ids
    measured, limit = float(verdicts.similarity[row]), float(verdicts.limit[row])
    return Verdict(
        own.ids[row],
        by=_DUPLICATES,
        keep=bool(verdicts.kept[row]),
        reason=str(verdicts.reason[row]),
        measured=None if np.isnan(measured) else measured,
        limit=None if np.isnan(limit) else limit,
        witness=ids[witness] if witness >= 0 else "",
        tier=str(verdicts.tier[row]),
    )
