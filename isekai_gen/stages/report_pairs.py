"""Similarities of pairs as histograms: those that `dedupe` listed, and a sample of all.

Pairs are counted apart within a concept and across concepts: two images of one concept are meant to
be alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from isekai_gen.embeddings import FloatArray
from isekai_gen.neighbors.edge_files import joined_edges, read_covered, read_edges
from isekai_gen.neighbors.edges import EdgeList
from isekai_gen.neighbors.pairs import PairList
from isekai_gen.stages.edge_store import edge_part_files, edges_stage
from isekai_gen.stages.embedding_files import read_shard
from isekai_gen.stages.report_images import ReportImages
from isekai_gen.workspace import Workspace

_BITS = 64  # of a perceptual hash: its similarities are multiples of 1/64
_LISTED_BINS, _SAMPLE_BINS = 30, 60
_DECIMALS = 6  # the last bits of a product of matrices depend on the machine


@dataclass(frozen=True)
class Histogram:
    """Numbers of pairs by similarity.

    Attributes:
        edges: Ends of the bins, one more than bins; the last bin has its upper end.
        within: Pairs of one concept in each bin.
        across: Pairs of two concepts in each bin.
    """

    edges: tuple[float, ...]
    within: tuple[int, ...]
    across: tuple[int, ...]

    @property
    def pairs(self) -> tuple[int, int]:
        """All pairs within, and across."""
        return sum(self.within), sum(self.across)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


@dataclass(frozen=True)
class TierPairs:
    """Pairs by one tier's similarity.

    Attributes:
        listed: All pairs from the floor up, as far as they are on disk.
        sample: Pairs of `sampled` images; None where there are no embeddings to take them from.
        sampled: Images whose pairs with each other are the sample.
    """

    listed: Histogram
    sample: Histogram | None
    sampled: int

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "listed": self.listed.to_json(),
            "sample": None if self.sample is None else self.sample.to_json(),
            "sampled_images": self.sampled,
        }


def tier_pairs(
    workspace: Workspace, label: str, images: ReportImages, *, by_bits: bool
) -> TierPairs | None:
    """Histograms of one tier; None if it lists no pairs on disk.

    Args:
        workspace: Where pairs and embeddings are.
        label: What the pairs were compared by, as a folder of edges/ is called.
        images: The images there are.
        by_bits: Whether similarities are those of perceptual hashes.

    Raises:
        ChecksumError: If pairs or embeddings are damaged.
    """
    edges = read_listed(workspace, label, sorted(images.concept_of))
    if edges is None:
        return None
    listed = _histogram_of(edges, images.concept_of, _bin_edges(edges.floor, by_bits=by_bits))
    vectors, concepts = _sampled_vectors(workspace, label, images)
    return TierPairs(listed, _sample(vectors, concepts), len(vectors))


def read_listed(workspace: Workspace, label: str, ids: Sequence[str]) -> EdgeList | None:
    """The pairs on disk of images that are still there; None if none were ever searched.

    As `edge_store.current_edges` reads them, but nothing is searched: a pair counts if both images
    are still covered by its part or by an earlier one.

    Args:
        workspace: Where they are.
        label: What they were compared by.
        ids: Of the images there are, ascending.

    Raises:
        ChecksumError: If a file is damaged.
    """
    since: dict[str, int] = {}
    parts: list[EdgeList] = []
    for number in workspace.parts(edges_stage(label), ".parquet"):
        pairs, covered = edge_part_files(workspace, label, number)
        parts.append(read_edges(pairs, ids)[0])
        for image_id, digest in read_covered(covered).items():
            since.pop(image_id, None)
            if digest is not None:
                since[image_id] = number
    if not parts:
        return None
    covered_by = np.array([since.get(image_id, len(parts)) for image_id in ids], dtype=np.int64)
    current = [_still_there(part, covered_by, number) for number, part in enumerate(parts)]
    return joined_edges(current, max(part.floor for part in parts))


def _still_there(edges: EdgeList, covered_by: npt.NDArray[np.int64], number: int) -> EdgeList:
    pairs = edges.pairs
    keep = (covered_by[pairs.row_a] <= number) & (covered_by[pairs.row_b] <= number)
    kept = PairList(pairs.row_a[keep], pairs.row_b[keep], pairs.similarity[keep])
    return replace(edges, pairs=kept)


def _bin_edges(floor: float, *, by_bits: bool) -> npt.NDArray[np.float64]:
    if by_bits:
        half = 0.5 / _BITS
        return np.arange(floor - half, 1.0 + 2 * half, 1.0 / _BITS)
    return np.linspace(floor, 1.0, _LISTED_BINS + 1)


def _histogram_of(
    edges: EdgeList, concept_of: Mapping[str, str], bins: npt.NDArray[np.float64]
) -> Histogram:
    number_of = {slug: number for number, slug in enumerate(sorted(set(concept_of.values())))}
    concepts = np.array([number_of[concept_of[i]] for i in edges.ids], dtype=np.int64)
    same = concepts[edges.pairs.row_a] == concepts[edges.pairs.row_b]
    return _histogram(edges.pairs.similarity.astype(np.float64), same, bins)


def _histogram(
    similarity: npt.NDArray[np.float64],
    same: npt.NDArray[np.bool_],
    bins: npt.NDArray[np.float64],
) -> Histogram:
    # Equal vectors have a similarity of 1 up to rounding.
    inside = np.clip(similarity, bins[0], bins[-1])
    within, _ = np.histogram(inside[same], bins)
    across, _ = np.histogram(inside[~same], bins)
    ends = np.round(bins, _DECIMALS)
    return Histogram(tuple(ends.tolist()), tuple(within.tolist()), tuple(across.tolist()))


def _sampled_vectors(
    workspace: Workspace, label: str, images: ReportImages
) -> tuple[FloatArray, list[str]]:
    """Vectors of the sampled images that are embedded, and their concepts."""
    wanted = {image_id for ids in images.sampled.values() for image_id in ids}
    rows: list[FloatArray] = []
    concepts: list[str] = []
    for part in workspace.parts(workspace.embeddings(label), ".npy"):
        shard = read_shard(workspace, label, part)
        if shard is None:
            continue
        ids, vectors = shard
        taken = [row for row, image_id in enumerate(ids) if image_id in wanted]
        if not taken:
            continue
        rows.append(vectors[taken])
        concepts += [images.concept_of[ids[row]] for row in taken]
    return (np.concatenate(rows) if rows else np.zeros((0, 1), np.float32)), concepts


def _sample(vectors: FloatArray, concepts: Sequence[str]) -> Histogram | None:
    if len(vectors) < 2:
        return None
    number_of = {slug: number for number, slug in enumerate(sorted(set(concepts)))}
    codes = np.array([number_of[slug] for slug in concepts], dtype=np.int64)
    row_a, row_b = np.triu_indices(len(vectors), 1)
    exact = vectors.astype(np.float64)
    similarity = np.round((exact @ exact.T)[row_a, row_b], _DECIMALS)
    lowest = float(np.floor(similarity.min() * 20.0) / 20.0)
    bins = np.linspace(min(lowest, 0.95), 1.0, _SAMPLE_BINS + 1)
    return _histogram(similarity, codes[row_a] == codes[row_b], bins)
