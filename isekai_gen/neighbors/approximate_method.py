"""What an approximate search needs of whatever proposes its candidates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from isekai_gen.neighbors.recall_truth import TruePairs
from isekai_gen.neighbors.similarity import IndexArray


@dataclass(frozen=True, eq=False)
class Trial:
    """How one level of effort would do.

    Attributes:
        found: bool [p]: which of some true pairs it would propose.
        seconds: What the whole search is expected to take at this level.
    """

    found: np.ndarray
    seconds: float


class CandidateMethod(Protocol):
    """One way of proposing candidates, over rows that are loaded.

    Levels of effort count from 0, the cheapest; a higher one proposes what the lower ones do, and
    more, or nearly so.
    """

    @property
    def counts_work(self) -> bool:
        """Whether the seconds of a trial are counted work, and not timed.

        By what is timed no level is chosen that another run might not choose.
        """
        ...

    def describe(self, level: int) -> str:
        """For people, with its settings."""
        ...

    def trials(self, pairs: TruePairs, first: int) -> Iterator[Trial]:
        """How the levels from `first` on would do on these pairs, made one by one.

        It may end before the last level, if those beyond would not fit the memory.
        """
        ...

    def candidates(self, level: int) -> Iterator[tuple[int, IndexArray, IndexArray]]:
        """Rows done, and candidates: int64 rows of `left` and of `other`.

        Within one matrix the lower row comes first. A pair may come more than once.
        """
        ...
