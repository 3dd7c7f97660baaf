"""Pictures of how similar the classes of a dataset are to each other.

As the tools of Link-Context Learning draw them: one picture for the texts, one for images against
texts, one for the images, one for the similarity that combines them.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isekai_gen.neighbors.class_features import ClassFeatures, Similarity
from isekai_gen.neighbors.class_ranks import comparison_sides
from isekai_gen.optional import require
from isekai_gen.storage import write_atomically

_INSTALL = "pip install 'isekai-gen[plots]'"
MOST_CELLS = 1500
"""Rows of a picture, at most; of more classes each cell is the mean over a block of them."""
_MOST_LABELS = 60
_LONGEST_LABEL = 32
_DPI = 100
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HeatMap:
    """A matrix of similarities that is drawn.

    Attributes:
        name: "text-text", "image-text", "image-image" or "combined".
        cells: float64 [m, m], m at most `MOST_CELLS`.
        block: Classes that each row and column stands for, the last ones perhaps fewer.
        labels: Names of the classes; () where they could not be read.
    """

    name: str
    cells: Matrix
    block: int
    labels: tuple[str, ...]


def similarity_maps(features: ClassFeatures, similarity: Similarity) -> list[HeatMap]:
    """The matrices that these features have; "combined" where "lcl" combines several.

    The mean over a block of a product is the product of the means, so that the matrix of all pairs
    of 21,841 classes is never made.
    """
    block = -(-len(features.classes) // MOST_CELLS)
    text = None if features.text is None else _block_means(features.text, block)
    images = None if features.images is None else _block_means(features.images, block)
    found: dict[str, Matrix] = {}
    if text is not None:
        found["text-text"] = text @ text.T
    if text is not None and images is not None:
        found["image-text"] = images @ text.T
    if images is not None:
        found["image-image"] = images @ images.T
    if similarity == "lcl":
        left, right = comparison_sides(features, similarity)
        found["combined"] = _block_means(left, block) @ _block_means(right, block).T
    names = tuple(entry.name for entry in features.classes)
    labels = names if len(names) <= _MOST_LABELS else ()
    return [HeatMap(name, cells, block, labels) for name, cells in found.items()]


def write_heat_map(path: Path, heat_map: HeatMap) -> None:
    """Draw a matrix as a PNG; the same matrix gives the same bytes on one machine.

    Raises:
        MissingDependencyError: If matplotlib is not installed.
        StorageError: If the disk is full or read-only.
    """
    require_plots()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    count = len(heat_map.cells)
    # One dot for each cell at least, and room for names and scale.
    side = max(6.0, 1.4 * count / _DPI, 0.22 * len(heat_map.labels) + 2)
    figure = Figure(figsize=(1.15 * side, side), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    image = axes.imshow(heat_map.cells, cmap="viridis", interpolation="nearest")
    figure.colorbar(image, ax=axes, shrink=0.8)
    axes.set_title(f"{heat_map.name} similarity", parse_math=False)
    if heat_map.labels:
        shown = [_shortened(name) for name in heat_map.labels]
        axes.set_xticks(range(count), shown, rotation=90, parse_math=False)
        axes.set_yticks(range(count), shown, parse_math=False)
    else:
        unit = "class" if heat_map.block == 1 else f"blocks of {heat_map.block} classes"
        axes.set_xlabel(unit)
        axes.set_ylabel(unit)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes, which is no fault of ours.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    write_atomically(path, buffer.getvalue())


def require_plots() -> None:
    """Raise MissingDependencyError if matplotlib is not installed."""
    require("matplotlib", _INSTALL)


def _block_means(rows: npt.NDArray[np.floating], block: int) -> Matrix:
    """Means over `block` rows each, float64."""
    starts = np.arange(0, len(rows), block)
    sizes = np.diff(np.append(starts, len(rows)))
    totals = np.add.reduceat(rows, starts, axis=0, dtype=np.float64)
    means: Matrix = totals / sizes[:, None]
    return means


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_LABEL else name[: _LONGEST_LABEL - 1] + "…"
