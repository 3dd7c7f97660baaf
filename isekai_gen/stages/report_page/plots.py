"""Plots as inline SVG that takes its colors from the page, in light and in dark, and its font.

Texts stay texts: they can be searched and are read in any size. The same numbers give the same
bytes with one version of matplotlib.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from isekai_gen.stages.report_page.markup import Html

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_INCHES = 7.2
# matplotlib wants colors; the page has variables, which these stand for until the SVG is made.
INK, MUTED, RULE = "#010203", "#040506", "#070809"
KEPT, DROPPED, ACROSS = "#0a0b0c", "#0d0e0f", "#101112"
_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    RULE: "--rule",
    KEPT: "--kept",
    DROPPED: "--dropped",
    ACROSS: "--across",
}
# Any: the keys of matplotlib's settings are a type with 300 members.
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": 8.5,
    "text.color": INK,
    "text.parse_math": False,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": RULE,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.formatter.useoffset": False,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
    "legend.frameon": False,
    "figure.facecolor": "none",
}
# Groups are numbered in every plot alike, and two elements of a page must not share an id.
_GROUP_ID = re.compile(r'<g id="[^"]*"')
_HEAD = re.compile(r"^.*?<svg [^>]*?viewBox=\"([^\"]*)\"[^>]*>", re.DOTALL)
# The metadata say when and by what; the style is about every element of the page.
_LEFT_OUT = re.compile(r"<metadata>.*?</metadata>|<style .*?</style>", re.DOTALL)
_STYLE_ATTRIBUTE = re.compile(r' style="[^"]*"')
_FONT = re.compile(r"font: ([0-9.]+)px [^;\"]*")
_FAMILY = re.compile(r"font-family: [^;\"]*;? ?")


def plot(name: str, alt: str, height: float, draw: Callable[[Axes], None]) -> Html:
    """One panel.

    Args:
        name: Of the plot, unlike every other of the page.
        alt: What it shows, in words.
        height: In inches.
        draw: Draws.

    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    buffer = io.StringIO()
    with rc_context({**_STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        # A name in letters that the font has not is measured as boxes; it is written whole.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        FigureCanvasSVG(figure).print_figure(buffer, format="svg", metadata=metadata)
    return _inline(buffer.getvalue(), alt)


def _inline(svg: str, alt: str) -> Html:
    """The drawing alone, to stand in a page."""
    found = _HEAD.match(svg)
    if found is None:
        raise ValueError("matplotlib wrote no SVG with a viewBox")
    body = _LEFT_OUT.sub("", svg[found.end() :])
    body = _GROUP_ID.sub("<g", body)
    body = _STYLE_ATTRIBUTE.sub(_of_the_page, body)
    head = f'<svg viewBox="{found.group(1)}" role="img" aria-label="{escape(alt)}">'
    return Html(f"{head}{body.strip()}")


def _of_the_page(found: re.Match[str]) -> str:
    """A style attribute with the page's font and colors."""
    style = _FAMILY.sub("", _FONT.sub(r"font-size: \1px", found.group()))
    for color, variable in _VARIABLES.items():
        style = style.replace(color, f"var({variable})")
    return style


def name_rows(axes: Axes, names: list[str]) -> None:
    """Names down the left side, the first on top."""
    axes.set_yticks(range(len(names)), [shortened(name) for name in names])
    for label in axes.get_yticklabels():
        label.set_color(INK)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")


def count_images(axes: Axes, most: float) -> None:
    """A lower axis of whole images that has room for `most`."""
    from matplotlib.ticker import MaxNLocator

    axes.set_xlim(0, max(1.0, most))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("images")


def shortened(name: str, longest: int = 36) -> str:
    """A name that leaves room for the plot."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"
