"""Ask one model of an evaluation: condition by condition, then with counterfactual samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from isekai_gen.evaluation.cache import AnswerCache
from isekai_gen.evaluation.conditions import Condition
from isekai_gen.evaluation.protocols import Answerer
from isekai_gen.evaluation.questions import Asking
from isekai_gen.evaluation.rows import Row
from isekai_gen.evaluation.run import ask
from isekai_gen.evaluation.scores import ConditionScores, Scored
from isekai_gen.evaluation.shortcut import KindScored, ModelShortcuts
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.evaluate_files import ModelCounts
from isekai_gen.stages.shortcut_rows import WorkspaceKinds


@dataclass(frozen=True, eq=False)
class Round:
    """One model's turn.

    Attributes:
        answerer: The model.
        cache: Its answers on disk.
        asking: What all questions have in common.
    """

    answerer: Answerer
    cache: AnswerCache
    asking: Asking


def ask_conditions(
    context: StageContext, turn: Round, rows: Sequence[Row], conditions: Sequence[Condition]
) -> tuple[list[ConditionScores], ModelCounts]:
    """Ask all rows under every condition.

    Raises:
        ModelError: If the model cannot be asked any further; answers that came are kept.
    """
    name = turn.answerer.name
    scores = []
    counts = ModelCounts(name)
    for condition in conditions:
        trials = list(turn.asking.trials(rows, condition))
        with context.reporter.task(f"{name}, {condition.title}", len(trials)) as advance:
            replies = ask(turn.answerer, [trial.question for trial in trials], turn.cache, advance)
        scored = [Scored(trial.truth, replies.answers[trial.question.key]) for trial in trials]
        scores.append(ConditionScores(condition, scored))
        counts = counts.plus(replies, scored)
    return scores, counts


def ask_kinds(
    context: StageContext, turn: Round, kinds: WorkspaceKinds, counts: ModelCounts
) -> tuple[ModelShortcuts, ModelCounts]:
    """Ask queries of three kinds; the untouched ones were answered before.

    Args:
        context: Tells of the progress.
        turn: Whom to ask.
        kinds: What to ask.
        counts: Of the questions before, to be added to.

    Raises:
        ModelError: As `ask_conditions`.
    """
    name = turn.answerer.name
    condition = Condition(kinds.shots)
    trials = list(turn.asking.trials([each.row for each in kinds.rows], condition))
    with context.reporter.task(f"{name}, counterfactual samples", len(trials)) as advance:
        replies = ask(turn.answerer, [trial.question for trial in trials], turn.cache, advance)
    scored = [Scored(trial.truth, replies.answers[trial.question.key]) for trial in trials]
    found = [
        KindScored(row.kind, row.source, row.concept, each)
        for row, each in zip(kinds.rows, scored, strict=True)
    ]
    return ModelShortcuts(name, found), counts.plus(replies, scored)
