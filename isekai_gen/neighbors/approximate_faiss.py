"""Candidates from FAISS's inverted lists: signs of centered rows, whole rows, or product codes.

Rows are put in the lists of their nearest center; a query looks into the lists of its nearest few.
Johnson, Douze and Jegou, "Billion-scale similarity search with GPUs", IEEE Transactions on Big
Data 7 (2021). On the CPU, FAISS uses all cores.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.neighbors.approximate_method import Trial
from isekai_gen.neighbors.recall_truth import Sides, TruePairs
from isekai_gen.neighbors.similarity import IndexArray, unit_rows

Hits = tuple[IndexArray, IndexArray]
_BLOCK_ROWS = 16384
# What it takes to score a candidate; signs and codes propose many that do not reach the floor.
_SCORING_SECONDS = 1e-6


@dataclass(frozen=True)
class ListSetting:
    """How thoroughly inverted lists are searched.

    Attributes:
        lists: Lists looked into for every query.
        slack: How far below the floor a hit may seem to lie: similarity, and for signs standard
            deviations of their number that differs.
    """

    lists: int
    slack: float


class ListIndex(Protocol):
    """One index over the rows of `Sides.other`."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    @property
    def settings(self) -> tuple[ListSetting, ...]:
        """One per level of effort."""
        ...

    def hits(self, units: FloatArray, setting: ListSetting) -> Hits:
        """Places in `units` (float32 [q, d], unit rows), and indexed rows that seem similar."""
        ...


@dataclass(frozen=True, eq=False)
class InvertedLists:
    """An index that is asked for every row of `Sides.left`.

    Attributes:
        sides: What is compared.
        index: Over the rows of `sides.other`.
    """

    sides: Sides
    index: ListIndex

    @property
    def counts_work(self) -> bool:
        """False; see `CandidateMethod`."""
        return False

    def describe(self, level: int) -> str:
        """For people, with its settings."""
        setting = self.index.settings[level]
        return f"faiss {self.index.name}, nprobe {setting.lists}, slack {setting.slack:g}"

    def trials(self, pairs: TruePairs, first: int) -> Iterator[Trial]:
        """How the levels from `first` on would do; see `CandidateMethod`.

        Asks for both rows of every pair within one matrix, as the whole search would.
        """
        row, partner = pairs.row, pairs.partner
        ends = [row, partner] if self.sides.right is None else [row]
        queries = np.unique(np.concatenate(ends))
        units = unit_rows(self.sides.left.take(queries))
        width = self.sides.other.shape[0]
        for setting in self.index.settings[first:]:
            started = time.perf_counter()
            place, hit = self.index.hits(units, setting)
            spent = time.perf_counter() - started
            keys = queries[place] * width + hit
            found = np.isin(row * width + partner, keys)
            if self.sides.right is None:
                found |= np.isin(partner * width + row, keys)
            spent += len(hit) * _SCORING_SECONDS
            yield Trial(found, spent / max(1, len(queries)) * self.sides.left.shape[0])

    def candidates(self, level: int) -> Iterator[tuple[int, IndexArray, IndexArray]]:
        """Rows done, and candidates; see `CandidateMethod`."""
        count = self.sides.left.shape[0]
        for start in range(0, count, _BLOCK_ROWS):
            stop = min(start + _BLOCK_ROWS, count)
            units = unit_rows(self.sides.left.block(start, stop))
            place, hit = self.index.hits(units, self.index.settings[level])
            row = place + start
            if self.sides.right is None:
                # Either row of a pair may find the other, and alone: no half can be left out.
                row, hit = np.minimum(row, hit), np.maximum(row, hit)
                row, hit = row[row < hit], hit[row < hit]
            yield stop - start, row, hit
