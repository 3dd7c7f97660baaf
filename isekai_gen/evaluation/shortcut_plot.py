"""shortcuts.png: queries of three kinds side by side, with bars of the 95 % intervals.

A column of panels for each metric, a row for each model, in it a line for each concept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from isekai_gen.evaluation.plot import png_of, require_plots
from isekai_gen.evaluation.shortcut import ModelShortcuts, ShortcutMeasure, Shortcuts
from isekai_gen.evaluation.shortcut_tables import TOTAL
from isekai_gen.intervals import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANEL_WIDTH = 6.0
_ROW_HEIGHT = 0.3
_MARGIN_HEIGHT = 1.8
_KINDS = (
    ("untouched: right", "tab:blue", "o", -0.2),
    ("object kept, foreign context: right", "tab:green", "s", 0.0),
    ("object gone: still named (low is good)", "tab:red", "x", 0.2),
)


def shortcut_plot(shortcuts: Shortcuts, metrics: Sequence[str]) -> bytes:
    """The bytes of the PNG file; the same for the same numbers and version of matplotlib.

    Raises:
        MissingDependencyError: If matplotlib is not installed.
    """
    require_plots()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    concepts = max(len(model.by_concept(metrics[0])) for model in shortcuts.models)
    height = _MARGIN_HEIGHT + _ROW_HEIGHT * (concepts + 1)
    size = (_PANEL_WIDTH * len(metrics), height * len(shortcuts.models))
    figure = Figure(figsize=size, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots(len(shortcuts.models), len(metrics), squeeze=False)
    for row, model in zip(axes, shortcuts.models, strict=True):
        for panel, metric in zip(row, metrics, strict=True):
            _draw_panel(panel, model, metric)
    shown, names = axes[0][0].get_legend_handles_labels()
    figure.legend(shown, names, loc="outside lower center", ncols=2, fontsize="small")
    return png_of(canvas)


def _draw_panel(panel: Axes, model: ModelShortcuts, metric: str) -> None:
    total = model.total(metric)
    rows = {TOTAL: total, **model.by_concept(metric)}
    for kind in range(len(_KINDS)):
        _draw_kind(panel, list(rows.values()), kind)
    if total.chance is not None:
        panel.axvline(total.chance, color="gray", linestyle="--", label="chance")
    panel.set_title(f"{model.name} ({metric})", parse_math=False)
    panel.set_xlabel("share of queries, 95 % intervals over source images")
    panel.set_xlim(-0.02, 1.02)
    panel.set_yticks(range(len(rows)))
    panel.set_yticklabels(
        [
            f"{name} (flagged)" if found.flagged and name != TOTAL else name
            for name, found in rows.items()
        ]
    )
    panel.invert_yaxis()


def _draw_kind(panel: Axes, rows: Sequence[ShortcutMeasure], kind: int) -> None:
    label, color, marker, shift = _KINDS[kind]
    shares = [_shares(found)[kind] for found in rows]
    points = [(place, share) for place, share in enumerate(shares) if share is not None]
    panel.errorbar(
        [share.estimate for _, share in points],
        [place + shift for place, _ in points],
        xerr=(
            [share.estimate - share.low for _, share in points],
            [share.high - share.estimate for _, share in points],
        ),
        fmt=marker,
        color=color,
        label=label,
        markersize=4,
        linewidth=1,
    )


def _shares(found: ShortcutMeasure) -> tuple[Interval | None, ...]:
    return found.untouched, found.object_kept, found.named_without_object
