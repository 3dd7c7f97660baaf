"""The ways in which dedupe compares images: by embeddings, and by perceptual hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from isekai_gen.embeddings import EmbeddingTable, FloatArray
from isekai_gen.filters.duplicates import radius_limit
from isekai_gen.hashing import digest_of
from isekai_gen.models.perceptual import PictureHashes
from isekai_gen.neighbors.edge_files import joined_recall
from isekai_gen.neighbors.hamming import find_hash_pairs
from isekai_gen.neighbors.hash_candidates import hash_search_method
from isekai_gen.neighbors.pairs import PairList, joined_pairs
from isekai_gen.neighbors.search import SearchOptions, SearchReport
from isekai_gen.neighbors.similarity import IndexArray
from isekai_gen.neighbors.vectors import ArrayVectors, Vectors
from isekai_gen.stages.edge_comparison import SearchWork
from isekai_gen.stages.edge_floor import listing_floor
from isekai_gen.stages.limits import PERCEPTUAL_IDENTITY
from isekai_gen.stages.looks_files import Looks
from isekai_gen.stages.tile_search import KeptBands, search_in_bands

_DIGEST_BYTES = 16


@dataclass(frozen=True, eq=False)
class VectorComparison:
    """Images compared by the similarity of their embeddings; see `edge_comparison.Comparison`.

    Attributes:
        label: The encoder's label.
        identity: The encoder's digest.
        ids: In ascending order.
        vectors: float32, shape (n, d), in the order of `ids`.
        max_similarity: The limit in force.
        highest_floor: The review limit.
        options: How to search; its floor is not used.
    """

    label: str
    identity: str
    ids: tuple[str, ...]
    vectors: FloatArray
    max_similarity: float
    highest_floor: float
    options: SearchOptions

    @cached_property
    def digests(self) -> list[bytes]:
        """Of each row's bytes."""
        return _row_digests(self.vectors)

    def listing_floor(self) -> float:
        """See `edge_floor.listing_floor`."""
        return listing_floor(self.vectors, self.max_similarity, self.highest_floor)

    def accepts(self, report: SearchReport) -> bool:
        """An exact search serves all; an approximate one whoever asks for no more recall."""
        if report.complete:
            return True
        asked = report.min_recall if report.min_recall is not None else 0.0
        return self.options.mode != "exact" and asked >= self.options.min_recall

    def search(
        self, new: IndexArray, old: IndexArray, floor: float, work: SearchWork
    ) -> tuple[PairList, SearchReport]:
        """Pairs of new rows with each other and with old ones."""
        options = replace(self.options, floor=floor)

        def search(
            kept: KeptBands, left: Vectors, right: Vectors | None, advance: Callable[[int], None]
        ) -> tuple[PairList, SearchReport]:
            return search_in_bands(
                work.context, left, options, kept, against=right, advance=advance
            )

        if not len(old):
            kept, rows = self._kept(work.folder, new), ArrayVectors(self.vectors)
            return search(kept, rows, None, work.advance)
        rows, others = ArrayVectors(self.vectors[new]), ArrayVectors(self.vectors[old])
        own, first = search(self._kept(work.folder, new), rows, None, lambda _: None)
        both = self._kept(work.folder, new, old)
        cross, second = search(both, rows, others, work.advance)
        pairs = joined_pairs([_in_rows(own, new, new), _in_rows(cross, new, old)])
        recall = joined_recall([(first.recall, len(own)), (second.recall, len(cross))])
        return pairs, _joined(first, second, recall=recall)

    def _kept(self, folder: Path, *rows: IndexArray) -> KeptBands:
        """What a search of these rows has finished, whatever run of it was interrupted."""

        def inputs() -> str:
            return digest_of([[self.digests[row].hex() for row in some.tolist()] for some in rows])

        return KeptBands(folder, inputs)


@dataclass(frozen=True, eq=False)
class HashComparison:
    """Images compared by how many bits of their perceptual hashes differ.

    Attributes:
        ids: In ascending order.
        hashes: In the order of `ids`.
        review_radius: Most bits in which listed pairs differ.
    """

    ids: tuple[str, ...]
    hashes: PictureHashes
    review_radius: int
    label: str = "perceptual"
    identity: str = PERCEPTUAL_IDENTITY

    @cached_property
    def digests(self) -> list[bytes]:
        """Of everything known of each picture."""
        n = len(self.hashes)
        if not n:
            return []  # no rows have no bytes to look at
        columns = [getattr(self.hashes, one.name) for one in fields(self.hashes)]
        octets = [np.ascontiguousarray(each).reshape(n, -1).view(np.uint8) for each in columns]
        return _row_digests(np.concatenate(octets, axis=1))

    @property
    def highest_floor(self) -> float:
        """The review limit as a similarity."""
        return radius_limit(self.review_radius)

    def listing_floor(self) -> float:
        """The review limit: a wider radius lists many pairs that look nothing alike."""
        return self.highest_floor

    def accepts(self, report: SearchReport) -> bool:
        """Hashes are always compared exactly."""
        return report.complete

    def search(
        self, new: IndexArray, old: IndexArray, floor: float, work: SearchWork
    ) -> tuple[PairList, SearchReport]:
        """Pairs of new rows with each other and with old ones."""
        del floor  # no part that serves ends above the review limit, so it is always this one
        radius = self.review_radius
        fresh, rest = self.hashes.take(new), self.hashes.take(old)
        found = [_in_rows(find_hash_pairs(fresh, radius, advance=work.advance), new, new)]
        if len(old):
            found.append(_in_rows(find_hash_pairs(fresh, radius, against=rest), new, old))
        pairs = joined_pairs(found)
        why = "perceptual hashes are always compared exactly"
        return pairs, SearchReport("exact", hash_search_method(), why, len(pairs))


def compare_vectors(
    label: str,
    table: EmbeddingTable,
    ids: Collection[str],
    limits: tuple[float, float],
    options: SearchOptions,
) -> VectorComparison:
    """The comparison of some images by their embeddings.

    Args:
        label: The encoder's label.
        table: Embeddings of these images and perhaps of others.
        ids: The images.
        limits: The tier's limit and review limit.
        options: How to search.
    """
    order = _ascending_rows(table.ids, ids)
    return VectorComparison(
        label=label,
        identity=table.encoder,
        ids=tuple(table.ids[row] for row in order.tolist()),
        vectors=table.vectors[order],
        max_similarity=limits[0],
        highest_floor=limits[1],
        options=options,
    )


def compare_hashes(looks: Looks, ids: Collection[str], review_radius: int) -> HashComparison:
    """The comparison of some images by their perceptual hashes."""
    order = _ascending_rows(looks.ids, ids)
    chosen = tuple(looks.ids[row] for row in order.tolist())
    return HashComparison(chosen, looks.hashes.take(order), review_radius)


def _ascending_rows(known: Sequence[str], ids: Collection[str]) -> IndexArray:
    """Rows of those of `known` that are among `ids`, in ascending order of id."""
    wanted = frozenset(ids)
    rows = sorted((image_id, row) for row, image_id in enumerate(known) if image_id in wanted)
    return np.array([row for _, row in rows], dtype=np.int64)


def _row_digests(rows: np.ndarray) -> list[bytes]:
    return [hashlib.sha256(row.tobytes()).digest()[:_DIGEST_BYTES] for row in rows]


def _in_rows(
    pairs: PairList, left: IndexArray, right: IndexArray
) -> tuple[IndexArray, IndexArray, FloatArray]:
    """Pairs of two selections as pairs of rows of the whole, the lower row first."""
    one, other = left[pairs.row_a], right[pairs.row_b]
    return np.minimum(one, other), np.maximum(one, other), pairs.similarity


def _joined(first: SearchReport, second: SearchReport, **changes: object) -> SearchReport:
    """What two searches did together."""
    both = (first, second)
    return replace(
        first if first.mode == "approximate" else second,
        method="; ".join(dict.fromkeys(one.method for one in both)),
        why="; ".join(dict.fromkeys(one.why for one in both)),
        candidates=sum(one.candidates for one in both),
        **changes,  # type: ignore[arg-type]
    )
