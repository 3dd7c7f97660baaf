"""Find near-duplicates among the generated images, and judge which to keep."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from isekai_gen.filters.base import ImageFilter
from isekai_gen.hashing import digest_of, file_sha256
from isekai_gen.neighbors.edge_files import read_edges, write_edges
from isekai_gen.neighbors.edges import EdgeList, find_edges
from isekai_gen.neighbors.groups import count_dropped_by_components
from isekai_gen.settings import NearDuplicateSettings
from isekai_gen.shards import DoneMarker, is_whole, read_marker, write_marker
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.curate import (
    Facts,
    dropped_before,
    gather_facts,
    make_filter,
    with_context,
)
from isekai_gen.stages.embedding_files import embed_stage
from isekai_gen.stages.fingerprints import fingerprint_of
from isekai_gen.stages.judging import VerdictReport, decide, judge_by_records
from isekai_gen.workspace import Workspace, folder_name

FILTER = "near_duplicate"
DEFAULT_MAX_SIMILARITY = 0.95
# Edges are listed below the limit in force, so that another limit needs no new search.
_FLOOR_BELOW_LIMIT = 0.1
_HIGHEST_FLOOR = 0.85


@dataclass(frozen=True)
class DedupeReport:
    """What dedupe found and decided.

    Attributes:
        verdicts: The filter's report.
        edges: Pairs listed.
        floor: Lowest similarity listed.
        max_similarity: The limit in force.
        dropped_by_components: What dropping all but one of each connected group would drop.
    """

    verdicts: VerdictReport
    edges: int
    floor: float
    max_similarity: float
    dropped_by_components: int


def limit_of(settings: NearDuplicateSettings) -> float:
    """The limit in force."""
    limit = settings.max_similarity
    return DEFAULT_MAX_SIMILARITY if limit is None else limit


def duplicate_filter(settings: NearDuplicateSettings) -> ImageFilter:
    """The near-duplicate filter with its limits; InputError if one is out of range."""
    limits = {"max_similarity": limit_of(settings), "within": settings.within}
    return make_filter(FILTER, limits)


def dedupe(context: StageContext) -> DedupeReport:
    """Verdicts of the near-duplicate filter and of those by records.

    Embeds and searches first if needed.

    The caller holds the workspace's lock.
    """
    settings = context.settings.near_duplicate
    limit = limit_of(settings)
    judging = duplicate_filter(settings)
    facts = gather_facts(context)
    judge_by_records(context, facts)
    edges = _edges(context, facts, limit)
    before = dropped_before(facts, context.workspace, FILTER)
    facts = with_context(facts, edges=edges, already_dropped=before)
    report = decide(
        context, facts, judging, {"edges": file_sha256(edges_file(context.workspace, facts))}
    )
    context.remember_settings("near_duplicate")
    candidates = [image.image_id for image in facts.all_images if image.image_id not in before]
    return DedupeReport(
        verdicts=report,
        edges=len(edges),
        floor=edges.floor,
        max_similarity=limit,
        dropped_by_components=count_dropped_by_components(candidates, edges, limit),
    )


def edges_file(workspace: Workspace, facts: Facts) -> Path:
    """The Parquet file of all pairs of an encoder."""
    return workspace.edges(facts.embedded.encoder) / "all.parquet"


def read_stored_edges(context: StageContext, facts: Facts) -> EdgeList | None:
    """The edges on disk if they are whole and of these embeddings, else None."""
    workspace = context.workspace
    path = edges_file(workspace, facts)
    marker = read_marker(workspace, _stage(facts), 0)
    if marker is None or marker.fingerprint != _fingerprint(workspace, facts):
        return None
    if not is_whole(path, marker):
        context.reporter.note(f"{path} is missing or damaged: similar pairs are searched again")
        return None
    return read_edges(path)


def _edges(context: StageContext, facts: Facts, limit: float) -> EdgeList:
    stored = read_stored_edges(context, facts)
    if stored is not None and stored.floor <= limit:
        return stored
    table = facts.context.embeddings
    if table is None:
        raise ValueError("facts without embeddings")
    floor = max(-1.0, min(limit - _FLOOR_BELOW_LIMIT, _HIGHEST_FLOOR))
    with context.reporter.task("Finding similar pairs", len(table)) as advance:
        edges = find_edges(table, floor, context.settings.near_duplicate.search)
        advance(len(table))
    path = edges_file(context.workspace, facts)
    write_edges(path, edges)
    marker = DoneMarker(
        stage=_stage(facts),
        part=0,
        fingerprint=_fingerprint(context.workspace, facts),
        counts={"edges": len(edges)},
        digest=file_sha256(path),
    )
    write_marker(context.workspace, marker)
    return edges


def _stage(facts: Facts) -> str:
    return f"edges/{folder_name(facts.embedded.encoder)}"


def _fingerprint(workspace: Workspace, facts: Facts) -> str:
    """Edges depend on the embeddings alone; the floor is in their file."""
    stage = embed_stage(facts.embedded.encoder)
    markers = [read_marker(workspace, stage, part) for part in facts.images]
    digests = [marker.digest for marker in markers if marker is not None]
    ids = [image.image_id for image in facts.all_images]
    return fingerprint_of(facts.embedded.digest, [digests, digest_of(ids)])
