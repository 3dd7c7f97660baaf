"""Which concepts their context alone gives away, by the last `evaluate --counterfactuals`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from isekai_gen.stages.report_page.markup import (
    Html,
    Table,
    between,
    folded,
    joined,
    number,
    paragraph,
    percent,
    section,
    table,
)
from isekai_gen.stages.report_page.plots import shortened

_Tree = Mapping[str, Any]
_LONGEST = 80
_HEADER = (
    "concept",
    "sources",
    "untouched: right",
    "object gone: still named",
    "chance",
    "shortcut gap",
    "flagged",
)


def shortcuts_section(tree: _Tree | None) -> Iterator[Html]:
    """The gap of each concept for each model; nothing where it was never measured.

    Args:
        tree: reports/shortcuts.json, checked.
    """
    if tree is None:
        return
    concepts: Sequence[_Tree] = tree["concepts"]
    flagged = [row for row in concepts if row["flagged"]]
    intro = (
        f"{tree['manifest']['name']} with {tree['shots']} demonstrations, metric {tree['metric']}. "
        "The shortcut gap is how much more often than by chance a model still names a concept "
        f"where its object was replaced. {len(flagged):,} of {len(concepts):,} concepts are "
        f"flagged: the lower end of a gap's interval is above {tree['margin']:.0%}."
    )
    tables = [
        folded(f"{model}: all concepts as a table", _gaps(model, total, concepts))
        for model, total in tree["total"].items()
    ]
    words = [_words(flagged)] if any(row["slots"] for row in flagged) else []
    yield section("shortcuts", "Shortcuts by context", paragraph(intro), *words, joined(tables))


def _words(flagged: Sequence[_Tree]) -> Html:
    """The slot values that set the images of flagged concepts most apart."""
    cells = [
        (
            row["concept"],
            shortened(f"{slot['slot']} = {slot['value']}", _LONGEST),
            percent(slot["share_within"]),
            percent(slot["share_elsewhere"]),
        )
        for row in flagged
        for slot in row["slots"]
    ]
    header = ("concept", "slot and value", "of its images", "of others")
    return table(Table("Words that go with flagged concepts", header, cells, frozenset({2, 3})))


def _gaps(model: str, total: _Tree, concepts: Sequence[_Tree]) -> Html:
    of_model = [
        (row["concept"], row["models"][model]) for row in concepts if model in row["models"]
    ]
    cells = [_cells(name, found) for name, found in [("all concepts", total), *of_model]]
    return table(Table(f"Shortcut gap of {model}", _HEADER, cells, frozenset(range(1, 6))))


def _cells(name: str, found: _Tree) -> tuple[str, ...]:
    gap = found["shortcut_gap"]
    return (
        name,
        number(found["counts"]["untouched"]["source_images"]),
        _share(found["untouched"]),
        _share(found["named_without_object"]),
        percent(found["chance"]),
        "-" if gap is None else _gap(gap),
        "flagged" if found["flagged"] else "",
    )


def _share(interval: _Tree | None) -> str:
    return "-" if interval is None else between(**interval)


def _gap(gap: _Tree) -> str:
    return f"{gap['estimate']:+.1%} ({gap['low'] * 100:+.1f} to {gap['high'] * 100:+.1f})"
