"""Everything that near-duplicates are judged by: pictures, embeddings, pairs, earlier verdicts.

What is missing is made first. Images that records or pictures rule out are compared with nothing,
unless a person keeps them: a thousand black frames would be half a million pairs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from isekai_gen.embeddings import EmbeddingTable
from isekai_gen.filters.picture_check import PictureCheckFilter
from isekai_gen.neighbors.search import SearchOptions
from isekai_gen.records import Verdict, select_kept
from isekai_gen.settings import Tier
from isekai_gen.shards import read_marker
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.curate import (
    Facts,
    dropped_before,
    gather_facts,
    make_filter,
    require_opened,
    with_context,
)
from isekai_gen.stages.dedupe_background import concept_backgrounds
from isekai_gen.stages.dedupe_comparisons import compare_hashes, compare_vectors
from isekai_gen.stages.edge_comparison import Comparison
from isekai_gen.stages.edge_store import StoredEdges, current_edges
from isekai_gen.stages.embed import embed, load_embeddings
from isekai_gen.stages.judging import Judged, judge, judge_by_records
from isekai_gen.stages.limits import DuplicateLimits
from isekai_gen.stages.looks import look_at_pictures
from isekai_gen.stages.looks_files import STAGE as LOOKS_STAGE
from isekai_gen.stages.looks_files import Looks
from isekai_gen.stages.tile_search import own_device

FILTER = "near_duplicate"
PICTURES = PictureCheckFilter.name


class Clock:
    """How long each phase took.

    Attributes:
        seconds: Phase to seconds.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time what happens inside; a phase may come in several pieces."""
        started = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - started
            self.seconds[name] = self.seconds.get(name, 0.0) + spent


@dataclass(frozen=True, eq=False)
class Encoded:
    """Embeddings, and what made them is called.

    Attributes:
        label: The encoder's label.
        table: Of all images.
    """

    label: str
    table: EmbeddingTable


@dataclass(frozen=True, eq=False)
class DuplicateFacts:
    """What the near-duplicate filter judges by.

    Attributes:
        facts: Complete for that filter.
        stored: Tier to its pairs and how they were found; nothing for the tier exact.
        encoded: "semantic" and "extra", where they are compared, to their embeddings.
        picture_check: What the filter of pictures says.
    """

    facts: Facts
    stored: Mapping[Tier, StoredEdges]
    encoded: Mapping[Tier, Encoded]
    picture_check: Judged


def gather_duplicate_facts(
    context: StageContext, limits: DuplicateLimits, clock: Clock
) -> DuplicateFacts:
    """Look, embed and search whatever is not done yet.

    Writes the verdicts of the filters by records and by pictures. The caller holds the workspace's
    lock.

    Raises:
        InputError: If there are no images, some cannot be opened, or too many pairs are similar.
    """
    with clock.phase("looking"):
        looks = look_at_pictures(context)
        require_opened(looks.failures)
    with clock.phase("embedding"):
        facts = with_context(gather_facts(context), looks=looks.looks)
        encoded = _encoded(context, limits, facts)
    with clock.phase("checking"):
        fresh = judge_by_records(context, facts)
        fresh[PICTURES] = _check_pictures(context, facts)
        verdicts = {name: judged.verdicts for name, judged in fresh.items()}
        compared = _compared(facts, verdicts)
    with clock.phase("searching"):
        comparisons = _comparisons(context, limits, encoded, (looks, compared))
        stored = {tier: current_edges(context, one) for tier, one in comparisons.items()}
        background = _background(facts, compared, limits.relative_quantile)
    facts = with_context(
        facts,
        edges={tier: found.edges for tier, found in stored.items()},
        background=background,
        already_dropped=dropped_before(facts, context.workspace, FILTER, verdicts),
    )
    return DuplicateFacts(facts, stored, encoded, fresh[PICTURES])


def _check_pictures(context: StageContext, facts: Facts) -> Judged:
    judging = make_filter(PICTURES, context.settings.picture_check.model_dump())
    markers = [read_marker(context.workspace, LOOKS_STAGE, part) for part in facts.images]
    digests = [marker.digest for marker in markers if marker is not None]
    return judge(context, facts, judging, {"looks": digests})


def _compared(facts: Facts, verdicts: Mapping[str, Mapping[str, Verdict]]) -> frozenset[str]:
    """Images that none of these filters rules out, or that a person keeps.

    What a person drops is compared all the same: the person may think again.
    """
    _, dropped = select_kept(facts.all_images, verdicts, facts.context.decisions)
    ids = (image.image_id for image in facts.all_images)
    return frozenset(image_id for image_id in ids if dropped.get(image_id) not in verdicts)


def _encoded(context: StageContext, limits: DuplicateLimits, facts: Facts) -> dict[Tier, Encoded]:
    """Tier to its embeddings; embeds with the extra encoder if it is wanted."""
    found: dict[Tier, Encoded] = {}
    if "semantic" in limits.tiers and facts.context.embeddings is not None:
        found["semantic"] = Encoded(facts.embedded.encoder, facts.context.embeddings)
    if "extra" in limits.tiers:
        report = embed(context, context.settings.near_duplicate.extra_encoder)
        require_opened(report.failures)
        found["extra"] = Encoded(report.encoder, load_embeddings(context, report).table)
    return found


def _comparisons(
    context: StageContext,
    limits: DuplicateLimits,
    encoded: Mapping[Tier, Encoded],
    pictures: tuple[Looks, frozenset[str]],
) -> dict[Tier, Comparison]:
    """Tier to how it compares images, for all tiers that list pairs."""
    settings, (looks, compared) = context.settings.near_duplicate, pictures
    options = SearchOptions(
        floor=-1.0,
        mode=settings.mode,
        min_recall=settings.min_recall,
        device=own_device(context),
    )
    found: dict[Tier, Comparison] = {}
    for tier in limits.tiers:
        if tier == "perceptual":
            found[tier] = compare_hashes(looks, compared, limits.review_radius)
        elif tier in encoded:
            label, table = encoded[tier].label, encoded[tier].table
            both = limits.similarity_limits(tier)
            found[tier] = compare_vectors(label, table, compared, both, options)
    return found


def _background(
    facts: Facts, compared: frozenset[str], quantile: float | None
) -> Mapping[str, float]:
    """Concept to the similarity that its semantic duplicates must lie above; empty without rule."""
    table = facts.context.embeddings
    if quantile is None or table is None:
        return {}
    images = [image for image in facts.all_images if image.image_id in compared]
    return concept_backgrounds(images, table, quantile)
