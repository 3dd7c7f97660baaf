"""Deduplicate pictures wherever they lie, reading in place: a folder, tar shards, Parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from isekai_gen.errors import InputError
from isekai_gen.filters.duplicates import (
    DuplicateDecision,
    DuplicateRequest,
    decide_duplicates,
)
from isekai_gen.hashing import digest_of
from isekai_gen.models.encoder_files import identify_encoder
from isekai_gen.models.spec import EncoderSpec
from isekai_gen.neighbors.groups import Likeness, duplicate_groups
from isekai_gen.neighbors.search import SearchOptions
from isekai_gen.neighbors.vectors import ArrayVectors
from isekai_gen.settings import Tier
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.dedupe_folder_copies import (
    equal_in_other,
    pairs_of_equal,
    with_copies,
)
from isekai_gen.stages.dedupe_folder_found import TierFound, TierLimits
from isekai_gen.stages.dedupe_folder_out import OutFolder, claimed_folder
from isekai_gen.stages.dedupe_folder_outcome import Outcome, review_of, write_outcome
from isekai_gen.stages.dedupe_folder_pictures import ComparedPictures, LookPlan, look_at_source
from isekai_gen.stages.dedupe_folder_report import OutsideReport, Phases
from isekai_gen.stages.dedupe_folder_search import Comparisons, compare_pictures, equal_found
from isekai_gen.stages.dedupe_folder_verdicts import (
    RowVerdicts,
    components_of,
    dropped_by_components,
    group_order,
    joined_verdicts,
    judge_against,
)
from isekai_gen.stages.embed import encoder_spec, main_encoder_spec
from isekai_gen.stages.limits import DuplicateLimits, duplicate_limits
from isekai_gen.stages.looks_measures import LOOK_VERSION
from isekai_gen.stages.picture_sources import PictureSource, open_source
from isekai_gen.stages.tile_search import forget_bands, own_device


@dataclass(frozen=True)
class FolderRequest:
    """What to compare, and where results go.

    Attributes:
        images: Folder, .tar or .parquet file of the pictures to judge; see `open_source`.
        out: Folder of the results.
        against: Pictures that are never judged, or None.
        floor: Lowest similarity of embeddings listed; None for the review limit.
    """

    images: Path
    out: Path
    against: Path | None = None
    floor: float | None = None


@dataclass(frozen=True)
class _Plan:
    """The request with its sources opened and its limits resolved."""

    source: PictureSource
    other: PictureSource | None
    look: LookPlan
    compare: Comparisons

    @property
    def inputs(self) -> dict[str, str]:
        named = {"images": self.source, "against": self.other}
        return {name: str(source.path.resolve()) for name, source in named.items() if source}

    def fingerprint(self) -> str:
        """Of everything the results depend on."""
        sources = [source.fingerprint() for source in (self.source, self.other) if source]
        encoders = {tier: identify_encoder(spec) for tier, spec in self.look.encoders.items()}
        limits = [asdict(limits) for limits in self.compare.limits]
        search = [self.compare.options.mode, self.compare.options.min_recall]
        return digest_of([sources, encoders, self.look.exact, LOOK_VERSION, limits, search])


def dedupe_folder(context: StageContext, request: FolderRequest) -> OutsideReport:
    """Find duplicates among pictures, decide which to keep, and write it all down.

    Of duplicates the picture with more pixels is kept, then that with the larger file, then that
    with the lower key. Pictures that duplicate one of `request.against` are dropped before, with
    that witness.

    Args:
        context: Tiers, limits and encoder in its settings; reporter, devices and engine. Its
            workspace is `request.out`.
        request: What to compare.

    Raises:
        InputError: If sources or limits are wrong, or `out` holds something else.
        ModelError: If an encoder cannot be found or loaded.
    """
    plan = _plan(context, request)
    folders = [path for path in (request.images, request.against) if path and path.is_dir()]
    phases = Phases()
    with claimed_folder(request.out, plan.inputs, folders) as folder:
        fingerprint = plan.fingerprint()
        known = folder.finished(fingerprint)
        if known is not None and not known["unread"]:
            return OutsideReport.from_json(known).repeated()
        with phases.phase("look"):
            pictures, other = _look(context, plan, folder)
        outcome = _decide(context, plan, pictures, other, phases)
        report = write_outcome(folder, fingerprint, outcome, phases)
        forget_bands(context.workspace.root)
        return report


def _plan(context: StageContext, request: FolderRequest) -> _Plan:
    limits = duplicate_limits(context)
    settings = context.settings.near_duplicate
    compared = [tier for tier in limits.tiers if tier != "exact"]
    encoders: dict[Tier, EncoderSpec] = {}
    if "semantic" in limits.tiers:
        encoders["semantic"] = main_encoder_spec(context.settings.embed.encoder)
    if "extra" in limits.tiers:
        encoders["extra"] = encoder_spec(settings.extra_encoder or "")
    if request.floor is not None and not encoders:
        raise InputError("--floor is for comparisons by embeddings, which --tiers leaves out")
    device = own_device(context) if encoders else "cpu"
    return _Plan(
        source=open_source(request.images),
        other=None if request.against is None else open_source(request.against),
        look=LookPlan(encoders, "perceptual" in limits.tiers, "exact" in limits.tiers),
        compare=Comparisons(
            limits=tuple(_tier_limits(limits, tier, request.floor) for tier in compared),
            review_radius=limits.review_radius,
            options=SearchOptions(0.0, settings.mode, settings.min_recall, device),
        ),
    )


def _tier_limits(limits: DuplicateLimits, tier: Tier, floor: float | None) -> TierLimits:
    limit, review = limits.similarity_limits(tier)
    if floor is None or tier == "perceptual":
        floor = review
    elif floor > review:
        raise InputError(
            f"--floor {floor:g} is above {review:g}, the review limit of the tier {tier}; lower it"
        )
    return TierLimits(tier, limit, review, floor, limits.source_of(tier))


def _look(
    context: StageContext, plan: _Plan, folder: OutFolder
) -> tuple[ComparedPictures, ComparedPictures | None]:
    pictures = look_at_source(context, plan.source, plan.look, folder.root)
    if plan.other is None:
        return pictures, None
    other = look_at_source(context, plan.other, plan.look, folder.root / "against")
    if other.seen.failures:
        key, reason = next(iter(other.seen.failures.items()))
        context.reporter.note(
            f"{plan.other.path}: {len(other.seen.failures)} picture(s) cannot be used and are "
            f"compared with nothing, such as {key}: {reason}"
        )
    return pictures, other


def _decide(
    context: StageContext,
    plan: _Plan,
    pictures: ComparedPictures,
    other: ComparedPictures | None,
    phases: Phases,
) -> Outcome:
    with phases.phase("search"):
        within = compare_pictures(context, plan.compare, pictures)
        across = compare_pictures(context, plan.compare, pictures, other) if other else []
    with phases.phase("decide"):
        equal = equal_in_other(pictures, other) if other and plan.look.exact else {}
        against = judge_against(len(pictures.class_of), equal, across)
        decision = _decision(pictures, within, against)
        verdicts = with_copies(joined_verdicts(against, decision), pictures)
    if plan.look.exact:
        within = [equal_found(pictures.equal_pairs()), *within]
    if equal:
        across = [equal_found(pairs_of_equal(equal)), *across]
    with phases.phase("group"):
        present = ~verdicts.of_other
        links = [found.links() for found in within]
        component = components_of(len(present), links, present)
        order = group_order(pictures.priority, verdicts.kept, present)
        groups = duplicate_groups(component, order, _likeness(pictures, within))
    return Outcome(
        inputs=plan.inputs,
        keys=pictures.seen.keys,
        other_keys=None if other is None else other.seen.keys,
        verdicts=verdicts,
        review=review_of(decision, across, verdicts),
        groups=groups,
        dropped_by_components=dropped_by_components(component, order),
        within=within,
        against=None if other is None else across,
        failures=pictures.seen.failures,
        against_failed=0 if other is None else len(other.seen.failures),
        unread=pictures.seen.unread + (0 if other is None else other.seen.unread),
        skipped=plan.source.skipped,
    )


def _decision(
    pictures: ComparedPictures, within: Sequence[TierFound], against: RowVerdicts
) -> DuplicateDecision:
    """Which of the pictures compared are kept, without those dropped against the other set."""
    request = DuplicateRequest(
        count=len(pictures.class_of),
        priority=pictures.priority,
        tiers=[found.to_decide() for found in within],
        absent=np.union1d(np.flatnonzero(~against.kept), pictures.copies),
    )
    return decide_duplicates(request)


def _likeness(pictures: ComparedPictures, within: Sequence[TierFound]) -> Likeness:
    """What the diameters of groups are measured by: embeddings, or else the pairs listed."""
    for array, _ in pictures.embeddings.values():
        return Likeness(within[-1].pairs, ArrayVectors(array))
    return Likeness(within[-1].pairs)
