"""Pictures, views and grids that can be checked by eye."""

from __future__ import annotations

import numpy as np
import pytest

from isekai_gen.counterfactuals.masks import PictureGrid
from isekai_gen.models.activation_view import PictureView


def whole_grid(width: int, height: int, rows: int, columns: int) -> PictureGrid:
    """A grid over the whole picture."""
    return PictureGrid(width, height, rows, columns, PictureView(0, 0, width, height))


def plain(width: int, height: int, level: int) -> np.ndarray:
    """A picture of one gray."""
    return np.full((height, width, 3), level, dtype=np.uint8)


@pytest.fixture
def corner() -> np.ndarray:
    """A map of a 4 x 4 grid whose upper left patch is the object."""
    activation = np.zeros((4, 4), dtype=np.float32)
    activation[0, 0] = 1
    return activation
