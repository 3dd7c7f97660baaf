"""Which kept images lie so near each other that they belong together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from isekai_gen.neighbors.groups import component_of
from isekai_gen.neighbors.similarity import IndexArray
from isekai_gen.records import last_decisions
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.decisions import read_decisions
from isekai_gen.stages.dedupe_facts import FILTER, Clock, DuplicateFacts, gather_duplicate_facts
from isekai_gen.stages.limits import DuplicateLimits, duplicate_limits
from isekai_gen.stages.selection import Selection
from isekai_gen.workspace import Workspace


@dataclass(frozen=True, eq=False)
class KnownDuplicates:
    """What a search for near-duplicates found.

    Attributes:
        facts: Pairs and what they were found by.
        limits: In force.
    """

    facts: DuplicateFacts
    limits: DuplicateLimits


def known_duplicates(context: StageContext) -> KnownDuplicates | None:
    """What dedupe found among the images; None if it never ran.

    The caller holds the workspace's lock.
    """
    workspace = context.workspace
    if not workspace.parts(workspace.verdicts(FILTER)):
        return None
    limits = duplicate_limits(context)
    return KnownDuplicates(gather_duplicate_facts(context, limits, Clock()), limits)


def max_similarities(selection: Selection, duplicates: KnownDuplicates | None) -> dict[str, float]:
    """Id of a kept image to its similarity to the most similar other one, by the main encoder.

    Images without a listed pair of two kept ones are left out.
    """
    found = None if duplicates is None else duplicates.facts.stored.get("semantic")
    if found is None:
        return {}
    edges = found.edges.select(selection.kept)
    highest = np.full(len(edges.ids), -np.inf)
    for rows in (edges.pairs.row_a, edges.pairs.row_b):
        np.maximum.at(highest, rows, edges.pairs.similarity.astype(np.float64))
    known = np.flatnonzero(np.isfinite(highest)).tolist()
    return {edges.ids[row]: float(highest[row]) for row in known}


def joined_duplicates(
    workspace: Workspace, selection: Selection, duplicates: KnownDuplicates | None
) -> dict[str, str]:
    """Id of every kept image to the least id of those that it is joined with.

    Two kept images are joined by equal bytes or pixels, by a person who called them duplicates,
    and by any comparison that puts them at or above its review limit, of one concept or not: what
    stays together when images are divided has to be more than what is dropped. A chain of such
    pairs joins as well.
    """
    ids = sorted(selection.kept)
    row_of = {image_id: row for row, image_id in enumerate(ids)}
    linked = [
        _equal_images(selection, row_of),
        _marked_pairs(workspace, row_of),
        *_near_pairs(ids, duplicates),
    ]
    row_a, row_b = (np.concatenate(rows) for rows in zip(*linked, strict=True))
    component = component_of(len(ids), row_a, row_b)
    return {image_id: ids[least] for image_id, least in zip(ids, component.tolist(), strict=True)}


def count_equal_pairs(selection: Selection, ids: Iterable[str]) -> int:
    """How many pairs of these images have equal bytes or pixels."""
    row_of = {image_id: row for row, image_id in enumerate(ids)}
    component = component_of(len(row_of), *_equal_images(selection, row_of))
    sizes = np.bincount(component)
    return int((sizes * (sizes - 1) // 2).sum())


def _equal_images(selection: Selection, row_of: Mapping[str, int]) -> tuple[IndexArray, IndexArray]:
    rows_by_digest: dict[str, list[int]] = {}
    for record in selection.records:
        if record.image_id in row_of:
            for digest in (record.file_sha256, f"pixels {record.pixel_sha256}"):
                rows_by_digest.setdefault(digest, []).append(row_of[record.image_id])
    return _as_rows([pair for rows in rows_by_digest.values() for pair in pairwise(rows)])


def _marked_pairs(workspace: Workspace, row_of: Mapping[str, int]) -> tuple[IndexArray, IndexArray]:
    decisions = last_decisions(read_decisions(workspace)).values()
    pairs = [each.images for each in decisions if each.choice == "duplicate"]
    return _as_rows(
        [(row_of[one], row_of[other]) for one, other in pairs if {one, other} <= row_of.keys()]
    )


def _near_pairs(
    ids: Sequence[str], duplicates: KnownDuplicates | None
) -> list[tuple[IndexArray, IndexArray]]:
    if duplicates is None:
        return []
    row_of = {image_id: row for row, image_id in enumerate(ids)}
    found = []
    for tier, stored in duplicates.facts.stored.items():
        edges = stored.edges.select(ids)
        rows = np.array([row_of[image_id] for image_id in edges.ids], dtype=np.int64)
        _, review_limit = duplicates.limits.similarity_limits(tier)
        near = edges.pairs.similarity.astype(np.float64) >= review_limit
        found.append((rows[edges.pairs.row_a[near]], rows[edges.pairs.row_b[near]]))
    return found


def _as_rows(pairs: Sequence[tuple[int, int]]) -> tuple[IndexArray, IndexArray]:
    rows = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]
