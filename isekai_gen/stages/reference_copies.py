"""Find the reference images most similar to every image, shard by shard.

What was found is kept (`reference_matches`), so that images added later cost only themselves, and
another limit costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isekai_gen.errors import InputError
from isekai_gen.filters.base import Evidence
from isekai_gen.filters.reference_copy import ReferenceCopyFilter
from isekai_gen.hashing import file_sha256
from isekai_gen.neighbors.nearest import search_nearest
from isekai_gen.neighbors.reference_images import open_images
from isekai_gen.neighbors.vectors import ArrayVectors
from isekai_gen.records import ImageRecord
from isekai_gen.shards import DoneMarker, is_whole, read_marker, write_marker
from isekai_gen.stages.calibration_files import read_calibration
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.curate import Facts
from isekai_gen.stages.embedding_files import embed_stage
from isekai_gen.stages.fingerprints import fingerprint_of, forget_shard
from isekai_gen.stages.reference_matches import (
    NEAREST,
    floor_of,
    match_table,
    read_best,
    write_matches,
)
from isekai_gen.stages.reference_sets import ImageReference
from isekai_gen.stages.tile_search import own_device
from isekai_gen.workspace import Workspace, folder_name

# Searched at once: each search reads the whole reference set.
_IMAGES_AT_ONCE = 65_536


@dataclass(frozen=True)
class StoredMatches:
    """Where the matches with one reference set lie.

    Attributes:
        reference: The set.
        folder: For `Workspace.part`.
    """

    reference: ImageReference
    folder: str

    @property
    def stage(self) -> str:
        """Name of the stage, for done-markers."""
        return f"reference-copies/{self.folder.rpartition('/')[2]}"


def copy_filter(context: StageContext, encoder: str) -> ReferenceCopyFilter:
    """The filter with its limits: those of the settings, else calibrated, else the defaults.

    The calibrated limits are the semantic ones of near-duplicates, for the same encoder: a copy is
    a near-duplicate of a real image.

    Args:
        context: The workspace and its settings.
        encoder: Identity of the encoder in use.

    Raises:
        InputError: If a limit is out of range.
    """
    said = context.settings.reference_copy
    calibration = read_calibration(context.workspace)
    calibrated = (calibration.limits_for("semantic", encoder) if calibration else None) or {}
    defaults = ReferenceCopyFilter()
    highest = said.max_similarity
    if highest is None:
        highest = calibrated.get("max_similarity", defaults.max_similarity)
    review = said.review_similarity
    if review is None:
        # A limit that someone lowered takes the review limit that nobody chose along.
        found = calibrated.get("review_similarity", defaults.review_similarity)
        review = min(found, highest)
    try:
        return ReferenceCopyFilter(highest, review)
    except ValueError as error:
        raise InputError(f"reference_copy: {error}") from error


def find_matches(
    context: StageContext, facts: Facts, references: Sequence[ImageReference], floor: float
) -> list[StoredMatches]:
    """Search what was not searched yet; the caller holds the workspace's lock.

    Args:
        context: The workspace.
        facts: The images and their embeddings.
        references: Sets with images.
        floor: Every reference image at or above this similarity is listed.

    Raises:
        InputError: If more pairs than fit the memory reach the floor.
        ChecksumError: If a reference set is damaged.
    """
    return [_match_with(context, facts, reference, floor) for reference in references]


def copies_of(
    workspace: Workspace, parts: Sequence[int], stored: Sequence[StoredMatches]
) -> dict[str, Evidence]:
    """Image id to the most similar image of all reference sets; 1 for an equal one.

    Of equally similar images, that of the set named first counts.
    """
    found: dict[str, Evidence] = {}
    for matches in stored:
        name = matches.reference.reference.name
        for part in parts:
            rows = read_best(workspace.part(matches.folder, part, ".parquet"))
            for image_id, key, similarity, equal in rows:
                measured = 1.0 if equal else similarity
                if image_id not in found or measured > found[image_id].measured:
                    found[image_id] = Evidence(measured, f"{name}/{key}")
    return found


def _match_with(
    context: StageContext, facts: Facts, reference: ImageReference, floor: float
) -> StoredMatches:
    workspace = context.workspace
    name = folder_name(f"{reference.reference.name}-{reference.digest[:12]}")
    stored = StoredMatches(reference, f"neighbors/{name}")
    prints = _fingerprints(workspace, facts, reference)
    todo = {
        part: images
        for part, images in facts.images.items()
        if images and not _is_current(workspace, stored, part, prints[part], floor)
    }
    if not todo:
        return stored
    total = sum(map(len, todo.values()))
    with context.reporter.task(f"Comparing with {reference.reference.name}", total) as advance:
        references = open_images(reference.folder, reference.reference)
        device = own_device(context)
        for batch in _batches(todo):
            images = [image for part in batch for image in todo[part]]
            vectors = _vectors(facts, images)
            k = min(NEAREST, references.vectors.shape[0])
            found = search_nearest(
                ArrayVectors(vectors), references.vectors, k, floor, device=device, advance=advance
            )
            table = match_table(images, vectors, references, found)
            _write_parts(workspace, stored, batch, todo, (table, floor), prints)
    return stored


def _write_parts(
    workspace: Workspace,
    stored: StoredMatches,
    batch: Sequence[int],
    images: Mapping[int, Sequence[ImageRecord]],
    found: tuple[Any, float],
    prints: Mapping[int, str],
) -> None:
    """Cut the rows of a batch into those of its shards and commit each.

    Args:
        workspace: Where.
        stored: Of which reference set.
        batch: The shards, in the order their images were searched.
        images: Shard to its images.
        found: The table of the batch, rows by image, and its floor.
        prints: Shard to fingerprint.
    """
    import pyarrow.compute

    table, floor = found
    for part in batch:
        wanted = pyarrow.array([image.image_id for image in images[part]])
        mine = table.filter(pyarrow.compute.is_in(table["image_id"], value_set=wanted))
        path = workspace.part(stored.folder, part, ".parquet")
        forget_shard(workspace, stored.stage, part)
        write_matches(path, mine, floor)
        counts = {"images": len(images[part]), "rows": mine.num_rows}
        write_marker(
            workspace, DoneMarker(stored.stage, part, prints[part], counts, file_sha256(path))
        )


def _fingerprints(workspace: Workspace, facts: Facts, reference: ImageReference) -> dict[int, str]:
    """Shard to what its matches depend on: reference and encoder; embeddings and digests."""
    stage = embed_stage(facts.embedded.encoder)
    prints = {}
    for part in facts.images:
        marker = read_marker(workspace, stage, part)
        inputs = [marker.digest if marker else "", file_sha256(workspace.part("records", part))]
        prints[part] = fingerprint_of([reference.digest, facts.embedded.digest, NEAREST], inputs)
    return prints


def _is_current(
    workspace: Workspace, stored: StoredMatches, part: int, fingerprint: str, floor: float
) -> bool:
    marker = read_marker(workspace, stored.stage, part)
    path = workspace.part(stored.folder, part, ".parquet")
    return (
        marker is not None
        and marker.fingerprint == fingerprint
        and is_whole(path, marker)
        and floor_of(path) <= floor
    )


def _batches(images: Mapping[int, Sequence[ImageRecord]]) -> Iterator[list[int]]:
    """Shards whose images are searched together."""
    batch: list[int] = []
    count = 0
    for part, records in images.items():
        if batch and count + len(records) > _IMAGES_AT_ONCE:
            yield batch
            batch, count = [], 0
        batch.append(part)
        count += len(records)
    if batch:
        yield batch


def _vectors(facts: Facts, images: Sequence[ImageRecord]) -> np.ndarray:
    table = facts.context.embeddings
    if table is None:
        raise ValueError("facts without embeddings")
    return table.select([image.image_id for image in images]).vectors
