"""Questions of a manifest under one condition, and which rows of it are asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from isekai_gen.evaluation.conditions import Condition
from isekai_gen.evaluation.image_files import ImageFiles
from isekai_gen.evaluation.protocols import Question
from isekai_gen.evaluation.rows import EvaluationSet, Row, SupportRow
from isekai_gen.hashing import digest_of
from isekai_gen.manifests.conversation import question_of
from isekai_gen.manifests.conversation_words import EpisodeWords
from isekai_gen.manifests.upstream_draws import draw
from isekai_gen.records import Conversation, Episode, NamedImage, TextPart


@dataclass(frozen=True)
class Trial:
    """A question, and what its answer is held to.

    Attributes:
        truth: The episode with its right answer.
        question: The same without: what a model under evaluation is given.
    """

    truth: Episode
    question: Question


@dataclass(frozen=True, eq=False)
class Asking:
    """What all questions of an evaluation have in common.

    Attributes:
        words: How episodes are put in words.
        images: The image folder.
        seed: Of order, sample and ablations; no model changes them.
    """

    words: EpisodeWords
    images: ImageFiles
    seed: int

    def trials(self, rows: Sequence[Row], condition: Condition) -> Iterator[Trial]:
        """A trial for each row that the condition fits (episodes have shots of their own)."""
        for row in rows:
            if isinstance(row, SupportRow):
                episode = row.episode(condition.shots, self.seed)
            elif len(row.support) == condition.shots:
                episode = row
            else:
                continue
            yield self._trial(condition.applied(episode, self.seed))

    def _trial(self, truth: Episode) -> Trial:
        conversation = question_of(truth, self.words)
        question = Question(
            key=self._key(truth, conversation),
            episode=sealed(truth),
            conversation=conversation,
            images={path: self.images.file(path) for path in conversation.images},
        )
        return Trial(truth, question)

    def _key(self, episode: Episode, conversation: Conversation) -> str:
        digest = self.images.digest
        turns: list[Any] = [
            [
                turn.role,
                *(
                    part.text if isinstance(part, TextPart) else {"image": digest(part.image)}
                    for part in turn.parts
                ),
            ]
            for turn in conversation.turns
        ]
        return digest_of(
            {
                "turns": turns,
                "support": [[digest(shown.image), shown.label] for shown in episode.support],
                "query": digest(episode.query.image),
                "labels": list(episode.labels),
            }
        )


def images_shown(rows: Sequence[Row], shots: int) -> list[str]:
    """Paths of all images that questions of up to so many shots show; some more than once."""
    episodes = (row.episode(shots, 0) if isinstance(row, SupportRow) else row for row in rows)
    return [shown.image for each in episodes for shown in (each.query, *each.support)]


def sealed(episode: Episode) -> Episode:
    """The episode as a model may see it: it does not tell the right answer, nor what images show.

    Its query has the first label, whatever the right one is, and no image has a concept.
    """
    return replace(
        episode,
        support=tuple(replace(shown, concept="") for shown in episode.support),
        query=NamedImage(episode.query.image, "", episode.labels[0]),
    )


def sample_rows(asked: EvaluationSet, limit: int | None, seed: int) -> list[Row]:
    """At most `limit` rows, in file order, balanced over concepts and sides.

    Each (concept, side) gives a row in turn until there are enough; both the turns and the rows
    within one are in an order drawn by the seed.

    Args:
        asked: The manifest.
        limit: At least 1; None for all rows.
        seed: Of the sample.
    """
    if limit is None or limit >= len(asked.rows):
        return list(asked.rows)
    groups: dict[tuple[str, int], list[int]] = {}
    for number, row in enumerate(asked.rows):
        side = row.labels.index(row.query.label)
        groups.setdefault((row.query.concept, side), []).append(number)
    turns = draw(seed, "sample", sorted(groups), len(groups))
    drawn = [draw(seed, f"sample {group}", groups[group], len(groups[group])) for group in turns]
    rounds = range(max(map(len, drawn)))
    in_turn = [numbers[place] for place in rounds for numbers in drawn if place < len(numbers)]
    return [asked.rows[number] for number in sorted(in_turn[:limit])]
