"""Tell whether two tiny pictures show the same picture, cropped, turned or written on a little.

Hashes that are close say that two pictures may be the same; different pictures of one layout have
close hashes too. So each candidate is aligned (`thumbnail_alignment`), and then three things count:

* the change that aligned it is small;
* the gray levels correlate (Evangelidis and Psarakis, "Parametric image alignment using enhanced
  correlation coefficient maximization", PAMI 2008): over the whole picture, or very well over all
  of it but one narrow strip, which is what a line of text covers;
* the colors agree, where both pictures have colors: a recolored thing is another picture.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from isekai_gen.neighbors.thumbnail_alignment import (
    UNCHANGED,
    Fit,
    Flags,
    Levels,
    aligned,
    inner_pixels,
    sampled,
)

Octets = npt.NDArray[np.uint8]

# Limits, chosen on procedural pictures with planted copies and with near-misses; the measured
# precision and recall are in docs/benchmarks.md.
_MIN_UNALIGNED = 0.55
_MIN_CORRELATION = 0.992
_MIN_BESIDE_STRIP = 0.997
_MAX_CHANGE = 0.16
_MAX_TINT_MISFIT = 0.4
# Of the height compared: a line of text a tenth as high as the picture, and the blur around it.
_STRIP_SHARE = 5 / 26
_MIN_COARSE_AS_IS = 0.95
# Steps at half the size, each time with the correlation without which it ends there.
_COARSE = ((1, 0.75), (2, 0.85))
_FINE_STEPS = 2
_TINY = np.float32(1e-6)
# Cb and Cr of gray; and mean squares below which a picture counts as having no color, or an
# agreement cannot be told from rounding.
_NEUTRAL = np.float32(128)
_COLORLESS = 9.0


def layouts(thumbnails: Octets) -> Levels:
    """What `layouts_agree` compares: gray levels of half the size, centered, of unit length.

    Args:
        thumbnails: uint8 [n, side, side].

    Returns:
        float32 [n, (side / 2) ** 2]; zeros for a picture without contrast.
    """
    levels = _halved(thumbnails.astype(np.float32)).reshape(len(thumbnails), -1)
    levels -= levels.mean(axis=1, keepdims=True)
    lengths = np.sqrt((levels * levels).sum(axis=1, keepdims=True)) + _TINY
    return np.asarray(levels / lengths)


def layouts_agree(left: Levels, right: Levels) -> Flags:
    """Which pairs of `layouts` are near enough that aligning the pictures may be worth it."""
    return np.asarray((left * right).sum(axis=1) >= _MIN_UNALIGNED)


def same_picture(left: Levels, right: Levels) -> tuple[Flags, Levels]:
    """Which pairs of thumbnails show the same picture in gray.

    Args:
        left: float32 [m, side, side].
        right: float32 [m, side, side], turned as the left ones are.

    Returns:
        bool [m], and float32 [m, 2, 3]: how each left picture lies in the right one (`Fit`).
    """
    same = np.zeros(len(left), dtype=np.bool_)
    change = np.tile(UNCHANGED, (len(left), 1, 1))
    rows = np.arange(len(left))
    as_is = aligned(_halved(left), _halved(right), change, 0)
    written_on = _beside_strip(as_is) >= _MIN_COARSE_AS_IS
    # Most candidates are other pictures; few steps on few pixels tell most of them.
    for steps, enough in _COARSE:
        coarse = aligned(_halved(left[rows]), _halved(right[rows]), change[rows], steps)
        near = (_beside_strip(coarse) >= enough) | written_on[rows]
        rows = rows[near]
        change[rows] = coarse.change[near]
    smooth = _smoothed(left[rows]), _smoothed(right[rows])
    fine = aligned(*smooth, change[rows], _FINE_STEPS)
    as_is = aligned(*smooth, np.tile(UNCHANGED, (len(rows), 1, 1)), 0)
    # A line of text pulls the alignment away from where it was right.
    unmoved = _fits(as_is)
    same[rows] = _fits(fine) | unmoved
    change[rows] = np.where(unmoved[:, None, None], as_is.change, fine.change)
    return same, change


def _fits(fit: Fit) -> Flags:
    """Whether two pictures are the same, as they are placed."""
    small = np.abs(fit.change - UNCHANGED).max(axis=(1, 2)) <= _MAX_CHANGE
    whole = fit.toned_correlation(fit.seen) >= _MIN_CORRELATION
    return np.asarray(small & (whole | (_beside_strip(fit) >= _MIN_BESIDE_STRIP)))


def colors_agree(left: Levels, right: Levels, change: Levels) -> Flags:
    """Which pairs have the same colors, apart from how strong they are.

    Args:
        left: float32 [m, 2, side, side]: Cb and Cr.
        right: float32 [m, 2, side, side].
        change: float32 [m, 2, 3]: how each left picture lies in the right one.

    Returns:
        bool [m]; True where one of the two has no color to contradict the other.
    """
    a = np.stack([inner_pixels(left[:, channel]) for channel in (0, 1)], axis=1) - _NEUTRAL
    placed = [sampled(right[:, channel], change) for channel in (0, 1)]
    b = np.stack([levels for levels, _ in placed], axis=1) - _NEUTRAL
    seen = placed[0][1][:, None, :]
    a, b = a * seen, b * seen
    count = 2 * seen.sum(axis=(1, 2))
    strength_a = (a * a).sum(axis=(1, 2)) / count
    strength_b = (b * b).sum(axis=(1, 2)) / count
    gain = np.maximum((a * b).sum(axis=(1, 2)), 0) / ((b * b).sum(axis=(1, 2)) + 1)
    misfit = ((a - b * gain[:, None, None]) ** 2).sum(axis=(1, 2)) / count
    colorless = np.minimum(strength_a, strength_b) < _COLORLESS
    agree = misfit <= _MAX_TINT_MISFIT**2 * (strength_a + _COLORLESS)
    return np.asarray(colorless | agree, dtype=np.bool_)


def _halved(pictures: Levels) -> Levels:
    rows = pictures[:, ::2] + pictures[:, 1::2]
    return np.asarray((rows[:, :, ::2] + rows[:, :, 1::2]) / 4)


def _smoothed(pictures: Levels) -> Levels:
    """Blurred by (1, 2, 1) / 4 both ways: slopes between single pixels would mislead."""
    p = np.pad(pictures, ((0, 0), (1, 1), (0, 0)), mode="edge")
    p = np.pad((p[:, :-2] + 2 * p[:, 1:-1] + p[:, 2:]) / 4, ((0, 0), (0, 0), (1, 1)), mode="edge")
    return np.asarray((p[:, :, :-2] + 2 * p[:, :, 1:-1] + p[:, :, 2:]) / 4)


def _beside_strip(fit: Fit) -> Levels:
    """Correlation without the strip of rows, or of columns, that fits worst."""
    inner = math.isqrt(fit.left.shape[1])
    strip = round(inner * _STRIP_SHARE)
    misfit = (fit.seen - fit.weights()).reshape(-1, inner, inner)
    best = np.full(len(misfit), -1, dtype=np.float32)
    line = np.arange(inner)
    for axis in (1, 2):
        sums = np.pad(misfit.sum(axis=3 - axis).cumsum(axis=1), ((0, 0), (1, 0)))
        start = (sums[:, strip:] - sums[:, :-strip]).argmax(axis=1)[:, None]
        beside = np.expand_dims((line < start) | (line >= start + strip), 3 - axis)
        counted = fit.seen & np.broadcast_to(beside, misfit.shape).reshape(fit.seen.shape)
        best = np.maximum(best, fit.correlation(counted))
    return best
