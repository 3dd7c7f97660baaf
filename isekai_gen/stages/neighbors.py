"""Neighbor tables: which real classes lie nearest to each concept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isekai_gen.embeddings import EmbeddingTable, normalized
from isekai_gen.manifests.neighbor_tables import (
    NeighborRow,
    build_neighbor_tables,
    write_neighbor_tables,
)
from isekai_gen.records import ImageRecord
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.curate import gather_facts
from isekai_gen.stages.overlap import open_reference
from isekai_gen.stages.selection import select


@dataclass(frozen=True)
class NeighborReport:
    """What was written.

    Attributes:
        reference: Name of the reference set.
        nearest: Rows of the nearest table.
        files: Paths written.
    """

    reference: str
    nearest: tuple[NeighborRow, ...]
    files: Sequence[Path]


def write_neighbors(context: StageContext) -> NeighborReport:
    """Write neighbors/; embeds first if needed. The caller holds the workspace's lock.

    Raises:
        InputError: If the reference set has fewer classes than asked for.
    """
    settings = context.settings.neighbors
    selection = select(context)
    facts = gather_facts(context)
    reference = open_reference(context, facts.embedded)
    embeddings, own_text = facts.context.embeddings, facts.context.own_text
    if embeddings is None or own_text is None:
        raise ValueError("facts without embeddings")
    tables = build_neighbor_tables(
        selection.catalog.concepts,
        _means(embeddings, selection.kept_by_concept()),
        own_text,
        reference,
        settings.nearest,
        settings.bins,
        seed=context.settings.generate.seed,
    )
    files = write_neighbor_tables(context.workspace.neighbors, tables)
    context.remember_settings()
    return NeighborReport(reference.name, tables.nearest, files)


def _means(
    embeddings: EmbeddingTable, kept: Mapping[str, Sequence[ImageRecord]]
) -> EmbeddingTable | None:
    """Concept slug to the normalized mean embedding of its kept images; None if none is kept."""
    means = {
        slug: embeddings.select([image.image_id for image in images])
        .vectors.astype(np.float64)
        .mean(axis=0)
        for slug, images in kept.items()
        if images
    }
    if not means:
        return None
    return EmbeddingTable(
        tuple(means), normalized(np.stack(list(means.values()))), embeddings.encoder
    )
