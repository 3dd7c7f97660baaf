"""Approximate search that tunes itself to a recall, measures what it reached, and says so.

A sample of rows, searched exactly, tells which level of effort will do; the search is run at it; an
independent sample tells the recall of what was listed. If the interval's lower end falls short, the
level is raised. Every candidate is scored as in an exact search, so listed pairs are the same to
the bit; only which are listed differs.

On one machine the same rows, options and threads give the same pairs.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np

from isekai_gen.errors import InputError
from isekai_gen.intervals import Interval
from isekai_gen.neighbors.approximate_method import CandidateMethod
from isekai_gen.neighbors.approximate_methods import MethodName, build_method, fitting_method
from isekai_gen.neighbors.approximate_tuning import Choice, Goal, choose_level, tuning_pairs
from isekai_gen.neighbors.choosing import exact_rate, exact_seconds, matrix_rate
from isekai_gen.neighbors.pairs import PairList, joined_pairs, too_many_pairs
from isekai_gen.neighbors.recall import MeasuredRecall, RecallSample, measured_recall
from isekai_gen.neighbors.recall_interval import Looks
from isekai_gen.neighbors.recall_truth import Sides, similarities
from isekai_gen.neighbors.search import SearchOptions, SearchReport, search_pairs
from isekai_gen.neighbors.similarity import IndexArray
from isekai_gen.neighbors.vectors import Vectors

_SEED = 20261
_MOST_ROUNDS = 3
# What a sample may miss of what may be missed: it does not tell exactly, and then the interval of
# the recall must lie above what was asked for as a whole.
_CAUTION = 1.0 / 3.0
# Misses that a first measurement leaves room for, as a share of those that may be.
_ROOM = 0.05
# Rows that measuring usually compares with all others, where this share may be missed.
_USUALLY_MEASURED, _USUAL_ALLOWED = 7000, 0.02
# Share of the time for measuring that a higher level may take longer; see `Goal`.
_SPARE = 0.1
_BATCH_PAIRS, _BATCH_ROWS = 1 << 17, 1 << 14


def approximate_pairs(
    vectors: Vectors,
    options: SearchOptions,
    against: Vectors | None = None,
    advance: Callable[[int], None] = lambda _: None,
    method: MethodName | None = None,
) -> tuple[PairList, SearchReport]:
    """Most pairs at or above the floor, with the measured share that was found.

    Memory beside the rows given and the pairs found (20 bytes each): with cells on a CPU
    about 150 MiB, up to 200 bytes per row, and 100 sqrt(n) rows in a short format that centers are
    made from; otherwise see `CellJoin` and `build_lists`.

    Args:
        vectors: n rows.
        options: With the floor and the recall wanted.
        against: Another matrix; the pairs are then (row of `vectors`, row of `against`).
        advance: Told of rows of `vectors` that are done; they sum up to n.
        method: What proposes candidates; None takes the one that fits this size and device, or an
            exact search if that costs no more.

    Returns:
        The pairs, and a report. Where the recall asked for could not be shown, its `why` says so.

    Raises:
        InputError: If more than `max_pairs` pairs are found, or dimensions differ.
        MissingDependencyError: If the method needs faiss and it is not installed.
    """
    _check_dimensions(vectors, against)
    sides = Sides(vectors, against, options.device)
    if method is None and _USUALLY_MEASURED * float(sides.other.shape[0]) >= sides.products:
        why = "to measure a recall would cost as much as an exact search"
        return _exact(vectors, options, against, advance, why)
    search = _begin(sides, options, method or fitting_method(sides))
    while True:
        if method is None and search.dearer_than_exact():
            why = f"a recall of {options.min_recall:g} would cost as much as an exact search"
            return _exact(vectors, options, against, advance, why)
        pairs = search.find_pairs(advance)
        recall = search.measure(pairs)
        choice = search.stricter(recall)
        if choice is None:
            return pairs, search.report(recall.interval)
        search.choice = choice
        search.rounds += 1
        advance = _nothing


@dataclass
class _Search:
    """One search under way.

    Attributes:
        sides: What is compared.
        options: With the floor and the recall wanted.
        method: What proposes candidates.
        choice: The level in force.
        seconds: Phase to seconds so far.
        counts: "candidates": pairs scored so far.
        rounds: How often the level was raised.
        looks: At the recall of one list after the other.
    """

    sides: Sides
    options: SearchOptions
    method: CandidateMethod
    choice: Choice
    seconds: defaultdict[str, float]
    counts: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    looks: Looks = field(default_factory=Looks)

    def dearer_than_exact(self) -> bool:
        """Whether searching at this level, and measuring, takes longer than an exact search."""
        (count, dimensions), other = self.sides.left.shape, self.sides.right
        rate = exact_rate(self.options.floor, self.sides.device)
        exact = exact_seconds(count, dimensions, None if other is None else other.shape[0], rate)
        return self.choice.seconds + _measuring_seconds(self.sides) >= exact

    def find_pairs(self, advance: Callable[[int], None]) -> PairList:
        """Search at the level in force."""
        floor, most = self.options.floor, self.options.max_pairs
        found, listed = [], 0
        for done, i, j in self._batches():
            with _timed(self.seconds, "score"):
                similarity = similarities(self.sides, i, j)
                reached = similarity.astype(np.float64) >= floor
                found.append((i[reached], j[reached], similarity[reached]))
            self.counts["candidates"] += len(i)
            listed += len(found[-1][0])
            # A pair comes from either of its rows, so at most twice.
            if listed > 2 * most:
                break
            advance(done)
        pairs = joined_pairs(found)
        if len(pairs) > most:
            raise too_many_pairs(most, self.sides.left.shape[0], floor)
        return pairs

    def _batches(self) -> Iterator[tuple[int, IndexArray, IndexArray]]:
        """Candidates in portions that are worth scoring, with the rows done."""
        done, held, rows, partners = 0, 0, list[IndexArray](), list[IndexArray]()
        proposed = self.method.candidates(self.choice.level)
        while True:
            with _timed(self.seconds, "propose"):
                more = next(proposed, None)
            if more is not None:
                done, held = done + more[0], held + len(more[1])
                rows.append(more[1])
                partners.append(more[2])
            if (more is None and rows) or held >= _BATCH_PAIRS or done >= _BATCH_ROWS:
                yield done, np.concatenate(rows), np.concatenate(partners)
                done, held, rows, partners = 0, 0, [], []
            if more is None:
                return

    def measure(self, pairs: PairList) -> MeasuredRecall:
        """The recall of what was listed, on rows that nothing was tuned by."""
        least = self.options.min_recall
        sample = RecallSample(_SEED + 1 + self.rounds, wanted=least, missed=_ROOM * (1.0 - least))
        with _timed(self.seconds, "measure"):
            return measured_recall(self.sides, pairs, self.options.floor, sample, self.looks)

    def stricter(self, recall: MeasuredRecall) -> Choice | None:
        """A higher level to try, if the recall was not reached and one may help."""
        reached = recall.interval.low >= self.options.min_recall
        if reached or self.rounds + 1 >= _MOST_ROUNDS or not recall.missed.any():
            return None
        goal, level = _goal(self.sides, self.options, self.rounds + 1), self.choice.level + 1
        with _timed(self.seconds, "tune"):
            return choose_level(self.method, recall.truth, recall.weight, goal, level)

    def report(self, recall: Interval) -> SearchReport:
        """What was done."""
        asked = f"a recall of {self.options.min_recall:g}"
        measured = f"measured {recall.estimate:.4f} [{recall.low:.4f}, {recall.high:.4f}]"
        reached = recall.low >= self.options.min_recall
        why = f"{asked} was asked for" if reached else f"{asked} could not be shown; {measured}"
        return SearchReport(
            mode="approximate",
            method=self.method.describe(self.choice.level),
            why=why,
            candidates=self.counts["candidates"],
            seconds=dict(self.seconds),
            recall=recall,
            min_recall=self.options.min_recall,
        )


def _begin(sides: Sides, options: SearchOptions, name: MethodName) -> _Search:
    seconds = defaultdict[str, float](float)
    with _timed(seconds, "prepare"):
        sides, method = build_method(sides, options.floor, name, _SEED)
    with _timed(seconds, "tune"):
        truth = tuning_pairs(sides, options.floor, _SEED)
        weight = np.ones(len(truth.position))
        choice = choose_level(method, truth, weight, _goal(sides, options, 0), 0)
    if choice is None:
        raise ValueError(f"{name} has no level of effort")
    return _Search(sides, options, method, choice, seconds)


def _goal(sides: Sides, options: SearchOptions, rounds: int) -> Goal:
    allowed = 1.0 - options.min_recall
    spare = _SPARE * _measuring_seconds(sides) * _USUAL_ALLOWED / allowed
    return Goal(max_missed=allowed * _CAUTION / 2.0**rounds, spare_seconds=spare)


def _measuring_seconds(sides: Sides) -> float:
    numbers = float(sides.other.shape[0]) * sides.other.shape[1]
    return _USUALLY_MEASURED * numbers / matrix_rate(sides.device)


def _exact(
    vectors: Vectors,
    options: SearchOptions,
    against: Vectors | None,
    advance: Callable[[int], None],
    why: str,
) -> tuple[PairList, SearchReport]:
    exactly = replace(options, mode="exact")
    pairs, report = search_pairs(vectors, exactly, against=against, advance=advance)
    return pairs, replace(report, why=why)


def _check_dimensions(vectors: Vectors, against: Vectors | None) -> None:
    if against is not None and against.shape[1] != vectors.shape[1]:
        raise InputError(
            f"embeddings of {vectors.shape[1]} and of {against.shape[1]} dimensions cannot be "
            "compared; embed both with one encoder"
        )


def _nothing(_: int) -> None:
    """Rows that are searched again do not count as done again."""


@contextmanager
def _timed(seconds: defaultdict[str, float], phase: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[phase] += time.perf_counter() - started
