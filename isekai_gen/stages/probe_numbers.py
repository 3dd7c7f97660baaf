"""Accuracies of fine-tuned towers, with intervals over seeds and over images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from isekai_gen.intervals import Interval, wilson_interval
from isekai_gen.stages.probe_sets import COLUMNS, Column

Way = Literal["plain", "distill-clean", "distill-counterfactual"]
WAYS: tuple[Way, ...] = get_args(Way)
ZERO_SHOT = "zero-shot"
CONFIDENCE = 0.95


@dataclass(frozen=True)
class RunResult:
    """What one way of fine-tuning gave with one seed.

    Attributes:
        way: Which, or "zero-shot" for the tower as loaded.
        seed: Of the batches.
        hits: Column to "1" for each picture whose concept was named, "0" for each other.
        seconds: That the run took.
    """

    way: str
    seed: int
    hits: Mapping[str, str]
    seconds: float


@dataclass(frozen=True)
class Measured:
    """One way's accuracy on one column.

    Attributes:
        way: Which.
        column: Which.
        hits: For each seed, as a run has them.
    """

    way: str
    column: str
    hits: tuple[str, ...]

    @property
    def images(self) -> int:
        """Pictures measured on."""
        return len(self.hits[0])

    @property
    def right(self) -> tuple[int, ...]:
        """For each seed, pictures whose concept was named."""
        return tuple(each.count("1") for each in self.hits)

    @property
    def accuracy(self) -> float:
        """Mean over seeds, in [0, 1]."""
        return sum(self.right) / len(self.right) / self.images

    def over_seeds(self) -> Interval | None:
        """Of the mean, if other seeds were drawn: Student's t; None for one seed."""
        found = mean_interval([each / self.images for each in self.right])
        if found is None:
            return None
        return Interval(found.estimate, max(0.0, found.low), min(1.0, found.high))

    def half_over_seeds(self) -> float | None:
        """Half of Student's interval before it is cut to [0, 1]; None for one seed."""
        found = mean_interval([each / self.images for each in self.right])
        return None if found is None else found.high - found.estimate

    def over_images(self) -> Interval:
        """Of the mean, if other pictures were drawn: Wilson's, of the mean count, rounded."""
        return wilson_interval(round(self.accuracy * self.images), self.images, CONFIDENCE)

    def to_json(self) -> dict[str, Any]:
        """Everything about it."""
        seeds, images = self.over_seeds(), self.over_images()
        return {
            "way": self.way,
            "column": self.column,
            "images": self.images,
            "right": list(self.right),
            "accuracy": self.accuracy,
            "over_seeds": None if seeds is None else [seeds.low, seeds.high],
            "over_images": [images.low, images.high],
        }


@dataclass(frozen=True)
class Difference:
    """How much more accurate one way is than another, on the same pictures with the same seeds.

    Attributes:
        way: The one.
        than: The other.
        column: On what.
        mean: Over seeds and pictures, in [-1, 1].
        over_seeds: Student's interval, paired by seed; None for one seed.
        over_images: Student's interval, paired by picture; None for one picture.
    """

    way: str
    than: str
    column: str
    mean: float
    over_seeds: tuple[float, float] | None
    over_images: tuple[float, float] | None

    @property
    def direction(self) -> str:
        """What is shown: "higher", "lower", or "no difference shown".

        Both intervals have to say so: seeds that agree on a single picture show nothing.
        """
        if self.over_seeds is None or self.over_images is None:
            return "no difference shown"
        if min(self.over_seeds[0], self.over_images[0]) > 0:
            return "higher"
        return (
            "lower" if max(self.over_seeds[1], self.over_images[1]) < 0 else ("no difference shown")
        )


def mean_interval(values: Sequence[float]) -> Interval | None:
    """A mean with Student's t interval; None for fewer than two values.

    Student, "The probable error of a mean", Biometrika 6 (1908).
    """
    if len(values) < 2:
        return None
    from scipy.stats import t

    count = len(values)
    mean = math.fsum(values) / count
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    half = float(t.ppf((1 + CONFIDENCE) / 2, count - 1)) * math.sqrt(variance / count)
    return Interval(mean, mean - half, mean + half)


def measured_of(runs: Sequence[RunResult]) -> list[Measured]:
    """Way by way, every column that there is, in their declared order.

    Args:
        runs: Of all ways and seeds, and the tower as loaded.
    """
    return [
        Measured(way, column, tuple(run.hits[column] for run in runs if run.way == way))
        for way in (ZERO_SHOT, *WAYS)
        for column in COLUMNS
        if column in runs[0].hits
    ]


def difference(measured: Sequence[Measured], way: Way, than: Way, column: Column) -> Difference:
    """How much more accurate a way is than another; both have the same seeds, in one order."""
    one, other = (
        next(each for each in measured if (each.way, each.column) == (name, column))
        for name in (way, than)
    )
    gained = [
        [int(a) - int(b) for a, b in zip(ours, theirs, strict=True)]
        for ours, theirs in zip(one.hits, other.hits, strict=True)
    ]
    by_seed = [sum(each) / one.images for each in gained]
    by_image = [sum(each) / len(gained) for each in zip(*gained, strict=True)]
    mean = math.fsum(by_seed) / len(by_seed)
    return Difference(way, than, column, mean, _ends(by_seed), _ends(by_image))


def _ends(values: Sequence[float]) -> tuple[float, float] | None:
    found = mean_interval(values)
    return None if found is None else (found.low, found.high)
