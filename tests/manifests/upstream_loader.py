"""What the Link-Context Learning evaluation does with a manifest, written anew from its behavior.

An oracle for our manifests: it loads them as the class ISEKAIEval2Way does, and measures accuracy
as the metric ISEKAIMetrics does, quirks included.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import jsonlines
from PIL import Image

ANSWER = 'there is "{}" in the image.'


class UpstreamEvaluation:
    """A manifest as loaded upstream."""

    def __init__(self, manifest: Path, image_folder: Path) -> None:
        self.image_folder = image_folder
        with jsonlines.open(manifest) as reader:
            self.rows = list(reader)
        assert len(self.rows) % 2 == 0

    def load_sample(self, index: int, shot: int) -> dict[str, object]:
        """The pictures and names of one query; the first `shot` of each list, in order."""
        row = self.rows[index]
        return {
            "query": self._open(row["image_name"]),
            "positive": [self._open(row["positive_list"][i]) for i in range(shot)],
            "negative": [self._open(row["negative_list"][i]) for i in range(shot)],
            "names": (row["positive_promt"], row["negative_promt"]),
            "target": f" ASSISTANT: {ANSWER.format(row['label_name'])}</s>",
        }

    def accuracy(self, answer: Callable[[dict[str, object]], str], shot: int) -> float:
        """Share of queries answered rightly, as the metric sees it."""
        correct = 0
        for index in range(len(self.rows)):
            sample = self.load_sample(index, shot)
            prediction = answer(sample)
            target = _stripped(str(sample["target"]).split("ASSISTANT:")[-1].split("</s>")[0])
            # The metric goes by row number and lower-cases its own copy of the names.
            names = [self.rows[index][key].lower() for key in ("positive_promt", "negative_promt")]
            other = _last_other(names, target)
            correct += target in prediction and other not in prediction
        return correct / len(self.rows)

    def _open(self, path: str) -> Image.Image:
        with Image.open(os.path.join(self.image_folder, path)) as image:  # noqa: PTH118
            return image.convert("RGB")


def _last_other(names: Sequence[str], target: str) -> str:
    other = None
    for name in names:
        if name != target:
            other = name
    if other is None:
        raise UnboundLocalError("upstream has no name for the wrong answer here")
    return other


def _stripped(text: str) -> str:
    for part in ("The answer is", "there is", "in the image", '"', "'", "."):
        text = text.replace(part, "")
    return text.strip().lower()


def answer_rightly(sample: dict[str, object]) -> str:
    """A perfect model."""
    return str(sample["target"]).split("ASSISTANT: ")[1].split("</s>")[0]


def answer_wrongly(sample: dict[str, object]) -> str:
    """A model that always names the other label."""
    right = answer_rightly(sample)
    (wrong,) = (name for name in sample["names"] if ANSWER.format(name) != right)  # type: ignore[attr-defined]
    return ANSWER.format(wrong)
