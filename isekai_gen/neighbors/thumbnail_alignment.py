"""Bring two tiny gray pictures as near to each other as a small affine change can.

Gauss-Newton steps on the gray levels (Lucas and Kanade, "An iterative image registration
technique", 1981; Baker and Matthews, "Lucas-Kanade 20 years on", IJCV 2004), with a gain and an
offset for brightness, and with pixels that fit badly counting less.

Each pair is aligned for itself: the company it comes in changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Levels = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

UNCHANGED = np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32)
"""The change that leaves a picture as it is."""
# Pixels at the border are left out: a turn or a crop leaves nothing to compare there.
_MARGIN_SHARE = 3 / 32
# A pixel whose residual is this share of the picture's contrast counts half.
_HALF_WEIGHT = np.float32(0.15)
# Keeps flat pictures where they are; far below the slopes of any picture with something in it.
_RIDGE = np.float32(1e-4)
_TINY = np.float32(1e-3)
_LONGEST_STEP = np.float32(0.25)


@dataclass(frozen=True, eq=False)
class Fit:
    """m pairs of pictures, aligned.

    Attributes:
        left: float32 [m, pixels]: inner pixels of the left pictures.
        right: float32 [m, pixels]: the right pictures at the same places of what they show.
        seen: bool [m, pixels]: whether that place lies within the right picture.
        change: float32 [m, 2, 3]: where a place of the left picture lies in the right one; (x, y)
            runs from -1 at the first to 1 at the last pixel of a side.
    """

    left: Levels
    right: Levels
    seen: Flags
    change: Levels

    def weights(self) -> Levels:
        """float32 [m, pixels] in [0, 1]: how well each pixel fits; 0 outside."""
        contrast = self.left.std(axis=1, keepdims=True) * _HALF_WEIGHT + _TINY
        weight = self.seen.astype(np.float32)
        for _ in range(2):
            a, b = _centered(self.left, self.right, weight)
            gain = (a * b * weight).sum(axis=1) / ((b * b * weight).sum(axis=1) + _TINY)
            weight = self.seen / (1 + ((b * gain[:, None] - a) / contrast) ** 2)
        return weight

    def correlation(self, counted: Flags) -> Levels:
        """float32 [m] in [-1, 1]: correlation over the pixels that are counted."""
        weight = counted.astype(np.float32)
        a, b = _centered(self.left, self.right, weight)
        return _correlation(a, b, weight)

    def toned_correlation(self, counted: Flags) -> Levels:
        """As `correlation`, after the best quadratic change of the right pictures' gray levels.

        Where a picture was made brighter or darker, its highlights or shadows are cut off, so that
        gray levels depend on each other by a bent line. Never below `correlation`.
        """
        weight = counted.astype(np.float32)
        a, b = _centered(self.left, self.right, weight)
        square = b * b
        _, square = _centered(a, square, weight)
        share = (b * square * weight).sum(axis=1) / ((b * b * weight).sum(axis=1) + _TINY)
        bent = _correlation(a, square - b * share[:, None], weight)
        straight = _correlation(a, b, weight)
        return np.where(straight > 0, np.sqrt(straight**2 + bent**2), straight)


def aligned(left: Levels, right: Levels, change: Levels, steps: int) -> Fit:
    """Align pairs of pictures.

    Args:
        left: float32 [m, side, side].
        right: float32 [m, side, side].
        change: float32 [m, 2, 3]: first guess; see `Fit`.
        steps: Gauss-Newton steps.
    """
    inner = inner_pixels(left)
    fit = Fit(inner, *sampled(right, change), change)
    slopes = _slopes(left) if steps else inner
    for _ in range(steps):
        change = _composed(fit.change, _step(slopes, fit))
        fit = Fit(inner, *sampled(right, change), change)
    return fit


def margin_of(side: int) -> int:
    """How many pixels at each border are left out of the comparison."""
    return max(1, round(side * _MARGIN_SHARE))


def inner_pixels(pictures: Levels) -> Levels:
    """float32 [m, pixels] of float32 [m, side, side]: what lies within the margin."""
    side = pictures.shape[1]
    margin = margin_of(side)
    inner = pictures[:, margin:-margin, margin:-margin]
    return inner.reshape(len(pictures), (side - 2 * margin) ** 2)


def sampled(pictures: Levels, change: Levels) -> tuple[Levels, Flags]:
    """The pictures at the changed places of the inner pixels, between pixels by interpolation.

    Args:
        pictures: float32 [m, side, side].
        change: float32 [m, 2, 3].

    Returns:
        float32 [m, pixels], and bool [m, pixels]: whether the place lies within the picture.
    """
    m, side = pictures.shape[:2]
    half = np.float32((side - 1) / 2)
    x, y = _places(side)
    px = (change[:, 0, :1] * x + change[:, 0, 1:2] * y + change[:, 0, 2:] + 1) * half
    py = (change[:, 1, :1] * x + change[:, 1, 1:2] * y + change[:, 1, 2:] + 1) * half
    seen = (px >= 0) & (px <= side - 1) & (py >= 0) & (py <= side - 1)
    column = np.clip(px, 0, side - 2).astype(np.int32)
    row = np.clip(py, 0, side - 2).astype(np.int32)
    fx, fy = np.clip(px - column, 0, 1), np.clip(py - row, 0, 1)
    at = row * side + column + np.arange(m, dtype=np.int32)[:, None] * (side * side)
    flat = np.ascontiguousarray(pictures).reshape(-1)
    upper = flat[at] * (1 - fx) + flat[at + 1] * fx
    lower = flat[at + side] * (1 - fx) + flat[at + side + 1] * fx
    return np.asarray(upper * (1 - fy) + lower * fy, dtype=np.float32), seen


def _places(side: int) -> tuple[Levels, Levels]:
    """The inner pixels' x and their y, row by row."""
    margin, half = margin_of(side), (side - 1) / 2
    axis = ((np.arange(margin, side - margin) - half) / half).astype(np.float32)
    return np.tile(axis, len(axis)), np.repeat(axis, len(axis))


def _slopes(pictures: Levels) -> Levels:
    """float32 [m, 6, pixels]: how gray levels move with each number of the change."""
    side = pictures.shape[1]
    half = np.float32((side - 1) / 2)
    down, across = np.gradient(pictures, axis=(1, 2))
    gx = inner_pixels(np.asarray(across)) * half
    gy = inner_pixels(np.asarray(down)) * half
    x, y = _places(side)
    return np.stack([gx * x, gx * y, gx, gy * x, gy * y, gy], axis=1)


def _step(slopes: Levels, fit: Fit) -> Levels:
    """float32 [m, 6]: the change of the left pictures that brings them nearest to the right ones.

    Weighted least squares of left + slopes . step = gain * right + offset.
    """
    # Less its mean, a nearly flat right picture is no multiple of the offset.
    right = fit.right - fit.right.mean(axis=1, keepdims=True)
    terms = np.concatenate([slopes, right[:, None], np.ones_like(right)[:, None]], axis=1)
    weighted = terms * fit.weights()[:, None]
    normal = weighted @ terms.transpose(0, 2, 1)
    normal[:, range(6), range(6)] += np.trace(normal, axis1=1, axis2=2)[:, None] * _RIDGE
    normal[:, range(8), range(8)] += _TINY
    step = -np.linalg.solve(normal, weighted @ fit.left[:, :, None])[:, :6, 0]
    length = np.sqrt((step * step).sum(axis=1, keepdims=True))
    return np.asarray(step * np.minimum(1, _LONGEST_STEP / np.maximum(length, _TINY)))


def _composed(change: Levels, step: Levels) -> Levels:
    """The change after the left pictures' own step is undone."""
    full = np.tile(np.eye(3, dtype=np.float32), (2, len(step), 1, 1))
    full[0, :, :2] = change
    full[1, :, :2] += step.reshape(-1, 2, 3)
    return np.asarray((full[0] @ np.linalg.inv(full[1]))[:, :2])


def _centered(left: Levels, right: Levels, weight: Levels) -> tuple[Levels, Levels]:
    """Both less their weighted means."""
    total = weight.sum(axis=1, keepdims=True) + _TINY
    a = left - (left * weight).sum(axis=1, keepdims=True) / total
    b = right - (right * weight).sum(axis=1, keepdims=True) / total
    return a, b


def _correlation(a: Levels, b: Levels, weight: Levels) -> Levels:
    """Of levels less their means; 0 where there is no contrast."""
    sizes = (a * a * weight).sum(axis=1) * (b * b * weight).sum(axis=1)
    return np.asarray((a * b * weight).sum(axis=1) / np.sqrt(sizes + _TINY), dtype=np.float32)
