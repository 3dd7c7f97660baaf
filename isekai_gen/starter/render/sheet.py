"""Contact sheets of renders, to look at.

    python -m isekai_gen.starter.render.sheet OUT.png [thing ...]

For each thing named (default: all): a row of itself and a row of its feature on other bodies.
"""

import random
import sys
from dataclasses import replace

import cv2
import numpy as np

from isekai_gen.starter.render.sketch import Sketch, render, sample_sketch
from isekai_gen.starter.render.things import all_things

_COLUMNS = 12


def _row(sketches: list[Sketch], rng: random.Random) -> np.ndarray:
    return np.concatenate([render(sketch, rng) for sketch in sketches], axis=1)


def draw_sheet(names: list[str], rng: random.Random) -> np.ndarray:
    """uint8 [2 * 128 * len(names), 12 * 128, 3] RGB: each thing, and its feature on others."""
    rows = []
    for name in names:
        rows.append(_row([sample_sketch(rng, body=name) for _ in range(_COLUMNS)], rng))
        others = [other for other in all_things() if other != name]
        bodies = rng.sample(others, min(_COLUMNS, len(others)))
        hybrids = [sample_sketch(rng, body=body, feature=name) for body in bodies]
        hybrids += [replace(h, size="big") for h in hybrids[: _COLUMNS - len(hybrids)]]
        hybrids = (hybrids * _COLUMNS)[:_COLUMNS]
        rows.append(_row([replace(h, scene="plain", size="medium") for h in hybrids], rng))
    return np.concatenate(rows, axis=0)


if __name__ == "__main__":
    chosen = sys.argv[2:] or list(all_things())
    cv2.imwrite(sys.argv[1], draw_sheet(chosen, random.Random(0))[..., ::-1])
