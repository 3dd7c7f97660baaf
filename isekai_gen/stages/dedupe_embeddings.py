"""Deduplicate the rows of a matrix of embeddings that somebody already has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from isekai_gen.errors import InputError
from isekai_gen.filters.duplicates import DuplicateRequest, decide_duplicates
from isekai_gen.hashing import digest_of
from isekai_gen.neighbors.groups import Likeness, duplicate_groups
from isekai_gen.neighbors.search import SearchOptions
from isekai_gen.neighbors.vectors import FileVectors, open_vectors
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.dedupe_folder_files import Keys
from isekai_gen.stages.dedupe_folder_found import TierFound, TierLimits
from isekai_gen.stages.dedupe_folder_out import claimed_folder
from isekai_gen.stages.dedupe_folder_outcome import Outcome, review_of, write_outcome
from isekai_gen.stages.dedupe_folder_report import OutsideReport, Phases
from isekai_gen.stages.dedupe_folder_verdicts import (
    components_of,
    dropped_by_components,
    group_order,
    joined_verdicts,
    judge_against,
)
from isekai_gen.stages.limits import DEFAULT_MAX_SIMILARITY
from isekai_gen.stages.tile_search import (
    KeptBands,
    forget_bands,
    own_device,
    search_in_bands,
    unfinished_bands,
)


@dataclass(frozen=True)
class EmbeddingsRequest:
    """What to compare, and where results go.

    Attributes:
        embeddings: .npy file, float16 or float32, shape (n, d).
        out: Folder of the results.
        ids: Text file with one id a line, or None.
        against: Another .npy file, whose rows are never judged, or None.
        floor: Lowest similarity listed; None for the lowest limit.
        require_unit: Whether rows that are not of unit length are refused.
    """

    embeddings: Path
    out: Path
    ids: Path | None = None
    against: Path | None = None
    floor: float | None = None
    require_unit: bool = False

    @property
    def files(self) -> dict[str, Path]:
        """Name to path of everything that is read."""
        named = {"embeddings": self.embeddings, "ids": self.ids, "against": self.against}
        return {name: path for name, path in named.items() if path is not None}


@dataclass(frozen=True, eq=False)
class _Found:
    """What the searches gave.

    Attributes:
        vectors: What was searched.
        ids: Of its rows, or None.
        within: Pairs within the matrix.
        against: Pairs with the other one, if there is one.
    """

    vectors: FileVectors
    ids: Keys
    within: TierFound
    against: TierFound | None


def dedupe_embeddings(context: StageContext, request: EmbeddingsRequest) -> OutsideReport:
    """Find similar rows, decide which to keep (the first of equal ones), and write it all down.

    Rows that are similar to one of `request.against` are dropped first, with that witness.

    Args:
        context: Limits and mode in its settings [near_duplicate]; reporter and devices.
        request: What to compare.

    Raises:
        InputError: If files or limits are wrong, or `out` holds something else.
    """
    limits = _limits(context, request.floor)
    fingerprint = _fingerprint(context, request, limits)
    inputs = {name: str(path.resolve()) for name, path in request.files.items()}
    phases = Phases()
    with claimed_folder(request.out, inputs, ()) as folder:
        known = folder.finished(fingerprint)
        if known is not None:
            return OutsideReport.from_json(known).repeated()
        found = _search(context, request, limits, phases)
        outcome = _decide(found, inputs, phases)
        report = write_outcome(folder, fingerprint, outcome, phases)
        forget_bands(request.out)
        return report


def _limits(context: StageContext, floor: float | None) -> TierLimits:
    settings = context.settings.near_duplicate
    source = "default" if settings.max_similarity is None else "option/isekai.toml"
    limit = DEFAULT_MAX_SIMILARITY if settings.max_similarity is None else settings.max_similarity
    review = limit if settings.review_similarity is None else settings.review_similarity
    if review > limit:
        raise InputError(
            f"--review-similarity {review:g} is above --max-similarity {limit:g}; lower it"
        )
    if floor is not None and floor > review:
        raise InputError(f"--floor {floor:g} is above {review:g}, the lowest limit; lower it")
    return TierLimits("semantic", limit, review, review if floor is None else floor, source)


def _fingerprint(context: StageContext, request: EmbeddingsRequest, limits: TierLimits) -> str:
    """Of everything the results depend on; files by size and time, for they may be huge."""
    settings = context.settings.near_duplicate
    asked = [asdict(limits), settings.mode, settings.min_recall, request.require_unit]
    return digest_of([_stamps(request.files), asked])


def _stamps(files: Mapping[str, Path]) -> dict[str, list[int]]:
    """Name to size and time of change."""
    stamps = {}
    for name, path in files.items():
        if not path.is_file():
            raise InputError(f"{path}: no such file; check --{name}")
        status = path.stat()
        stamps[name] = [status.st_size, status.st_mtime_ns]
    return stamps


def _search(
    context: StageContext, request: EmbeddingsRequest, limits: TierLimits, phases: Phases
) -> _Found:
    with phases.phase("read"):
        vectors = open_vectors(request.embeddings, require_unit=request.require_unit)
        count = vectors.shape[0]
        ids = None if request.ids is None else _read_ids(request.ids, count)
        other = _open_against(request, vectors)
        options = _options(context, limits.floor)
    with phases.phase("search"), context.reporter.task("Comparing rows", count) as advance:
        kept = _kept(request, "embeddings")
        within = search_in_bands(context, vectors, options, kept, advance=advance)
    if other is None:
        return _Found(vectors, ids, TierFound(limits, *within), None)
    title = "Comparing with the other set"
    with phases.phase("search"), context.reporter.task(title, count) as advance:
        kept = _kept(request, "embeddings", "against")
        found = search_in_bands(context, vectors, options, kept, against=other, advance=advance)
    return _Found(vectors, ids, TierFound(limits, *within), TierFound(limits, *found))


def _kept(request: EmbeddingsRequest, *names: str) -> KeptBands:
    """What a search of these files has finished."""
    stamps = _stamps({name: request.files[name] for name in names})
    return KeptBands(unfinished_bands(request.out), lambda: digest_of(stamps))


def _options(context: StageContext, floor: float) -> SearchOptions:
    settings = context.settings.near_duplicate
    return SearchOptions(floor, settings.mode, settings.min_recall, own_device(context))


def _open_against(request: EmbeddingsRequest, vectors: FileVectors) -> FileVectors | None:
    if request.against is None:
        return None
    other = open_vectors(request.against, require_unit=request.require_unit)
    if other.shape[1] != vectors.shape[1]:
        raise InputError(
            f"{request.against}: rows of {other.shape[1]} numbers, but {request.embeddings} has "
            f"rows of {vectors.shape[1]}; embed both with one encoder"
        )
    return other


def _read_ids(path: Path, count: int) -> list[str]:
    """One id a line, as many as rows, without repeats."""
    try:
        # Not splitlines: an id may hold what Unicode counts as the end of a line.
        ids = path.read_bytes().decode("utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is no UTF-8 text ({error.reason}); save it as such") from error
    ids = [line.removesuffix("\r") for line in ids]
    if len(ids) != count:
        raise InputError(f"{path}: has {len(ids):,} lines for {count:,} rows; give one id a row")
    line_of: dict[str, int] = {}
    for line, key in enumerate(ids, start=1):
        if not key:
            raise InputError(f"{path}:{line}: is empty; give one id a line")
        if line_of.setdefault(key, line) != line:
            raise InputError(
                f"{path}:{line}: {key!r} is on line {line_of[key]} too; ids must be distinct"
            )
    return ids


def _decide(found: _Found, inputs: dict[str, str], phases: Phases) -> Outcome:
    count = found.vectors.shape[0]
    across = [] if found.against is None else [found.against]
    with phases.phase("decide"):
        against = judge_against(count, {}, across)
        request = DuplicateRequest(
            count=count,
            priority=np.arange(count, dtype=np.int64),
            tiers=[found.within.to_decide()],
            absent=np.flatnonzero(~against.kept),
        )
        decision = decide_duplicates(request)
        verdicts = joined_verdicts(against, decision)
    with phases.phase("group"):
        component = components_of(count, [found.within.links()], against.kept)
        order = group_order(request.priority, verdicts.kept, against.kept)
        groups = duplicate_groups(component, order, Likeness(found.within.pairs, found.vectors))
    return Outcome(
        inputs=inputs,
        keys=found.ids,
        other_keys=None,
        verdicts=verdicts,
        review=review_of(decision, across, verdicts),
        groups=groups,
        dropped_by_components=dropped_by_components(component, order),
        within=[found.within],
        against=across if found.against is not None else None,
        edge_keys=False,
    )
