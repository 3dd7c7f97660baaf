"""From answers to numbers that add up: asked = right + wrong + failed, by concept and by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from isekai_gen.evaluation.conditions import Condition
from isekai_gen.evaluation.metrics import METRICS, named_labels
from isekai_gen.evaluation.protocols import Answer
from isekai_gen.intervals import Interval, wilson_interval
from isekai_gen.records import Episode


@dataclass(frozen=True)
class Scored:
    """One question and the answer to it.

    Attributes:
        truth: The episode with its right answer.
        answer: What the model said.
    """

    truth: Episode
    answer: Answer

    @property
    def side(self) -> str:
        """Of the right label: "positive" or "negative"; among more labels its 1-based number."""
        place = self.truth.labels.index(self.truth.query.label)
        two_way = len(self.truth.labels) == 2
        return ("positive", "negative")[place] if two_way else str(place + 1)

    def is_right(self, metric: str) -> bool:
        """Whether a metric counts the answer as right; a failure never is."""
        truth = self.truth
        judge = METRICS[metric]
        return not self.answer.failure and judge(self.answer.text, truth.query.label, truth.labels)

    def labels_named(self) -> str:
        """How many labels the answer names as whole words: "one", "several" or "none"."""
        return ("none", "one")[count] if (count := self._count_named()) < 2 else "several"

    def _count_named(self) -> int:
        return len(named_labels(self.answer.text, self.truth.labels))


@dataclass(frozen=True)
class Tally:
    """How many of the questions asked were answered rightly.

    Attributes:
        asked: Questions.
        right: Answers that are right.
        failed: Questions without a usable answer.
    """

    asked: int
    right: int
    failed: int

    @classmethod
    def of(cls, scored: Iterable[Scored], metric: str) -> Tally:
        """Count answers by one metric."""
        answers = list(scored)
        return cls(
            asked=len(answers),
            right=sum(each.is_right(metric) for each in answers),
            failed=sum(bool(each.answer.failure) for each in answers),
        )

    @property
    def wrong(self) -> int:
        """Answers that are there and not right."""
        return self.asked - self.right - self.failed

    @property
    def accuracy(self) -> Interval:
        """Right of all asked, failures among them, with its 95 % Wilson interval."""
        return wilson_interval(self.right, self.asked)

    def to_json(self) -> dict[str, Any]:
        """Counts, accuracy and interval."""
        accuracy = self.accuracy
        return {
            "asked": self.asked,
            "right": self.right,
            "wrong": self.wrong,
            "failed": self.failed,
            "accuracy": accuracy.estimate,
            "interval": [accuracy.low, accuracy.high],
        }


@dataclass(frozen=True)
class TokenCounts:
    """Tokens as a model counts them; None where it never does.

    Attributes:
        prompt_tokens: Read.
        completion_tokens: Written.
    """

    prompt_tokens: int | None
    completion_tokens: int | None

    @classmethod
    def of(cls, scored: Iterable[Scored]) -> TokenCounts:
        """Of all answers; one that answers several equal questions was paid for once."""
        answers = {each.answer.key: each.answer for each in scored}.values()
        return cls(
            _total(answer.prompt_tokens for answer in answers),
            _total(answer.completion_tokens for answer in answers),
        )


@dataclass(frozen=True, eq=False)
class ConditionScores:
    """All answers of one model under one condition.

    Attributes:
        condition: How the questions were asked.
        scored: Every answer, in the order of the rows.
    """

    condition: Condition
    scored: Sequence[Scored]

    def tally(self, metric: str) -> Tally:
        """All answers by a metric."""
        return Tally.of(self.scored, metric)

    def by_concept(self, metric: str) -> dict[str, Tally]:
        """The same for each concept of a query, sorted."""
        return self._by(lambda each: each.truth.query.concept, metric)

    def by_side(self, metric: str) -> dict[str, Tally]:
        """The same for each side that the right label is of, sorted."""
        return self._by(lambda each: each.side, metric)

    def _by(self, key_of: Callable[[Scored], str], metric: str) -> dict[str, Tally]:
        groups: dict[str, list[Scored]] = {}
        for each in self.scored:
            groups.setdefault(key_of(each), []).append(each)
        return {key: Tally.of(groups[key], metric) for key in sorted(groups)}

    def to_json(self, metrics: Sequence[str]) -> dict[str, Any]:
        """Everything that results.json says of this condition."""
        usable = [each for each in self.scored if not each.answer.failure]
        named = Counter(each.labels_named() for each in usable)
        return {
            "shots": self.condition.shots,
            "shots_per_label": self._shots_per_label(),
            "false_labels": self.condition.false_labels,
            "false_position": self.condition.false_position,
            "labels_named": {key: named[key] for key in ("one", "several", "none")},
            "failures": counts_of(each.answer.failure for each in self.scored),
            **asdict(TokenCounts.of(self.scored)),
            "metrics": {
                metric: {
                    **self.tally(metric).to_json(),
                    "by_concept": _to_json(self.by_concept(metric)),
                    "by_side": _to_json(self.by_side(metric)),
                }
                for metric in metrics
            },
        }

    def _shots_per_label(self) -> int | None:
        """Shots as upstream's code counts them, of one label; None if that is no whole number."""
        ways = {len(each.truth.labels) for each in self.scored}
        each_label = {divmod(self.condition.shots, count) for count in ways}
        shots, rest = each_label.pop()
        return None if each_label or rest else shots


@dataclass(frozen=True)
class Chance:
    """What answers reach that look at nothing.

    Attributes:
        guess: Accuracy of a label drawn at random: the mean of 1 / number of labels.
        majority: Accuracy of always naming the label of one side, whichever is right more often.
    """

    guess: float
    majority: float


def chance_of(episodes: Sequence[Episode]) -> Chance:
    """Chance level of some questions, at least one."""
    sides = Counter(episode.labels.index(episode.query.label) for episode in episodes)
    guesses = sum(1 / len(episode.labels) for episode in episodes)
    return Chance(guesses / len(episodes), max(sides.values()) / len(episodes))


def counts_of(reasons: Iterable[str]) -> dict[str, int]:
    """How often each reason occurs, "" left out, sorted by reason."""
    return dict(sorted(Counter(reason for reason in reasons if reason).items()))


def _to_json(tallies: Mapping[str, Tally]) -> dict[str, dict[str, Any]]:
    return {key: tally.to_json() for key, tally in tallies.items()}


def _total(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
