"""accuracy.png: accuracy over shots with bands of the 95 % intervals, one panel a metric."""

from __future__ import annotations

import importlib.util
import io
import warnings
from typing import TYPE_CHECKING

from isekai_gen.evaluation.results import Evaluation
from isekai_gen.optional import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg

INSTALL = "pip install 'isekai-gen[plots]'"
_PANEL_INCHES = (5.0, 4.0)
_DOTS_PER_INCH = 120


def can_plot() -> bool:
    """Whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def require_plots() -> None:
    """Raise MissingDependencyError, with what to type, if matplotlib is not installed."""
    require("matplotlib", INSTALL)


def accuracy_plot(evaluation: Evaluation) -> bytes:
    """The bytes of the PNG file; the same for the same numbers and version of matplotlib.

    Raises:
        MissingDependencyError: If matplotlib is not installed.
    """
    require_plots()
    # The objects themselves, not pyplot: no window system is looked for, nothing global is set.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height = _PANEL_INCHES
    panels = len(evaluation.metrics)
    figure = Figure(figsize=(width * panels, height), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots(1, panels, squeeze=False)
    for metric, panel in zip(evaluation.metrics, axes[0], strict=True):
        _draw_panel(panel, evaluation, metric)
    return png_of(canvas)


def png_of(canvas: FigureCanvasAgg) -> bytes:
    """The bytes of the PNG file of a drawing."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A name in letters that the font has not is drawn as boxes; the tables have it whole.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        # "Software" would name the version of matplotlib with its address.
        canvas.print_figure(buffer, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()


def _draw_panel(panel: Axes, evaluation: Evaluation, metric: str) -> None:
    for model in evaluation.models:
        accuracies = [scores.tally(metric).accuracy for scores in model.plain]
        estimates = [accuracy.estimate for accuracy in accuracies]
        (line,) = panel.plot(evaluation.shots, estimates, marker="o", label=model.name)
        low = [accuracy.low for accuracy in accuracies]
        high = [accuracy.high for accuracy in accuracies]
        panel.fill_between(
            evaluation.shots, low, high, color=line.get_color(), alpha=0.2, linewidth=0
        )
    panel.axhline(evaluation.chance.guess, color="gray", linestyle="--", label="chance")
    panel.set_title(f"{evaluation.asked.name} ({metric})", parse_math=False)
    panel.set_xlabel("shots, of all labels together")
    panel.set_ylabel("accuracy")
    panel.set_ylim(-0.02, 1.02)
    panel.set_xticks(evaluation.shots)
    for name in panel.legend(loc="best").get_texts():
        name.set_parse_math(False)
