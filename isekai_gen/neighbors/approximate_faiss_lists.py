"""The three kinds of inverted lists, built by FAISS."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.neighbors.approximate_faiss import Hits, InvertedLists, ListIndex, ListSetting
from isekai_gen.neighbors.recall_truth import Sides
from isekai_gen.neighbors.similarity import (
    IndexArray,
    float32_below,
    float32_margin,
    unit_rows,
)
from isekai_gen.optional import require

ListKind = Literal["binary-ivf", "ivf-flat", "ivf-pq"]
_INSTALL = "pip install 'isekai-gen[cpu]' or pip install 'isekai-gen[gpu]'"
_BLOCK_ROWS = 16384
_ROWS_PER_LIST = 40
# Numbers of parts that its kernels are made for (GpuIndexIVFPQ).
_GPU_PARTS = (1, 2, 3, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 96)
_ROUNDS = 5
_LISTS_PER_ROOT = 4.0
# The first answers of a GPU index, which knows no range; 2,048 is the most that FAISS gives there.
_FIRST_NEAREST, _MOST_NEAREST = 32, 2048

_FLAT = tuple(ListSetting(lists, 0.0) for lists in (1, 2, 4, 8, 16, 32, 64))
_CODES = tuple(
    ListSetting(lists, slack)
    for lists, slack in ((4, 0.03), (8, 0.05), (16, 0.08), (32, 0.12), (64, 0.2), (128, 0.3))
)
_SIGNS = tuple(
    ListSetting(lists, slack)
    for lists, slack in ((4, 2.0), (8, 3.0), (16, 3.5), (32, 4.0), (64, 5.0), (128, 7.0))
)


def build_lists(sides: Sides, floor: float, kind: ListKind, seed: int) -> InvertedLists:
    """Train an index on a sample of `sides.other` and put all its rows in.

    Memory per row of d numbers: d / 8 bytes of signs, 4 d bytes of whole rows, d / 8 bytes of
    codes (d / 8 codes of 8 bits on a GPU, d / 4 of 4 bits elsewhere); each with 8 bytes of number.

    Args:
        sides: What is compared.
        floor: Lowest similarity of a pair.
        kind: What the lists hold.
        seed: Of the training sample.

    Raises:
        MissingDependencyError: If faiss is not installed.
    """
    faiss = require("faiss", _INSTALL)
    sample = _training_rows(sides, seed)
    if kind == "binary-ivf":
        return InvertedLists(sides, _signs(faiss, sides, floor, sample))
    return InvertedLists(sides, _rows(faiss, sides, floor, sample, kind))


@dataclass(frozen=True, eq=False)
class SignLists:
    """Signs of centered rows; hits by the number of signs that differ.

    Two rows at angle a differ in about d a / pi signs of a random basis (Charikar, "Similarity
    estimation techniques from rounding algorithms", 2002). Coordinates are no random basis, so
    this is a beginning, and the slack is tuned.

    Attributes:
        index: A faiss.IndexBinaryIVF.
        center: float32 [d]: mean of unit rows.
        differing: Share of signs in which rows at the floor differ, expected.
        name: For people.
        settings: One per level of effort.
    """

    index: Any
    center: FloatArray
    differing: float
    name: str
    settings: tuple[ListSetting, ...] = _SIGNS

    def hits(self, units: FloatArray, setting: ListSetting) -> Hits:
        """See `ListIndex`."""
        bits = len(self.center)
        spread = math.sqrt(bits * self.differing * (1.0 - self.differing))
        radius = math.ceil(bits * self.differing + setting.slack * spread)
        self.index.nprobe = setting.lists
        ends, _, found = self.index.range_search(_packed(units, self.center), radius)
        return _places(ends), found.astype(np.int64)


@dataclass(frozen=True, eq=False)
class RowLists:
    """Whole rows or product codes; hits by their approximate similarity.

    Attributes:
        index: A faiss.IndexIVF of inner products, on the CPU or on a GPU.
        floor: Lowest similarity of a pair.
        on_gpu: Whether it lies on a GPU.
        name: For people.
        settings: One per level of effort.
    """

    index: Any
    floor: float
    on_gpu: bool
    name: str
    settings: tuple[ListSetting, ...]

    def hits(self, units: FloatArray, setting: ListSetting) -> Hits:
        """See `ListIndex`."""
        self.index.nprobe = setting.lists
        low = float(float32_below(self.floor - setting.slack - float32_margin(units.shape[1])))
        if self.on_gpu:
            return self._nearest(units, low)
        ends, _, found = self.index.range_search(units, low)
        return _places(ends), found.astype(np.int64)

    def _nearest(self, units: FloatArray, low: float) -> Hits:
        """By nearest rows, more and more for those whose last one is still above `low`.

        Rows with over 2,048 hits lose the others; the measured recall says how much that is.
        """
        places, rows = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        asked, wanted = np.arange(len(units)), _FIRST_NEAREST
        while len(asked):
            similar, found = self.index.search(units[asked], wanted)
            full = (similar[:, -1] > low) & (wanted < _MOST_NEAREST)
            place, rank = np.nonzero((similar > low) & (found >= 0) & ~full[:, None])
            places.append(asked[place])
            rows.append(found[place, rank])
            asked, wanted = asked[full], min(wanted * 8, _MOST_NEAREST)
        return np.concatenate(places), np.concatenate(rows)


def _signs(faiss: Any, sides: Sides, floor: float, sample: FloatArray) -> ListIndex:  # noqa: ANN401
    dimensions = sides.other.shape[1]
    center = sample.mean(axis=0)
    bits = -(-dimensions // 8) * 8
    lists = _lists(sides.other.shape[0])
    quantizer = faiss.IndexBinaryFlat(bits)
    index = faiss.IndexBinaryIVF(quantizer, bits, lists)
    index.cp.niter = _ROUNDS
    index.train(_packed(sample, center))
    for units in _unit_blocks(sides):
        index.add(_packed(units, center))
    shared = float(center @ center)
    # Rows share the mean: what is left of two rows at the floor without it has this cosine.
    cosine = (floor - shared) / (1.0 - shared) if shared < floor else 0.0
    differing = math.acos(min(1.0, cosine)) / math.pi
    return SignLists(index, center, differing, f"binary IVF{lists}")


def _rows(
    faiss: Any,  # noqa: ANN401 - an optional module
    sides: Sides,
    floor: float,
    sample: FloatArray,
    kind: ListKind,
) -> ListIndex:
    dimensions = sides.other.shape[1]
    on_gpu = sides.device != "cpu" and _sees_gpu(faiss)
    inside, settings = "Flat", _FLAT
    if kind == "ivf-pq":
        # Codes of 4 bits are scanned fastest on a CPU; a GPU has 8 bits only.
        if on_gpu:
            inside = f"PQ{_gpu_parts(dimensions)}"
        else:
            inside = f"PQ{_divisor(dimensions, dimensions // 4)}x4fs"
        settings = _CODES
    name = f"IVF{_lists(sides.other.shape[0])},{inside}"
    index = faiss.index_factory(dimensions, name, faiss.METRIC_INNER_PRODUCT)
    index.cp.niter = _ROUNDS
    if on_gpu:
        place = int(sides.device.partition(":")[2] or 0)
        options = faiss.GpuClonerOptions()
        # Tables of float32 for more than 48 parts do not fit a GPU's shared memory.
        options.useFloat16 = kind == "ivf-pq"
        index = faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), place, index, options)
    index.train(sample)
    for units in _unit_blocks(sides):
        index.add(units)
    return RowLists(index, floor, on_gpu, name + (" on a GPU" if on_gpu else ""), settings)


def _sees_gpu(faiss: Any) -> bool:  # noqa: ANN401 - an optional module
    """Whether this build of faiss can use a GPU that is there; faiss-cpu cannot."""
    return hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() > 0


def _lists(rows: int) -> int:
    return max(1, min(round(_LISTS_PER_ROOT * math.sqrt(rows)), rows // _ROWS_PER_LIST))


def _training_rows(sides: Sides, seed: int) -> FloatArray:
    count = sides.other.shape[0]
    chosen = np.random.default_rng(seed).permutation(count)[: _lists(count) * _ROWS_PER_LIST]
    return unit_rows(sides.other.take(np.sort(chosen)))


def _unit_blocks(sides: Sides) -> Iterator[FloatArray]:
    count = sides.other.shape[0]
    for start in range(0, count, _BLOCK_ROWS):
        yield unit_rows(sides.other.block(start, min(start + _BLOCK_ROWS, count)))


def _packed(units: FloatArray, center: FloatArray) -> np.ndarray:
    """Signs of centered rows as bits, uint8 [n, d / 8]; missing bits of the last byte are 0."""
    return np.packbits(units > center, axis=1)


def _places(ends: np.ndarray) -> IndexArray:
    """The query of every hit, from where each query's hits end."""
    hits = ends[1:].astype(np.int64) - ends[:-1].astype(np.int64)
    return np.repeat(np.arange(len(hits), dtype=np.int64), hits)


def _gpu_parts(dimensions: int) -> int:
    """Parts of a product code of 8 bits that FAISS has GPU kernels for, about 8 numbers each."""
    fitting = [n for n in _GPU_PARTS if dimensions % n == 0 and n <= max(1, dimensions // 8)]
    return max(fitting)


def _divisor(number: int, highest: int) -> int:
    """The largest divisor of `number` that is at most `highest`, and at least 1."""
    return next(each for each in range(max(1, highest), 0, -1) if number % each == 0)
