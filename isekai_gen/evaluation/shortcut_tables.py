"""The shortcut gap in results.md and on the terminal: three kinds of queries side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from isekai_gen.evaluation.markdown import markdown_table
from isekai_gen.evaluation.shortcut import MARGIN, ModelShortcuts, ShortcutMeasure, Shortcuts
from isekai_gen.evaluation.shortcut_intervals import Difference
from isekai_gen.intervals import Interval

TOTAL = "all concepts"
_NOTHING = "-"
_COLUMNS = (
    "untouched: right",
    "object kept, foreign context: right",
    "object gone, context kept: still named (low is good)",
    "chance",
    "shortcut gap",
)


def shortcut_header(title: str) -> list[str]:
    """Names of the columns; the first one is the caller's."""
    return [title, "sources", *_COLUMNS]


def shortcut_rows(model: ModelShortcuts, metric: str) -> list[list[str]]:
    """A row for all concepts together, then one for each; flagged ones say so."""
    rows = [_row(TOTAL, model.total(metric))]
    for concept, found in model.by_concept(metric).items():
        rows.append(_row(f"{concept} (flagged)" if found.flagged else concept, found))
    return rows


def shortcut_section(shortcuts: Shortcuts, metrics: Sequence[str]) -> Iterator[str]:
    """Lines of results.md."""
    yield "## Shortcut gap"
    yield ""
    yield (
        f"The same support sets of {shortcuts.shots} shots with queries of three kinds: untouched; "
        "the object in foreign context, where the label stands; the context without the object, "
        "where it does not stand, so that naming it is wrong: the share is no accuracy."
    )
    yield (
        "Shortcut gap = share of context-only queries for which the concept is still named, less "
        "chance (1 / number of labels): what survives of the accuracy without the object. Flagged: "
        f"the lower end of the gap's interval is above {MARGIN:g}."
    )
    yield (
        "95 % Wilson intervals over source images (each with the mean of its questions). Questions "
        "without a usable answer count as not right and as naming nothing."
    )
    yield (
        f"Left out: {shortcuts.rows_without_samples} rows whose query has no sample, and "
        f"{shortcuts.samples_with_shown_fillers} samples with pixels of a demonstration."
    )
    yield ""
    for metric in metrics:
        for model in shortcuts.models:
            yield f"### {model.name} ({metric})"
            yield ""
            yield from markdown_table(shortcut_header("concept"), shortcut_rows(model, metric))
            yield from _loss_lines(model.total(metric))


def _loss_lines(total: ShortcutMeasure) -> Iterator[str]:
    """What is lost without context and without object, paired by source image."""
    yield (
        "Accuracy lost, paired by source image: "
        f"{_difference(total.context_loss)} in foreign context, "
        f"{_difference(total.object_loss)} without the object (intervals after Newcombe 1998)."
    )
    if total.surviving_share is not None:
        yield (
            f"Of the accuracy above chance, {total.surviving_share:.2f} survives without the "
            "object."
        )
    yield ""


def _row(title: str, found: ShortcutMeasure) -> list[str]:
    return [
        title,
        str(found.counts["untouched"].source_images),
        _interval(found.untouched),
        _interval(found.object_kept),
        _interval(found.named_without_object),
        _NOTHING if found.chance is None else f"{found.chance:.2f}",
        _difference(found.shortcut_gap),
    ]


def _interval(share: Interval | None) -> str:
    if share is None:
        return _NOTHING
    return f"{share.estimate:.2f} [{share.low:.2f}, {share.high:.2f}]"


def _difference(found: Difference | None) -> str:
    if found is None:
        return _NOTHING
    return f"{found.estimate:+.2f} [{found.low:+.2f}, {found.high:+.2f}]"
