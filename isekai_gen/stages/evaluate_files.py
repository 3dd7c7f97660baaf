"""What an evaluation writes, and what it says it did.

NAME/results.json   everything, for programs
NAME/results.md     tables, for people
NAME/accuracy.png   accuracy over shots, with the extra `plots`
NAME/shortcuts.png  queries of three kinds, if counterfactual samples were asked; likewise
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from isekai_gen.errors import LockedError
from isekai_gen.evaluation.plot import INSTALL, accuracy_plot, can_plot
from isekai_gen.evaluation.results import Evaluation
from isekai_gen.evaluation.run import Replies, is_final
from isekai_gen.evaluation.scores import Scored
from isekai_gen.evaluation.shortcut_plot import shortcut_plot
from isekai_gen.evaluation.shortcut_tables import shortcut_header, shortcut_rows
from isekai_gen.evaluation.tables import ablation_table, accuracy_rows, markdown_report
from isekai_gen.hashing import canonical_json
from isekai_gen.stages.reporting import Reporter
from isekai_gen.storage import remove_temporary_files, write_atomically
from isekai_gen.workspace import Workspace, lock_holder

ANSWERS = "answers"
Table = tuple[list[str], list[list[str]]]
"""Header and rows."""
PLOTS = frozenset({"accuracy.png", "shortcuts.png"})


@dataclass(frozen=True)
class ModelCounts:
    """What became of one model's questions: questions = cached + asked.

    Attributes:
        name: Of the model.
        questions: Under all conditions.
        cached: Those whose answer was known.
        asked: Those that were asked now.
        failed: Those, of all, without a usable answer.
        may_pass: Those of them that the next run asks again.
    """

    name: str
    questions: int = 0
    cached: int = 0
    asked: int = 0
    failed: int = 0
    may_pass: int = 0

    def plus(self, replies: Replies, scored: Sequence[Scored]) -> ModelCounts:
        """With the questions of one more condition."""
        answers = [each.answer for each in scored]
        return replace(
            self,
            questions=self.questions + len(answers),
            cached=self.cached + replies.cached,
            asked=self.asked + replies.asked,
            failed=self.failed + sum(bool(answer.failure) for answer in answers),
            may_pass=self.may_pass + sum(not is_final(answer) for answer in answers),
        )


@dataclass(frozen=True, eq=False)
class EvaluateReport:
    """What an evaluation came to.

    Attributes:
        evaluation: All numbers.
        counts: Of each model.
        files: What was written.
    """

    evaluation: Evaluation
    counts: Sequence[ModelCounts]
    files: Sequence[Path]

    @property
    def partly_failed(self) -> bool:
        """Whether running it again asks questions again that failed now."""
        return any(count.may_pass for count in self.counts)

    def accuracy(self) -> Iterator[Table]:
        """Accuracy over shots by each metric; one table if they agree on every answer."""
        found = self.evaluation
        plain = [scores for model in found.models for scores in model.plain]
        for title, metric in self._titles(each for scores in plain for each in scores.scored):
            yield [f"accuracy ({title})", *map(str, found.shots)], accuracy_rows(found, metric)

    def ablations(self) -> Table:
        """Header and rows of accuracy where labels were changed; rows may be none."""
        return ablation_table(self.evaluation)

    def shortcuts(self) -> Iterator[Table]:
        """Each model's shortcut gaps, likewise; nothing without counterfactual samples."""
        found = self.evaluation.shortcuts
        for model in () if found is None else found.models:
            for title, metric in self._titles(each.scored for each in model.scored):
                yield shortcut_header(f"{model.name} ({title})"), shortcut_rows(model, metric)

    def _titles(self, scored: Iterable[Scored]) -> list[tuple[str, str]]:
        """Title and metric of each table of some answers."""
        metrics = self.evaluation.metrics
        if len(metrics) > 1 and all(
            len({each.is_right(metric) for metric in metrics}) == 1 for each in scored
        ):
            return [(f"{' and '.join(metrics)} agree", metrics[0])]
        return [(metric, metric) for metric in metrics]

    def with_file(self, path: Path) -> EvaluateReport:
        """With one more file that was written."""
        return replace(self, files=[*self.files, path])

    def to_json(self) -> dict[str, Any]:
        """What results.json says, what was asked, and where it lies."""
        return {
            **self.evaluation.to_json(),
            "counts": [asdict(count) for count in self.counts],
            "files": [str(path) for path in self.files],
        }


@contextmanager
def locked_answers(out: Path) -> Iterator[Path]:
    """The folder of answers, for one process at a time, whichever way it was named.

    The lock lies in that folder and not in `out`, which may hold much that is not ours: whoever
    takes a lock removes what interrupted writes left around it.

    Raises:
        LockedError: If another process evaluates there.
        StorageError: If the folder cannot be written.
    """
    folder = out / ANSWERS
    with ExitStack() as stack:
        try:
            stack.enter_context(Workspace(folder).lock())
        except LockedError as error:
            raise LockedError(
                f"evaluations in {out} are in use by process "
                f"{lock_holder(folder) or '(unknown)'}; wait for it to end, or choose another --out"
            ) from error
        yield folder


def write_results(
    reporter: Reporter,
    folder: Path,
    evaluation: Evaluation,
    counts: Sequence[ModelCounts],
    plot: bool | None,
) -> EvaluateReport:
    """Write the files of an evaluation, in place of those of an earlier one.

    Args:
        reporter: Told if there is no plot for want of matplotlib.
        folder: Where.
        evaluation: All numbers.
        counts: For the report.
        plot: Whether a plot is demanded, or not wanted; None for one if possible.

    Raises:
        MissingDependencyError: If a plot is demanded and matplotlib is not installed.
        StorageError: If the disk is full or read-only.
    """
    content = {
        "results.json": f"{canonical_json(evaluation.to_json())}\n".encode(),
        "results.md": markdown_report(evaluation).encode(),
    }
    if plot or (plot is None and can_plot()):
        content["accuracy.png"] = accuracy_plot(evaluation)
        if evaluation.shortcuts is not None:
            content["shortcuts.png"] = shortcut_plot(evaluation.shortcuts, evaluation.metrics)
    elif plot is None:
        reporter.note(f"No plot: matplotlib is not installed; run: {INSTALL}")
    if folder.is_dir():
        remove_temporary_files(folder)
    for name, encoded in content.items():
        write_atomically(folder / name, encoded)
    for plotted in PLOTS - content.keys():
        # One of an earlier run would show other numbers than the tables.
        (folder / plotted).unlink(missing_ok=True)
    files = [folder / name for name in content]
    return EvaluateReport(evaluation, tuple(counts), files)
