"""results.md: accuracy over shots laid out like the paper's Table 1, and what is behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from isekai_gen.evaluation.markdown import markdown_table
from isekai_gen.evaluation.published import SOURCE
from isekai_gen.evaluation.results import Evaluation, ModelScores
from isekai_gen.evaluation.scores import Tally
from isekai_gen.evaluation.shortcut_tables import shortcut_section

_ABOUT = {
    "lcl": "upstream's metric: the answer contains the right label and not the other",
    "strict": "the right label, and no other, is named as whole words, ignoring case",
}
_NOTHING = "-"


def markdown_report(evaluation: Evaluation) -> str:
    """The whole file."""
    lines = [*_head(evaluation)]
    for metric in evaluation.metrics:
        lines += _accuracy_section(evaluation, metric)
    lines += _answers_section(evaluation)
    for metric in evaluation.metrics:
        for model in evaluation.models:
            lines += _concept_section(evaluation, model, metric)
    lines += _ablation_section(evaluation)
    if evaluation.shortcuts is not None:
        lines += shortcut_section(evaluation.shortcuts, evaluation.metrics)
    return "\n".join(lines) + "\n"


def accuracy_rows(evaluation: Evaluation, metric: str) -> list[list[str]]:
    """Each model with its accuracy at each shot count, as the tables show them."""
    return [
        [model.name, *(_share(scores.tally(metric)) for scores in model.plain)]
        for model in evaluation.models
    ]


def ablation_table(evaluation: Evaluation) -> tuple[list[str], list[list[str]]]:
    """Header and rows of accuracy where labels were changed; no rows without ablations."""
    columns = [(model, metric) for model in evaluation.models for metric in evaluation.metrics]
    rows = [
        [
            scores.condition.title,
            *(_share(model.ablations[place].tally(metric)) for model, metric in columns),
        ]
        for place, scores in enumerate(evaluation.models[0].ablations)
    ]
    return ["condition", *(f"{model.name} ({metric})" for model, metric in columns)], rows


def _head(evaluation: Evaluation) -> Iterator[str]:
    asked, chance = evaluation.asked, evaluation.chance
    yield f"# {asked.name}: accuracy over shots"
    yield ""
    yield (
        f"{evaluation.rows_asked} of {len(asked.rows)} rows asked, seed {evaluation.seed}; "
        f"manifest SHA-256 `{asked.digest}`."
    )
    yield (
        "Shots count the demonstrations of all labels together, as in the paper: 2 are 1 of each "
        "side. Upstream's code counts one side."
    )
    yield (
        f"Chance: {chance.guess:.2f} by a label drawn at random, {chance.majority:.2f} by always "
        "naming the same side. Questions without a usable answer count as not right."
    )
    yield ""


def _accuracy_section(evaluation: Evaluation, metric: str) -> Iterator[str]:
    yield f"## Accuracy ({metric})"
    yield ""
    yield f"{metric}: {_ABOUT[metric]}."
    yield ""
    rows = accuracy_rows(evaluation, metric)
    # The paper's numbers are by upstream's metric.
    published = evaluation.published if metric == "lcl" else None
    if published is not None:
        for model in published.rows:
            given = [published.accuracy(model, shots) for shots in evaluation.shots]
            cells = [_NOTHING if share is None else f"{share:.2f}" for share in given]
            rows.append([f"*{model} (paper)*", *cells])
    yield from markdown_table(["model", *map(str, evaluation.shots)], rows)
    if published is not None:
        yield (
            f"*In italics: {published.name}, Table {published.table} of {SOURCE}. It was measured "
            "on other images and is not comparable.*"
        )
        yield ""
    yield "95 % Wilson intervals:"
    yield ""
    intervals = [
        [model.name, *(_interval(scores.tally(metric)) for scores in model.plain)]
        for model in evaluation.models
    ]
    yield from markdown_table(["model", *map(str, evaluation.shots)], intervals)


def _answers_section(evaluation: Evaluation) -> Iterator[str]:
    yield "## Answers"
    yield ""
    yield "asked = right + wrong + failed; answers name one label, several, or none."
    yield ""
    counted = [f"right ({metric})" for metric in evaluation.metrics]
    rows, failures = [], []
    for model in evaluation.models:
        for scores in model.conditions:
            row = scores.to_json(evaluation.metrics)
            tallies = [scores.tally(metric) for metric in evaluation.metrics]
            right = [str(tally.right) for tally in tallies]
            named = [str(row["labels_named"][key]) for key in ("one", "several", "none")]
            first = tallies[0]
            counts = [str(first.asked), *right, str(first.failed), *named]
            rows.append([model.name, scores.condition.title, *counts])
            failures += [
                [model.name, scores.condition.title, reason, str(count)]
                for reason, count in row["failures"].items()
            ]
    header = ["model", "condition", "asked", *counted, "failed", "one", "several", "none"]
    yield from markdown_table(header, rows)
    if failures:
        yield from markdown_table(["model", "condition", "failure", "questions"], failures)
    yield from _token_table(evaluation)


def _token_table(evaluation: Evaluation) -> Iterator[str]:
    rows = []
    for model in evaluation.models:
        tokens, cost = model.tokens, model.cost
        if tokens.prompt_tokens is not None:
            price = _NOTHING if cost is None else f"{cost:.4f}"
            written = tokens.completion_tokens or 0
            rows.append([model.name, str(tokens.prompt_tokens), str(written), price])
    if rows:
        yield from markdown_table(["model", "tokens read", "tokens written", "cost"], rows)


def _concept_section(evaluation: Evaluation, model: ModelScores, metric: str) -> Iterator[str]:
    yield f"## By concept: {model.name} ({metric})"
    yield ""
    names = evaluation.asked.concept_names
    for title, columns, name_of in (
        ("concept", [scores.by_concept(metric) for scores in model.plain], names),
        ("side", [scores.by_side(metric) for scores in model.plain], {}),
    ):
        header = [title, *map(str, evaluation.shots)]
        yield from markdown_table(header, _grouped_rows(columns, name_of))


def _grouped_rows(
    columns: Sequence[Mapping[str, Tally]], name_of: Mapping[str, str]
) -> list[list[str]]:
    """A row for each key of any column; keys without a name are shown themselves."""
    keys = {key for column in columns for key in column}
    return [
        [name_of.get(key, key), *(_share(column.get(key)) for column in columns)]
        for key in sorted(keys, key=lambda key: (name_of.get(key, key), key))
    ]


def _ablation_section(evaluation: Evaluation) -> Iterator[str]:
    header, rows = ablation_table(evaluation)
    if not rows:
        return
    yield "## Labels changed"
    yield ""
    yield "Accuracy is that of the true label, whatever the demonstrations say."
    yield ""
    yield from markdown_table(header, rows)


def _share(tally: Tally | None) -> str:
    return _NOTHING if tally is None else f"{tally.accuracy.estimate:.2f}"


def _interval(tally: Tally) -> str:
    return f"{tally.accuracy.low:.2f} to {tally.accuracy.high:.2f}"
