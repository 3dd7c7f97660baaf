"""Similar pairs of a workspace's images, kept on disk and grown by what is new.

edges/<encoder>/part-00000.parquet          pairs (`neighbors/edge_files.py`)
edges/<encoder>/part-00000.images.parquet   which images' vectors the part covers

A part lists the pairs of the images that it covers first, with each other and with those that
earlier parts cover. So more images cost only themselves against all. An image that is not there
when a part is made is no longer covered: it counts as new when it comes back, and so does one whose
vector changed. Parts form a chain: the fingerprint of each holds the digest of the one before.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isekai_gen.hashing import digest_of, file_sha256
from isekai_gen.neighbors.edge_files import (
    joined_edges,
    read_covered,
    read_edges,
    write_covered,
    write_edges,
)
from isekai_gen.neighbors.edges import EdgeList
from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.search import SearchReport
from isekai_gen.neighbors.similarity import IndexArray
from isekai_gen.shards import DoneMarker, read_marker, write_marker
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.edge_comparison import Comparison, SearchWork
from isekai_gen.stages.fingerprints import fingerprint_of, forget_stage
from isekai_gen.workspace import Workspace, folder_name


@dataclass(frozen=True, eq=False)
class StoredEdges:
    """The pairs of the images there are now.

    Attributes:
        edges: Over the ids of the comparison.
        report: How they were found, by all searches together.
        digest: Of the parts they come from.
        searched: Images that were compared with the others just now.
    """

    edges: EdgeList
    report: SearchReport
    digest: str
    searched: int


@dataclass(frozen=True, eq=False)
class _Part:
    """One part, its pairs in rows of the ids there are now."""

    edges: EdgeList
    report: SearchReport
    covered: Mapping[str, bytes | None]
    digest: str


def edges_stage(label: str) -> str:
    """Name of the stage that lists pairs, for done-markers."""
    return f"edges/{folder_name(label)}"


def edge_part_files(workspace: Workspace, label: str, part: int) -> tuple[Path, Path]:
    """Pairs and covered images of one part."""
    folder = edges_stage(label)
    return (
        workspace.part(folder, part, ".parquet"),
        workspace.part(folder, part, ".images.parquet"),
    )


def _unfinished(workspace: Workspace, label: str) -> Path:
    """Where a search keeps what it has finished until its part is committed."""
    return workspace.edges(label) / "unfinished"


def current_edges(context: StageContext, comparison: Comparison) -> StoredEdges:
    """The pairs of the images there are now; searches what no part covers yet.

    The caller holds the workspace's lock.

    Raises:
        InputError: If more pairs than allowed reach the floor.
        ChecksumError: If a done-marker is damaged.
    """
    parts = _read_parts(context, comparison)
    if not all(_serves(part, comparison) for part in parts):
        _start_over(context.workspace, comparison.label)
        parts = []
    since = _covered_since(parts, comparison)
    new = np.flatnonzero(since < 0)
    if len(new) or not parts:
        parts.append(_add_part(context, comparison, parts, since))
        since[new] = len(parts) - 1
    floor = max(part.edges.floor for part in parts)
    current = [_still_true(part.edges, since, number) for number, part in enumerate(parts)]
    return StoredEdges(
        edges=joined_edges(current, floor),
        report=_joined_report(parts),
        digest=digest_of([part.digest for part in parts]),
        searched=len(new),
    )


def _read_parts(context: StageContext, comparison: Comparison) -> list[_Part]:
    """The whole parts of the chain; what follows a damaged one is not used."""
    parts: list[_Part] = []
    workspace, label = context.workspace, comparison.label
    while True:
        number = len(parts)
        files = edge_part_files(workspace, label, number)
        marker = read_marker(workspace, edges_stage(label), number)
        if marker is None or marker.fingerprint != _fingerprint(comparison, parts):
            return parts
        if not all(path.is_file() for path in files) or marker.digest != _digest(files):
            context.reporter.note(
                f"{files[0]} or its images are missing or damaged: searched again"
            )
            return parts
        edges, report = read_edges(files[0], comparison.ids)
        parts.append(_Part(edges, report, read_covered(files[1]), marker.digest))


def _fingerprint(comparison: Comparison, before: Sequence[_Part]) -> str:
    previous = before[-1].digest if before else ""
    return fingerprint_of(comparison.identity, [len(before), previous])


def _digest(files: tuple[Path, Path]) -> str:
    return digest_of([file_sha256(path) for path in files])


def _serves(part: _Part, comparison: Comparison) -> bool:
    low_enough = part.edges.floor <= comparison.highest_floor
    return low_enough and comparison.accepts(part.report)


def _start_over(workspace: Workspace, label: str) -> None:
    """Forget every part, the first one first: without it no other counts."""
    stage = edges_stage(label)
    forget_stage(workspace, stage)
    for part in workspace.parts(stage, ".parquet"):
        for path in edge_part_files(workspace, label, part):
            path.unlink(missing_ok=True)


def _covered_since(parts: Sequence[_Part], comparison: Comparison) -> IndexArray:
    """For each image the part that covers its vector as it is now; -1 if none does."""
    since: dict[str, tuple[int, bytes]] = {}
    for number, part in enumerate(parts):
        for image_id, digest in part.covered.items():
            if digest is None:
                since.pop(image_id, None)
            else:
                since[image_id] = (number, digest)
    nowhere = (-1, b"")
    found = (since.get(image_id, nowhere) for image_id in comparison.ids)
    return np.array(
        [
            number if digest == now else -1
            for (number, digest), now in zip(found, comparison.digests, strict=True)
        ],
        dtype=np.int64,
    )


def _still_true(edges: EdgeList, since: IndexArray, number: int) -> EdgeList:
    """The pairs of a part whose two images are covered by it or by earlier ones."""
    pairs = edges.pairs
    keep = (since[pairs.row_a] <= number) & (since[pairs.row_b] <= number)
    kept = PairList(pairs.row_a[keep], pairs.row_b[keep], pairs.similarity[keep])
    return EdgeList(edges.ids, kept, edges.floor, edges.encoder, edges.recall)


def _add_part(
    context: StageContext, comparison: Comparison, parts: Sequence[_Part], since: IndexArray
) -> _Part:
    """Search what is new against all, and commit it."""
    new, old = np.flatnonzero(since < 0), np.flatnonzero(since >= 0)
    floor = max([comparison.listing_floor(), *(part.edges.floor for part in parts)])
    folder = _unfinished(context.workspace, comparison.label)
    with context.reporter.task("Finding similar pairs", len(new)) as advance:
        pairs, report = comparison.search(new, old, floor, SearchWork(context, folder, advance))
    edges = EdgeList(comparison.ids, pairs, floor, comparison.identity, report.recall)
    covered: dict[str, bytes | None] = {
        image_id: None for part in parts for image_id in part.covered
    }
    for image_id in comparison.ids:
        covered.pop(image_id, None)
    covered |= {comparison.ids[row]: comparison.digests[row] for row in new.tolist()}
    digest = _commit(context.workspace, comparison, parts, (edges, report, covered))
    if folder.exists():
        shutil.rmtree(folder)
    return _Part(edges, report, covered, digest)


def _commit(
    workspace: Workspace,
    comparison: Comparison,
    before: Sequence[_Part],
    content: tuple[EdgeList, SearchReport, Mapping[str, bytes | None]],
) -> str:
    """Write a part, its marker last; returns its digest."""
    edges, report, covered = content
    files = edge_part_files(workspace, comparison.label, len(before))
    write_edges(files[0], edges, report)
    write_covered(files[1], covered)
    marker = DoneMarker(
        stage=edges_stage(comparison.label),
        part=len(before),
        fingerprint=_fingerprint(comparison, before),
        counts={"edges": len(edges), "images": sum(one is not None for one in covered.values())},
        digest=_digest(files),
    )
    write_marker(workspace, marker)
    return marker.digest


def _joined_report(parts: Sequence[_Part]) -> SearchReport:
    """What all searches did together, but for their recall, which the edges carry."""
    reports = [part.report for part in parts]
    asked = [report.min_recall for report in reports if report.min_recall is not None]
    return SearchReport(
        mode="exact" if all(report.complete for report in reports) else "approximate",
        method="; ".join(dict.fromkeys(report.method for report in reports)),
        why="; ".join(dict.fromkeys(report.why for report in reports)),
        candidates=sum(report.candidates for report in reports),
        min_recall=min(asked, default=None),
    )
