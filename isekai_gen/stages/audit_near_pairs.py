"""Pairs of kept images near a limit of near-duplicates, from the edges on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from isekai_gen.neighbors.edge_files import read_edges
from isekai_gen.neighbors.edges import EdgeList
from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.records import ImageRecord
from isekai_gen.settings import Tier
from isekai_gen.shards import read_marker
from isekai_gen.stages.calibrate_near_misses import scope_of
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.edge_labels import edge_labels
from isekai_gen.stages.edge_store import edge_part_files, edges_stage
from isekai_gen.stages.limits import duplicate_limits


@dataclass(frozen=True)
class NearPair:
    """Two kept images that a tier finds alike enough to look at.

    Attributes:
        images: Their ids, ascending.
        tier: Which comparison.
        similarity: By it.
        limit: Above it they would be duplicates, but for the relative rule and people.
        band: "above the limit", "review band" or "below the review band".
    """

    images: tuple[str, str]
    tier: Tier
    similarity: float
    limit: float
    band: str


def near_pairs(context: StageContext, kept: Sequence[ImageRecord]) -> Iterator[NearPair]:
    """Kept pairs above the review limit, and in a band as wide below it.

    Pairs are listed down to the floor of the edges on disk, which may lie above that band. A pair
    counts for the first tier that has it. Pairs across scopes are never compared.

    Args:
        context: The workspace.
        kept: The kept images.

    Raises:
        InputError: If limits contradict each other.
        ChecksumError: If an edge file is damaged.
    """
    limits = duplicate_limits(context)
    concepts = {c.slug: c for c in load_catalog(context.workspace.catalog_file).concepts}
    scopes = {image.image_id: scope_of(image, concepts, limits.within) for image in kept}
    seen: set[tuple[str, str]] = set()
    for tier in limits.tiers:
        if tier == "exact":
            continue
        limit, review = limits.similarity_limits(tier)
        for images, similarity in _listed(context, tier, sorted(scopes), 2.0 * review - limit):
            if images in seen or scopes[images[0]] != scopes[images[1]]:
                continue
            seen.add(images)
            band = "review band" if similarity > review else "below the review band"
            band = "above the limit" if similarity > limit else band
            yield NearPair(images, tier, similarity, limit, band)


def _listed(
    context: StageContext, tier: Tier, ids: Sequence[str], above: float
) -> Iterator[tuple[tuple[str, str], float]]:
    """Pairs on disk above a similarity, with it."""
    for edges in _parts(context, tier, ids):
        similarity = edges.pairs.similarity.astype(np.float64)
        for place in np.flatnonzero(similarity > above).tolist():
            first, second = int(edges.pairs.row_a[place]), int(edges.pairs.row_b[place])
            yield (edges.ids[first], edges.ids[second]), float(similarity[place])


def _parts(context: StageContext, tier: Tier, ids: Sequence[str]) -> Iterator[EdgeList]:
    """The committed parts of a tier's edges."""
    label = edge_labels(context.settings)[tier]
    stage = edges_stage(label)
    for part in context.workspace.parts(f"done/{stage}", ".json"):
        if read_marker(context.workspace, stage, part) is not None:
            edges, _ = read_edges(edge_part_files(context.workspace, label, part)[0], ids)
            yield edges
