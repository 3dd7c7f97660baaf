"""Accuracies that the paper published, as reference rows beside one's own.

Tai, Fan, Zhang, Liu: "Link-Context Learning for Multimodal LLMs", CVPR 2024 (arXiv 2308.07891),
Table 1 (ISEKAI-10, ISEKAI-pair) and Table 2 (ImageNet-100). Other images than anybody's own: what
they are good for is the shape of a curve, not a comparison of numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from isekai_gen.evaluation.rows import EvaluationSet

SOURCE = "Tai et al., Link-Context Learning for Multimodal LLMs, CVPR 2024, arXiv 2308.07891"
_FROM_2 = (2, 4, 6, 8, 10, 12, 14, 16)
_FROM_0 = (0, *_FROM_2)


@dataclass(frozen=True)
class PublishedTable:
    """Rows of one of the paper's tables.

    Attributes:
        name: The paper's name of the set.
        table: Number of the table.
        shots: Columns, counted over both sides.
        rows: Model to its accuracies, one for each column.
    """

    name: str
    table: int
    shots: tuple[int, ...]
    rows: Mapping[str, tuple[float, ...]]

    def accuracy(self, model: str, shots: int) -> float | None:
        """What the paper says, or None if it says nothing for this shot count."""
        return dict(zip(self.shots, self.rows[model], strict=True)).get(shots)


_ISEKAI_10 = PublishedTable(
    "ISEKAI-10",
    1,
    _FROM_2,
    {
        "OpenFlamingo": (0.46, 0.44, 0.46, 0.48, 0.50, 0.50, 0.48, 0.46),
        "Otter": (0.23, 0.23, 0.19, 0.15, 0.14, 0.12, 0.10, 0.07),
        "vanilla Shikra": (0.0,) * 8,
        "LCL 2-way-random": (0.64, 0.63, 0.65, 0.62, 0.61, 0.57, 0.56, 0.56),
        "LCL mix": (0.68, 0.70, 0.73, 0.69, 0.63, 0.62, 0.65, 0.62),
    },
)
_ISEKAI_PAIR = PublishedTable(
    "ISEKAI-pair",
    1,
    _FROM_2,
    {
        "OpenFlamingo": (0.19, 0.34, 0.38, 0.39, 0.41, 0.40, 0.40, 0.40),
        "Otter": (0.01, 0.04, 0.04, 0.03, 0.03, 0.02, 0.02, 0.01),
        "vanilla Shikra": (0.0,) * 8,
        "LCL mix": (0.39, 0.38, 0.38, 0.40, 0.40, 0.39, 0.37, 0.35),
        "LCL 2-way-random": (0.43, 0.46, 0.47, 0.48, 0.48, 0.49, 0.49, 0.49),
    },
)
_IMAGENET_100 = PublishedTable(
    "ImageNet-100",
    2,
    _FROM_0,
    {
        "OpenFlamingo": (0.0, 0.41, 0.62, 0.72, 0.75, 0.77, 0.78, 0.73, 0.72),
        "Otter": (0.13, 0.18, 0.21, 0.24, 0.25, 0.26, 0.24, 0.23, 0.23),
        "vanilla Shikra": (0.05, *((0.0,) * 8)),
        "LCL mix": (0.16, 0.73, 0.78, 0.83, 0.73, 0.71, 0.72, 0.65, 0.57),
        "LCL 2-way": (0.02, 0.51, 0.61, 0.68, 0.73, 0.77, 0.78, 0.78, 0.79),
        "LCL 2-way-random": (0.0, 0.77, 0.78, 0.77, 0.79, 0.77, 0.77, 0.77, 0.75),
        "LCL 2-way-weight": (0.0, 0.69, 0.71, 0.72, 0.76, 0.77, 0.78, 0.78, 0.79),
    },
)


def published_table(asked: EvaluationSet) -> PublishedTable | None:
    """The table of the paper for a manifest of this kind; None if there is none.

    ISEKAI-10 and ISEKAI-pair have the same keys, so that the file's name tells which it is.
    """
    if asked.format == "lcl-test":
        return _IMAGENET_100
    if asked.format == "isekai":
        for table in (_ISEKAI_10, _ISEKAI_PAIR):
            if re.match(rf"{table.name}(?![A-Za-z0-9])", asked.name, re.IGNORECASE):
                return table
    return None
