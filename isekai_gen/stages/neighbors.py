"""Neighbor tables: which real classes lie nearest to each concept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isekai_gen.embeddings import EmbeddingTable, normalized
from isekai_gen.errors import ReleaseError
from isekai_gen.hashing import digest_of, file_sha256
from isekai_gen.manifests.neighbor_tables import (
    TABLE_FILES,
    NeighborRow,
    build_neighbor_tables,
    write_neighbor_tables,
)
from isekai_gen.neighbors.reference import ReferenceSet, reference_digest
from isekai_gen.records import ImageRecord
from isekai_gen.shards import DoneMarker, read_marker, write_marker
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.curate import gather_facts
from isekai_gen.stages.fingerprints import fingerprint_of, forget_shard
from isekai_gen.stages.reference_sets import open_reference
from isekai_gen.stages.selection import Selection, select
from isekai_gen.workspace import Workspace

_STAGE = "neighbors"


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
    forget_shard(context.workspace, _STAGE, 0)
    files = write_neighbor_tables(context.workspace.neighbors, tables)
    _mark(context.workspace, selection, reference)
    context.remember_settings("neighbors", "class_overlap")
    return NeighborReport(reference.name, tables.nearest, files)


def require_current_tables(workspace: Workspace, selection: Selection) -> None:
    """Refuse tables that were changed, or that speak of other kept images than there are now.

    Raises:
        ReleaseError: Names the remedy. No tables at all are no fault.
    """
    files = _table_files(workspace)
    if not any(path.exists() for path in files):
        return
    marker = read_marker(workspace, _STAGE, 0)
    if (
        marker is None
        or marker.fingerprint[len(marker.fingerprint) // 2 :] != _inputs_half(selection)
        or not all(path.is_file() for path in files)
        or marker.digest != _files_digest(files)
    ):
        raise ReleaseError(
            f"the tables in {workspace.neighbors} are not those of the images kept now; "
            "run `isekai-gen neighbors` again"
        )


def _mark(workspace: Workspace, selection: Selection, reference: ReferenceSet) -> None:
    fingerprint = fingerprint_of(reference_digest(reference), list(selection.kept))
    digest = _files_digest(_table_files(workspace))
    write_marker(workspace, DoneMarker(_STAGE, 0, fingerprint, {}, digest))


def _inputs_half(selection: Selection) -> str:
    whole = fingerprint_of("", list(selection.kept))
    return whole[len(whole) // 2 :]


def _table_files(workspace: Workspace) -> list[Path]:
    return [workspace.neighbors / name for name in TABLE_FILES]


def _files_digest(files: Sequence[Path]) -> str:
    return digest_of([file_sha256(path) for path in files])


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
