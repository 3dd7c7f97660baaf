"""Which pixels of a render show the thing, known from the renderer itself."""

from __future__ import annotations

import random

import numpy as np
import numpy.typing as npt

from isekai_gen.starter.render.palette import Color
from isekai_gen.starter.render.sketch import Sketch, render

# Opposite in every channel, and no color that anything is drawn in: a body would be found again by
# its color, and with it the backdrop.
_BACKDROPS: tuple[Color, Color] = ((255, 0, 255), (0, 255, 0))


def true_mask(sketch: Sketch, rng: random.Random) -> npt.NDArray[np.bool_]:
    """The pixels that the thing covers by at least half.

    The thing is drawn before two backdrops; where both pictures agree, no backdrop shows through.

    Args:
        sketch: What is drawn.
        rng: In the state that `render` was given; left as `render` leaves it.

    Returns:
        bool [128, 128].
    """
    state = rng.getstate()
    drawn = []
    for backdrop in _BACKDROPS:
        rng.setstate(state)
        drawn.append(render(sketch, rng, backdrop).astype(np.int16))
    seen_through: npt.NDArray[np.float64] = np.abs(drawn[0] - drawn[1]).mean(axis=2) / 255
    covered: npt.NDArray[np.bool_] = seen_through <= 0.5
    return covered
