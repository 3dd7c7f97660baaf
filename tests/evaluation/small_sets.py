"""Small manifests over pictures of two colors, and models that answer by rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from isekai_gen.evaluation import models
from isekai_gen.evaluation.metrics import ANSWER
from isekai_gen.evaluation.protocols import Answer

COLORS = {"dax": (200, 40, 40), "wug": (40, 60, 200)}
SHOTS = 2
"""Support images of each side."""
QUERIES = 3
"""Queries of each side."""


def draw_images(folder: Path) -> Path:
    """dax/0.png ... and wug/0.png ...: queries first, then support images."""
    noise = np.random.default_rng(0)
    for label, color in COLORS.items():
        (folder / label).mkdir(parents=True)
        for number in range(QUERIES + SHOTS):
            pixels = np.clip(np.array(color) + noise.normal(0, 20, (32, 32, 3)), 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / label / f"{number}.png")
    return folder


def isekai_rows() -> list[dict[str, object]]:
    """A query of the one, a query of the other, and so on."""
    numbers = range(QUERIES, QUERIES + SHOTS)
    shared = {
        "positive_list": [f"dax/{number}.png" for number in numbers],
        "negative_list": [f"wug/{number}.png" for number in numbers],
        "positive_promt": "dax",
        "negative_promt": "wug",
    }
    return [
        {**shared, "image_name": f"{label}/{number}.png", "label_name": label}
        for number in range(QUERIES)
        for label in COLORS
    ]


def lcl_test_rows() -> list[dict[str, object]]:
    return [
        {
            "class_id": str(number),
            "class_name": name,
            "context_samples": [f"{label}/{k}.png" for k in range(QUERIES, QUERIES + SHOTS)],
            "test_samples": [f"{label}/{k}.png" for k in range(QUERIES)],
        }
        for number, (label, name) in enumerate({"dax": "Red Dax", "wug": "Wug"}.items(), start=7)
    ]


def write_lines(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def right_label(question) -> str:
    """What the query shows, as the tests' folders say."""
    return Path(question.images[question.episode.query.image]).parent.name


@dataclass
class RuleAnswerer:
    """An `Answerer` that answers by a rule.

    Attributes:
        rule: From a question to the words, or to an answer.
        name: As the protocol has it.
        identity: As the protocol has it.
        asked: Keys of all questions so far.
    """

    rule: Callable
    name: str = "rule:test"
    identity: str = "rule"
    asked: list[str] = field(default_factory=list)

    def answers(self, questions):
        for question in reversed(questions):  # any order is allowed
            self.asked.append(question.key)
            said = self.rule(question)
            yield said if isinstance(said, Answer) else Answer(question.key, said)


def answer_rightly(question) -> str:
    return ANSWER.format(right_label(question))


def register(monkeypatch, *answerers: RuleAnswerer) -> list[str]:
    """Let `--model rule:N` mean these; returns the names to give."""
    openers = {**models._OPENERS, "rule": lambda number, _: answerers[int(number)]}
    monkeypatch.setattr(models, "_OPENERS", openers)
    return [f"rule:{number}" for number in range(len(answerers))]
