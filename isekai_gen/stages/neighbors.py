"""Neighbor tables: which real classes lie nearest to each concept, and to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.errors import ReleaseError
from isekai_gen.hashing import digest_of, file_sha256
from isekai_gen.manifests.class_similarity import ConceptEmbeddings
from isekai_gen.manifests.heat_map import require_plots
from isekai_gen.manifests.neighbor_tables import (
    TABLE_FILES,
    NeighborRow,
    build_neighbor_tables,
    write_neighbor_tables,
)
from isekai_gen.neighbors.class_features import (
    ClassFeatures,
    Similarity,
    features_of_reference,
    kind_of_similarity,
)
from isekai_gen.shards import DoneMarker, read_marker, write_marker
from isekai_gen.stages.class_folders import imagenet_class_names
from isekai_gen.stages.class_neighbors import (
    NeighborRequest,
    embed_classes,
    embed_concepts,
)
from isekai_gen.stages.class_neighbors_tables import (
    chosen_similarity,
    draw_heat_maps,
    table_size,
    write_between_classes,
)
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.curate import gather_facts
from isekai_gen.stages.fingerprints import fingerprint_of, forget_shard
from isekai_gen.stages.kept_means import kept_means
from isekai_gen.stages.reference_sets import open_reference
from isekai_gen.stages.reporting import first_few
from isekai_gen.stages.selection import Selection, select
from isekai_gen.workspace import Workspace

_STAGE = "neighbors"
_NO_OPTIONS = NeighborRequest()


@dataclass(frozen=True)
class NeighborReport:
    """What was written.

    Attributes:
        reference: Name of the reference set, the dataset or the names.
        classes: How many classes there are.
        nearest: Rows of the concepts' nearest table; () in a workspace without concepts.
        between_classes: What similarities between classes are; "" if no tables have them.
        files: Paths written.
    """

    reference: str
    classes: int
    nearest: tuple[NeighborRow, ...]
    between_classes: str
    files: Sequence[Path]


def write_neighbors(
    context: StageContext, request: NeighborRequest = _NO_OPTIONS
) -> NeighborReport:
    """Write neighbors/; embeds first if needed. The caller holds the workspace's lock.

    Without concepts there are only the tables of classes among themselves, for which `request` has
    to name a dataset, or names alone.

    Raises:
        InputError: If there are fewer classes than asked for, or options do not fit.
        MissingDependencyError: If pictures are asked for and matplotlib is not installed.
    """
    if request.heat_map:
        require_plots()  # before anything is embedded
    opened = _open(context, request)
    files: list[Path] = []
    rows: tuple[NeighborRow, ...] = ()
    if opened.concepts is not None:
        rows = _write_concept_tables(context, opened, *opened.concepts)
        files += _table_files(context.workspace)
        context.remember_settings("neighbors", "class_overlap")
    between = ""
    if request.between_classes or not request.from_reference:
        between = kind_of_similarity(opened.features, opened.similarity)
        files += write_between_classes(context, opened.features, opened.similarity)
    if request.heat_map:
        folder = context.workspace.neighbors
        files += draw_heat_maps(folder, opened.features, opened.similarity)
    _tell_earlier_files(context, files)
    return NeighborReport(opened.name, len(opened.features.classes), rows, between, files)


@dataclass(frozen=True, eq=False)
class _Opened:
    """Everything that is compared.

    Attributes:
        name: Of the classes together.
        features: The classes.
        similarity: What ranks go by.
        concepts: The kept images and what stands for the concepts; None without concepts.
    """

    name: str
    features: ClassFeatures
    similarity: Similarity
    concepts: tuple[Selection, ConceptEmbeddings] | None = None


def _open(context: StageContext, request: NeighborRequest) -> _Opened:
    if request.from_reference:
        return _open_reference(context, request)
    # Images are judged first: what that refuses should not be found out after a long embedding.
    selection = select(context) if context.workspace.parts("plan") else None
    name, features = embed_classes(context, request)
    similarity = chosen_similarity(context, features)
    if selection is None:
        return _Opened(name, features, similarity)
    concepts = embed_concepts(context, selection, features)
    return _Opened(name, features, similarity, (selection, concepts))


def _open_reference(context: StageContext, request: NeighborRequest) -> _Opened:
    selection = select(context)
    facts = gather_facts(context)
    reference = open_reference(context, facts.embedded)
    embeddings, own_text = facts.context.embeddings, facts.context.own_text
    if embeddings is None or own_text is None:
        raise ValueError("facts without embeddings")
    features = features_of_reference(reference, imagenet_class_names(request.class_map))
    request.require_class_map_of(features.classes)
    if request.between_classes:  # before the tables of the concepts are replaced
        table_size(context).check(len(features.classes) - 1, "each class")
    concepts = ConceptEmbeddings(own_text, kept_means(embeddings, selection.kept_by_concept()))
    similarity = chosen_similarity(context, features)
    return _Opened(reference.name, features, similarity, (selection, concepts))


def _write_concept_tables(
    context: StageContext, opened: _Opened, selection: Selection, concepts: ConceptEmbeddings
) -> tuple[NeighborRow, ...]:
    """Write the tables of the concepts and commit them; returns the rows of the nearest one."""
    workspace = context.workspace
    tables = build_neighbor_tables(
        selection.catalog.concepts,
        concepts,
        opened.features,
        opened.similarity,
        table_size(context),
    )
    _tell_concepts_without_images(context, selection, opened.features)
    forget_shard(workspace, _STAGE, 0)
    files = write_neighbor_tables(workspace.neighbors, tables)
    fingerprint = fingerprint_of(opened.features.digest(), list(selection.kept))
    write_marker(workspace, DoneMarker(_STAGE, 0, fingerprint, {}, _files_digest(files)))
    return tables.nearest


def _tell_earlier_files(context: StageContext, written: Sequence[Path]) -> None:
    """Say which tables and pictures of classes an earlier run left, perhaps of another dataset."""
    folder = context.workspace.neighbors
    there = {*folder.glob("classes-*.*"), *folder.glob("heat-map-*.png")}
    earlier = sorted(path.name for path in there.difference(written))
    if earlier:
        context.reporter.note(
            f"{len(earlier)} file(s) in {folder} are those of an earlier run: {first_few(earlier)}"
        )


def _tell_concepts_without_images(
    context: StageContext, selection: Selection, features: ClassFeatures
) -> None:
    kept = selection.kept_by_concept()
    bare = [each.slug for each in selection.catalog.concepts if not kept.get(each.slug)]
    if bare and features.images is not None:
        context.reporter.note(
            f"{len(bare)} concept(s) have no kept image: their ranks go by names alone "
            f"(cosine-text): {first_few(bare)}"
        )


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


def _inputs_half(selection: Selection) -> str:
    whole = fingerprint_of("", list(selection.kept))
    return whole[len(whole) // 2 :]


def _table_files(workspace: Workspace) -> list[Path]:
    return [workspace.neighbors / name for name in TABLE_FILES]


def _files_digest(files: Sequence[Path]) -> str:
    return digest_of([file_sha256(path) for path in files])
