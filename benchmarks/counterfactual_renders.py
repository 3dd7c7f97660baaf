"""Renders whose objects are known, for counterfactual_masks.py."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from isekai_gen.counterfactuals.masks import PictureGrid
from isekai_gen.models.activation import ActivationMapper
from isekai_gen.starter.prompts import with_article
from isekai_gen.starter.render.sketch import render, sample_sketch
from isekai_gen.starter.render.things import all_things
from isekai_gen.starter.render.true_mask import true_mask
from isekai_gen.starter.training.renders import CATEGORIES

Masks = npt.NDArray[np.bool_]
_PATCHES = 8
_CUT = 96


@dataclass(frozen=True)
class Renders:
    """Square pictures whose objects are known.

    Attributes:
        pictures: uint8 [n, side, side, 3].
        truth: bool [n, side, side].
        own: Number of each picture's category, int64 [n].
        ids: Made up, in the form of image ids.
    """

    pictures: npt.NDArray[np.uint8]
    truth: Masks
    own: npt.NDArray[np.int64]
    ids: tuple[str, ...]

    def images(self) -> list[Image.Image]:
        """As an encoder takes them."""
        return [Image.fromarray(each) for each in self.pictures]


def draw(count: int) -> Renders:
    """`count` renders that no model was trained on, the categories in turn."""
    pictures, truths, ids = [], [], []
    for number in range(count):
        body, feature = CATEGORIES[number % len(CATEGORIES)]
        rng = random.Random(f"counterfactual-masks/{number}")
        sketch = sample_sketch(rng, body=body, feature=feature)
        state = rng.getstate()
        pictures.append(render(sketch, rng))
        rng.setstate(state)
        truths.append(true_mask(sketch, rng))
        ids.append(hashlib.sha256(f"render {number}".encode()).hexdigest()[:20])
    own = np.arange(count, dtype=np.int64) % len(CATEGORIES)
    return Renders(np.array(pictures), np.array(truths), own, tuple(ids))


def moved(renders: Renders) -> Renders:
    """The same pictures cut at one of their corners, in turn, so that objects stand off center."""
    rest = renders.pictures.shape[1] - _CUT
    pictures, truths = [], []
    for number, (picture, truth) in enumerate(zip(renders.pictures, renders.truth, strict=True)):
        # One of the 40 categories follows the other: each of them is to see all corners.
        top, left = divmod((number + number // len(CATEGORIES)) % 4, 2)
        window = (
            slice(top * rest, top * rest + _CUT),
            slice(left * rest, left * rest + _CUT),
        )
        pictures.append(picture[window])
        truths.append(truth[window])
    return Renders(np.array(pictures), np.array(truths), renders.own, renders.ids)


def category_texts() -> list[str]:
    """What each category is called in captions."""
    things = all_things()
    return [
        with_article(
            body if feature is None else f"{body} with {things[feature].feature.phrases[0]}"
        )
        for body, feature in CATEGORIES
    ]


def grid_of(mapper: ActivationMapper, renders: Renders) -> PictureGrid:
    """The starter encoder's grid on the pictures."""
    side = renders.pictures.shape[1]
    return PictureGrid(side, side, _PATCHES, _PATCHES, mapper.view(side, side))
