"""What one render shows, how it is drawn, and how such sketches are sampled."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from isekai_gen.starter.render.canvas import PICTURE_SIZE, SUPERSAMPLING, Canvas, Pose
from isekai_gen.starter.render.held_out import is_held_out
from isekai_gen.starter.render.materials import MATERIALS, apply_material
from isekai_gen.starter.render.palette import COLORS, Color
from isekai_gen.starter.render.scenes import PLAIN, SCENES, paint_scene
from isekai_gen.starter.render.thing import Slot
from isekai_gen.starter.render.things import all_things

_SCALES = {"small": 0.27, "medium": 0.345, "big": 0.41}
_HYBRID_SHRINK = 0.86
# A feature that reaches out of the body moves the whole to keep it in the picture.
_HYBRID_SHIFT = {Slot.TOP: (0.0, 0.07), Slot.BOTTOM: (0.0, -0.07), Slot.BACK: (-0.05, 0.0)}


@dataclass(frozen=True)
class Sketch:
    """Everything that a caption may speak of.

    Attributes:
        body: Name of the thing whose body is drawn.
        feature: Name of the thing whose signature feature it wears, or None for a real thing.
        color: Palette name of the body.
        color_named: Whether captions name that color.
        feature_color: Palette name of the feature ("" for a real thing).
        material: One of `MATERIALS`.
        scene: One of `SCENES`.
        background: Palette name; matters for the plain scene.
        size: "small", "medium" or "big".
        face: Whether a thing that is not alive has a face.
    """

    body: str
    feature: str | None
    color: str
    color_named: bool
    feature_color: str
    material: str
    scene: str
    background: str
    size: str
    face: bool


AllowPair = Callable[[str, str], bool]


def allowed_in_training(body: str, feature: str) -> bool:
    """Whether a hybrid may be shown to the models: another thing, and not a held-out pair."""
    return body != feature and not is_held_out(body, feature)


def sample_sketch(
    rng: random.Random,
    hybrid_share: float = 0.72,
    allow_pair: AllowPair = allowed_in_training,
    body: str | None = None,
    feature: str | None = None,
) -> Sketch:
    """Draw a random sketch.

    Args:
        rng: Source of randomness; the same state gives the same sketch.
        hybrid_share: Chance of a hybrid, in [0, 1]; ignored if `body` is given.
        allow_pair: Which (body, feature) may be combined when both are random.
        body: Fixes the body; then `feature` is taken as given (None: a real thing).
        feature: Fixes the feature.
    """
    things = all_things()
    names = list(things)
    if body is None:
        body = rng.choice(names)
        if rng.random() < hybrid_share:
            feature = rng.choice([name for name in names if allow_pair(body, name)])
    color_named = rng.random() < 0.5
    color = rng.choice(list(COLORS)) if color_named else rng.choice(things[body].colors)
    plain = rng.random() < 0.4
    backgrounds = [name for name in COLORS if name != color]
    return Sketch(
        body=body,
        feature=feature,
        color=color,
        color_named=color_named,
        feature_color=_feature_color(rng, feature, color),
        material=rng.choice(MATERIALS[1:]) if rng.random() < 0.2 else MATERIALS[0],
        scene=PLAIN if plain else rng.choice(SCENES[1:]),
        background=rng.choice(backgrounds),
        size=rng.choice(("small", "medium", "medium", "medium", "big")),
        face=rng.random() < 0.4,
    )


def _feature_color(rng: random.Random, feature: str | None, body_color: str) -> str:
    if feature is None:
        return ""
    colors = all_things()[feature].feature.colors
    different = [name for name in colors if name != body_color]
    return rng.choice(different or list(colors))


def render(
    sketch: Sketch, rng: random.Random, backdrop: Color | None = None
) -> npt.NDArray[np.uint8]:
    """Draw a sketch as uint8 [128, 128, 3] RGB; `rng` decides pose and small variations.

    With a `backdrop`, the same thing in the same place stands before that color, without a scene.
    """
    side = PICTURE_SIZE * SUPERSAMPLING
    pixels = np.zeros((side, side, 3), np.uint8)
    paint_scene(pixels, sketch.scene, sketch.background, rng)
    if backdrop is not None:
        pixels[:] = backdrop
    thing = all_things()[sketch.body]
    canvas = Canvas(pixels, rng, _sample_pose(sketch, rng))
    color = _vary(COLORS[sketch.color], rng)
    if sketch.feature is None:
        thing.draw_body(canvas, color, None, sketch.face)
        canvas.mark_body(color)
        apply_material(canvas, sketch.material)
    else:
        feature = all_things()[sketch.feature].feature
        feature_color = _vary(COLORS[sketch.feature_color], rng)
        if feature.behind:
            feature.behind(canvas, thing.anchors, feature_color)
        thing.draw_body(canvas, color, feature.slot, sketch.face)
        canvas.mark_body(color)
        apply_material(canvas, sketch.material)
        if feature.front:
            feature.front(canvas, thing.anchors, feature_color)
    small = cv2.resize(canvas.pixels, (PICTURE_SIZE, PICTURE_SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def _vary(color: Color, rng: random.Random) -> Color:
    red, green, blue = (min(255, max(0, round(v + rng.uniform(-12, 12)))) for v in color)
    return (red, green, blue)


def _sample_pose(sketch: Sketch, rng: random.Random) -> Pose:
    scale = _SCALES[sketch.size] * rng.uniform(0.94, 1.06)
    mirrored = rng.random() < 0.5
    shift_x = shift_y = 0.0
    if sketch.feature is not None:
        scale *= _HYBRID_SHRINK
        slot = all_things()[sketch.feature].feature.slot
        shift_x, shift_y = _HYBRID_SHIFT.get(slot, (0.0, 0.0))
        shift_x = -shift_x if mirrored else shift_x
    room = 0.11 if sketch.size == "small" else 0.05
    return Pose(
        scale=scale,
        center_x=0.5 + shift_x + rng.uniform(-room, room),
        center_y=0.52 + shift_y + rng.uniform(-room, room) * 0.7,
        rotation=rng.uniform(-0.2, 0.2),
        mirrored=mirrored,
        stretch=rng.uniform(0.92, 1.09),
    )
