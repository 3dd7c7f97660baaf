"""Backgrounds: a plain color with a soft shadow, or one of a few simple places."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from isekai_gen.starter.render.palette import COLORS, Color, darker, lighter

Pixels = npt.NDArray[np.uint8]
PLAIN = "plain"


class _Place:
    """Drawing tools in shares of the picture's side, for backgrounds only."""

    def __init__(self, pixels: Pixels, rng: random.Random) -> None:
        self.pixels, self.rng, self.side = pixels, rng, pixels.shape[0]
        self.horizon = rng.uniform(0.6, 0.72)

    def gradient(self, top: Color, bottom: Color) -> None:
        share = np.linspace(0, 1, self.side)[:, None]
        column = np.array(top) * (1 - share) + np.array(bottom) * share
        self.pixels[:] = column[:, None, :].astype(np.uint8)

    def hill(self, color: Color, swell: float = 0.04, level: float | None = None) -> None:
        base = self.horizon if level is None else level
        across = np.linspace(0, self.side, 24)
        phase = self.rng.uniform(0, 6)
        ridge = (base + swell * np.sin(across / self.side * 5 + phase)) * self.side
        shape = np.stack([across, ridge], 1).astype(np.int32).tolist()
        shape += [[self.side, self.side], [0, self.side]]
        cv2.fillPoly(self.pixels, [np.array(shape, np.int32)], color, cv2.LINE_AA)

    def spot(self, x: float, y: float, radius: float, color: Color, flat: float = 1.0) -> None:
        center = (round(x * self.side), round(y * self.side))
        axes = (max(1, round(radius * self.side)), max(1, round(radius * flat * self.side)))
        cv2.ellipse(self.pixels, center, axes, 0, 0, 360, color, -1, cv2.LINE_AA)

    def block(self, left: float, top: float, right: float, bottom: float, color: Color) -> None:
        corners = [round(v * self.side) for v in (left, top, right, bottom)]
        cv2.rectangle(self.pixels, tuple(corners[:2]), tuple(corners[2:]), color, -1)

    def triangle(self, x: float, base: float, width: float, height: float, color: Color) -> None:
        corners = np.array([[x - width, base], [x + width, base], [x, base - height]]) * self.side
        cv2.fillPoly(self.pixels, [corners.astype(np.int32)], color, cv2.LINE_AA)

    def scatter(self, low: int, high: int, top: float, bottom: float) -> list[tuple[float, float]]:
        count = self.rng.randint(low, high)
        return [(self.rng.random(), self.rng.uniform(top, bottom)) for _ in range(count)]


def _meadow(place: _Place) -> None:
    place.gradient((126, 196, 240), (214, 238, 250))
    place.hill(lighter((110, 180, 90), 0.15), 0.06, place.horizon - 0.06)
    place.hill((104, 178, 84))
    for x, y in place.scatter(3, 8, place.horizon + 0.06, 1.0):
        place.spot(
            x, y, 0.014, place.rng.choice([(255, 240, 120), (255, 255, 255), (250, 150, 190)])
        )
    x, y = place.rng.uniform(0.1, 0.9), place.rng.uniform(0.06, 0.2)
    for shift in (-0.07, 0.0, 0.07):
        place.spot(x + shift, y + abs(shift) / 4, 0.08, (255, 255, 255), 0.6)


def _desert(place: _Place) -> None:
    place.gradient((250, 196, 120), (252, 232, 190))
    x, y = place.rng.uniform(0.1, 0.9), place.rng.uniform(0.08, 0.22)
    place.spot(x, y, place.rng.uniform(0.06, 0.09), (255, 244, 190))
    place.hill((232, 180, 110), 0.06, place.horizon - 0.05)
    place.hill((238, 200, 136))


def _night(place: _Place) -> None:
    place.gradient((16, 20, 56), (58, 54, 110))
    for x, y in place.scatter(16, 30, 0, 0.7):
        place.spot(x, y, place.rng.choice([0.004, 0.004, 0.008]), (250, 246, 210))
    x, y = place.rng.uniform(0.1, 0.9), place.rng.uniform(0.08, 0.2)
    place.spot(x, y, place.rng.uniform(0.05, 0.08), (250, 240, 190))
    place.hill((40, 52, 84))


def _snow(place: _Place) -> None:
    place.gradient((168, 196, 226), (214, 228, 242))
    place.hill((240, 246, 252))
    for x, y in place.scatter(18, 32, 0, 1):
        place.spot(x, y, place.rng.choice([0.008, 0.011, 0.015]), (255, 255, 255))


def _sea(place: _Place) -> None:
    place.gradient((70, 176, 214), (18, 78, 140))
    place.hill((196, 180, 130), 0.03, 0.88)
    for x, y in place.scatter(5, 11, 0, 0.85):
        radius = place.rng.uniform(0.012, 0.03)
        place.spot(x, y, radius, (180, 228, 244))
        place.spot(x, y, radius * 0.6, (90, 180, 216))
    for x, _ in place.scatter(3, 4, 0, 1):
        for step in range(place.rng.randint(5, 9)):
            sway = 0.02 * math.sin(step * 0.9)
            place.spot(x + sway, 1 - 0.03 * step, 0.012, (60, 140, 90), 1.6)


def _room(place: _Place) -> None:
    wall = place.rng.choice([(232, 214, 190), (206, 222, 214), (222, 206, 226), (210, 220, 236)])
    place.pixels[:] = wall
    place.block(0, place.horizon, 1, 1, (176, 126, 84))
    place.block(0, place.horizon, 1, place.horizon + 0.025, darker(wall, 0.3))
    left = place.rng.choice([0.06, 0.68])
    place.block(left, 0.08, left + 0.26, 0.36, (120, 84, 60))
    place.block(left + 0.025, 0.105, left + 0.235, 0.335, (176, 220, 246))
    place.block(left + 0.12, 0.105, left + 0.14, 0.335, (120, 84, 60))


def _beach(place: _Place) -> None:
    place.gradient((120, 204, 246), (206, 240, 252))
    place.block(0, place.horizon - 0.14, 1, 1, (52, 148, 204))
    place.spot(place.rng.uniform(0.1, 0.9), 0.12, 0.07, (255, 240, 150))
    place.hill((246, 222, 164), 0.02)


def _forest(place: _Place) -> None:
    place.gradient((150, 204, 190), (206, 232, 204))
    for i in range(7):
        x = (i + place.rng.random()) / 7
        height = place.rng.uniform(0.4, 0.62)
        place.triangle(x, place.horizon + 0.04, 0.11, height, (46, 108, 78))
    place.hill((92, 140, 78), 0.03)


_PAINTERS: dict[str, Callable[[_Place], None]] = {
    "meadow": _meadow,
    "desert": _desert,
    "night": _night,
    "snow": _snow,
    "sea": _sea,
    "room": _room,
    "beach": _beach,
    "forest": _forest,
}
SCENES = (PLAIN, *_PAINTERS)
SCENE_PHRASES: dict[str, tuple[str, ...]] = {
    "meadow": ("in a meadow", "on a green meadow", "on the grass"),
    "desert": ("in the desert", "in a sandy desert"),
    "night": ("at night", "under the stars"),
    "snow": ("in the snow", "on a snowy day"),
    "sea": ("under the sea", "under water"),
    "room": ("in a room", "indoors"),
    "beach": ("on a beach", "at the beach"),
    "forest": ("in a forest", "in the woods"),
}


def plain_background(name: str) -> Color:
    """The pastel shade that a background of a palette color has."""
    if name in ("white", "black"):
        return COLORS[name]
    return lighter(COLORS[name], 0.5 if name in ("yellow", "pink") else 0.36)


def paint_scene(pixels: Pixels, scene: str, background: str, rng: random.Random) -> None:
    """Fill `pixels` (uint8 [side, side, 3], RGB) with a scene of `SCENES`.

    `background` is a palette name; it matters only for the plain scene.
    """
    place = _Place(pixels, rng)
    if scene == PLAIN:
        color = plain_background(background)
        place.gradient(lighter(color, 0.25), color)
        place.spot(0.5, 0.88, 0.36, darker(color, 0.15), 0.16)
    else:
        _PAINTERS[scene](place)
