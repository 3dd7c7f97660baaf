"""The shortcut gap: how much of the accuracy survives without the object, above chance.

For a concept c let N(c) be the share of its context-only queries (object gone, the rest kept) to
which a model still names the concept, and k(c) the share that naming a label at random would reach,
the mean of 1 / number of labels. Both are means over source images of means over their questions.

    shortcut gap(c) = N(c) - k(c)

About 0 for a model that goes by the object, up to 1 - k(c) for one that needs only the background;
below 0 where what fills the object's place speaks for another label. The label does not stand
there, so N is no accuracy: low is good. With A(c), the accuracy on the untouched queries, the
surviving share is (N - k) / (A - k): which part of the accuracy above chance is left without the
object. A concept is flagged where even the lower end of the gap's interval is above `MARGIN`.

The samples are those of "Masked Images Are Counterfactual Samples for Robust Fine-tuning" (CVPR
2023, arXiv 2303.03052); the measure is our own. What a mask leaves of an object counts as context,
so the gap is also an upper bound of what the context does, as good as the masks are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from isekai_gen.evaluation.scores import Scored
from isekai_gen.evaluation.shortcut_intervals import (
    Difference,
    less,
    mean_interval,
    paired_difference,
)
from isekai_gen.evaluation.shortcut_rows import QUERY_KINDS, QueryKind
from isekai_gen.intervals import Interval

MARGIN = 0.1
"""How far above chance the lower end of a gap's 95 % interval must be for a flag."""


@dataclass(frozen=True)
class KindScored:
    """One question of a kind and the answer to it.

    Attributes:
        kind: Of its query.
        source: The untouched query's image.
        concept: Slug of its concept.
        scored: The answer; with the concept's label as the truth, also where it does not stand.
    """

    kind: QueryKind
    source: str
    concept: str
    scored: Scored


@dataclass(frozen=True)
class KindCounts:
    """How much was asked of one kind.

    Attributes:
        source_images: Units.
        questions: Of them.
        failed: Questions without a usable answer; they count as naming nothing.
    """

    source_images: int
    questions: int
    failed: int


@dataclass(frozen=True)
class ShortcutMeasure:
    """What one metric says of some questions; None where nothing of the kind was asked.

    Attributes:
        counts: Of each kind.
        untouched: Accuracy on untouched queries.
        object_kept: Accuracy on objects in foreign context.
        named_without_object: How often the concept is still named where its object is gone.
        chance: Share of these that naming a label at random would reach.
        context_loss: Accuracy on untouched queries less that on objects in foreign context.
        object_loss: Accuracy on untouched queries less `named_without_object`.
        shortcut_gap: `named_without_object` less `chance`.
    """

    counts: dict[QueryKind, KindCounts]
    untouched: Interval | None
    object_kept: Interval | None
    named_without_object: Interval | None
    chance: float | None
    context_loss: Difference | None
    object_loss: Difference | None
    shortcut_gap: Difference | None

    @property
    def surviving_share(self) -> float | None:
        """The gap as part of the untouched accuracy above chance; None if that is not above."""
        if self.shortcut_gap is None or self.untouched is None or self.chance is None:
            return None
        above = self.untouched.estimate - self.chance
        return self.shortcut_gap.estimate / above if above > 0 else None

    @property
    def flagged(self) -> bool:
        """Whether the context alone gives the concept away: the gap is above `MARGIN` for sure."""
        return self.shortcut_gap is not None and self.shortcut_gap.low > MARGIN

    def to_json(self) -> dict[str, Any]:
        """Everything, JSON-ready."""
        return {
            **asdict(self),
            "surviving_share": self.surviving_share,
            "flagged": self.flagged,
        }


def measure(scored: Iterable[KindScored], metric: str) -> ShortcutMeasure:
    """Measure some questions, all of one concept or of all of them.

    Args:
        scored: The questions with their answers.
        metric: Which answers name the concept, and no other.
    """
    by_kind: dict[QueryKind, list[KindScored]] = {kind: [] for kind in QUERY_KINDS}
    for each in scored:
        by_kind[each.kind].append(each)
    right = {
        kind: _means((each.source, float(each.scored.is_right(metric))) for each in group)
        for kind, group in by_kind.items()
    }
    intervals = {
        kind: mean_interval(list(values.values())) if values else None
        for kind, values in right.items()
    }
    guesses = _means(
        (each.source, 1 / len(each.scored.truth.labels)) for each in by_kind["context"]
    )
    named = intervals["context"]
    chance = sum(guesses.values()) / len(guesses) if guesses else None
    return ShortcutMeasure(
        counts={kind: _counts(group) for kind, group in by_kind.items()},
        untouched=intervals["untouched"],
        object_kept=intervals["object"],
        named_without_object=named,
        chance=chance,
        context_loss=paired_difference(right["untouched"], right["object"]),
        object_loss=paired_difference(right["untouched"], right["context"]),
        shortcut_gap=None if named is None or chance is None else less(named, chance),
    )


@dataclass(frozen=True, eq=False)
class ModelShortcuts:
    """One model's answers to queries of three kinds.

    Attributes:
        name: Such as "clip:starter".
        scored: Every answer.
    """

    name: str
    scored: Sequence[KindScored]

    def total(self, metric: str) -> ShortcutMeasure:
        """Over all source images."""
        return measure(self.scored, metric)

    def by_concept(self, metric: str) -> dict[str, ShortcutMeasure]:
        """The same for each concept, sorted by slug."""
        groups: dict[str, list[KindScored]] = {}
        for each in self.scored:
            groups.setdefault(each.concept, []).append(each)
        return {concept: measure(groups[concept], metric) for concept in sorted(groups)}


@dataclass(frozen=True, eq=False)
class Shortcuts:
    """What an evaluation found with counterfactual samples.

    Attributes:
        shots: Demonstrations that all these queries were asked with.
        rows_without_samples: Rows left out: their query has no sample.
        samples_with_shown_fillers: Left out: they hold pixels of a demonstration.
        models: As in the evaluation.
    """

    shots: int
    rows_without_samples: int
    samples_with_shown_fillers: int
    models: Sequence[ModelShortcuts]

    def to_json(self, metrics: Sequence[str]) -> dict[str, Any]:
        """What results.json says."""
        return {
            "shots": self.shots,
            "margin": MARGIN,
            "rows_without_samples": self.rows_without_samples,
            "samples_with_shown_fillers": self.samples_with_shown_fillers,
            "models": [
                {
                    "name": model.name,
                    "metrics": {
                        metric: {
                            **model.total(metric).to_json(),
                            "by_concept": {
                                concept: found.to_json()
                                for concept, found in model.by_concept(metric).items()
                            },
                        }
                        for metric in metrics
                    },
                }
                for model in self.models
            ],
        }


def _means(values: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Source image to the mean of its values, sorted by source."""
    groups: dict[str, list[float]] = {}
    for source, value in values:
        groups.setdefault(source, []).append(value)
    return {source: sum(groups[source]) / len(groups[source]) for source in sorted(groups)}


def _counts(group: Sequence[KindScored]) -> KindCounts:
    return KindCounts(
        source_images=len({each.source for each in group}),
        questions=len(group),
        failed=sum(bool(each.scored.answer.failure) for each in group),
    )
