"""A picture with a local frame: shapes are given in units of the thing, not in pixels.

The local frame has x to the right and y down; a thing's body lies about inside [-1, 1] x [-1, 1].
One random affine pose maps it to the picture, so that every anchor and outline of a thing can be
a constant. Drawing happens at twice the final size and is averaged down at the end.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from isekai_gen.starter.render.palette import Color, darker

Points = npt.NDArray[np.float64] | Sequence[tuple[float, float]]
PICTURE_SIZE = 128
SUPERSAMPLING = 2
_SUBPIXEL_BITS = 4  # cv2 takes fixed-point coordinates; 1/16 pixel keeps thin outlines smooth


@dataclass(frozen=True)
class Pose:
    """Where and how large a thing stands in the picture.

    Attributes:
        scale: Half the body's extent as a share of the picture's side.
        center_x: Share of the width.
        center_y: Share of the height.
        rotation: Radians, clockwise.
        mirrored: Whether left and right are swapped.
        stretch: Width over height, about 1.
    """

    scale: float
    center_x: float = 0.5
    center_y: float = 0.52
    rotation: float = 0.0
    mirrored: bool = False
    stretch: float = 1.0


class Canvas:
    """An RGB picture under one pose.

    Attributes:
        pixels: uint8 [256, 256, 3]; drawn in place.
        rng: The picture's own random numbers; things may use it for small variations.
        body_mask: uint8 [256, 256], 255 on the flat area of the body; set once that is drawn.
    """

    def __init__(self, pixels: npt.NDArray[np.uint8], rng: random.Random, pose: Pose) -> None:
        self.pixels = pixels
        self.rng = rng
        self.body_mask: npt.NDArray[np.uint8] = np.zeros(pixels.shape[:2], dtype=np.uint8)
        side = pixels.shape[0]
        self._unit = pose.scale * side
        sign = -1.0 if pose.mirrored else 1.0
        cos, sin = math.cos(pose.rotation), math.sin(pose.rotation)
        self._matrix = self._unit * np.array(
            [
                [cos * pose.stretch * sign, -sin / pose.stretch],
                [sin * pose.stretch * sign, cos / pose.stretch],
            ]
        )
        self._offset = np.array([pose.center_x, pose.center_y]) * side
        self._outline = 3.4 * pose.scale / 0.34

    def _to_pixels(self, points: Points) -> npt.NDArray[np.int32]:
        local = np.asarray(points, dtype=np.float64)
        pixels: npt.NDArray[np.float64] = local @ self._matrix.T + self._offset
        return np.round(pixels * (1 << _SUBPIXEL_BITS)).astype(np.int32)

    def _outline_width(self, share: float) -> int:
        return max(1, round(self._outline * share))

    def polygon(
        self, points: Points, color: Color, outline: float = 1.0, ink: Color | None = None
    ) -> None:
        """Fill a closed shape; `outline` is a share of the usual line width, 0 for none."""
        corners = self._to_pixels(points)
        cv2.fillPoly(self.pixels, [corners], color, cv2.LINE_AA, _SUBPIXEL_BITS)
        if outline:
            line = ink or darker(color, 0.62)
            width = self._outline_width(outline)
            cv2.polylines(self.pixels, [corners], True, line, width, cv2.LINE_AA, _SUBPIXEL_BITS)

    def ellipse(
        self,
        x: float,
        y: float,
        radius_x: float,
        radius_y: float,
        color: Color,
        outline: float = 1.0,
        angle: float = 0.0,
        ink: Color | None = None,
    ) -> None:
        """Fill an ellipse around (x, y); `angle` in radians."""
        self.polygon(arc(x, y, radius_x, radius_y, 0, 2 * math.pi, angle), color, outline, ink)

    def line(self, points: Points, color: Color, width: float, outlined: bool = False) -> None:
        """Draw an open stroke; `width` in local units; `outlined` adds a dark border."""
        stroke = self._to_pixels(points)
        thickness = max(1, round(width * self._unit))
        if outlined:
            border = thickness + 2 * max(1, int(self._outline * 0.9))
            cv2.polylines(
                self.pixels, [stroke], False, darker(color, 0.62), border, cv2.LINE_AA,
                _SUBPIXEL_BITS,
            )  # fmt: skip
        cv2.polylines(self.pixels, [stroke], False, color, thickness, cv2.LINE_AA, _SUBPIXEL_BITS)

    def rectangle(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        color: Color,
        outline: float = 1.0,
        corner: float = 0.08,
    ) -> None:
        """Fill a rectangle with rounded corners of radius `corner`."""
        corners = [
            arc(right - corner, top + corner, corner, corner, -math.pi / 2, 0, points=6),
            arc(right - corner, bottom - corner, corner, corner, 0, math.pi / 2, points=6),
            arc(left + corner, bottom - corner, corner, corner, math.pi / 2, math.pi, points=6),
            arc(left + corner, top + corner, corner, corner, math.pi, 1.5 * math.pi, points=6),
        ]
        self.polygon(np.concatenate(corners), color, outline)

    def tube(
        self, path: Points, start: float, end: float, color: Color, outline: float = 1.0
    ) -> None:
        """Fill a stroke that tapers from half-width `start` to half-width `end`."""
        middle = np.asarray(path, dtype=np.float64)
        direction = np.gradient(middle, axis=0)
        normal = np.stack([-direction[:, 1], direction[:, 0]], 1)
        normal /= np.linalg.norm(direction, axis=1, keepdims=True) + 1e-9
        half = np.linspace(start, end, len(middle))[:, None]
        left, right = middle + normal * half, middle - normal * half
        self.polygon(np.concatenate([left, right[::-1]]), color, outline)

    def mark_body(self, color: Color) -> None:
        """Remember which pixels the body's own flat color covers."""
        self.body_mask = np.asarray(cv2.inRange(self.pixels, color, color), dtype=np.uint8)

    @contextmanager
    def inside_body(self) -> Iterator[None]:
        """Keep only what is drawn on the body's flat area (see `mark_body`)."""
        before = self.pixels.copy()
        yield
        cv2.copyTo(before, cv2.bitwise_not(self.body_mask), self.pixels)


def arc(
    x: float,
    y: float,
    radius_x: float,
    radius_y: float,
    start: float,
    end: float,
    angle: float = 0.0,
    points: int = 36,
) -> npt.NDArray[np.float64]:
    """Points [points, 2] on an ellipse from `start` to `end` radians (clockwise, 0 = right)."""
    turn = np.linspace(start, end, points)
    cos, sin = math.cos(angle), math.sin(angle)
    across, down = radius_x * np.cos(turn), radius_y * np.sin(turn)
    return np.stack([x + across * cos - down * sin, y + across * sin + down * cos], 1)


def bezier(*controls: tuple[float, float], points: int = 18) -> npt.NDArray[np.float64]:
    """Points [points, 2] on the Bezier curve of 2, 3 or 4 control points (de Casteljau)."""
    share = np.linspace(0, 1, points)[:, None]
    layer = [np.asarray(c, dtype=np.float64)[None] for c in controls]
    while len(layer) > 1:
        layer = [(1 - share) * a + share * b for a, b in itertools.pairwise(layer)]
    return layer[0]


def wave(
    x: float,
    y: float,
    length: float,
    drift: float = 0.0,
    swing: float = 0.15,
    phase: float = 0.0,
    turns: float = 1.0,
    points: int = 16,
) -> npt.NDArray[np.float64]:
    """Points [points, 2] on a line that hangs down from (x, y) and swings more toward its end."""
    share = np.linspace(0, 1, points)
    sideways = drift * share + swing * share * np.sin(phase + 2 * math.pi * turns * share)
    return np.stack([x + sideways, y + length * share], 1)
