"""Pictures that nobody owns, and copies of some of them: for tools that compare pictures.

Scenes are drawn by the seed: a background of soft color fields and grain, and some shapes upon it.
One in five has a sibling: the same colors, kinds of shapes and background, but other places, as a
second picture of one prompt would have. Siblings are different pictures; only the copies count as
duplicates.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

Draw = np.random.Generator
_SIBLINGS = 5


def scene(seed: int, number: int, side: int = 512) -> Image.Image:
    """Picture `number` of a set; those one after a multiple of five are siblings of it."""
    family = number - 1 if number % _SIBLINGS == 1 else number
    style, places = np.random.default_rng([seed, family]), np.random.default_rng([seed, number, 1])
    colors = style.integers(0, 256, size=(8, 3))
    kinds = style.integers(0, 4, size=6)
    picture = _background(style, places, colors, side)
    pen = ImageDraw.Draw(picture)
    for shape in range(int(style.integers(4, 14))):
        color = tuple(int(part) for part in colors[2 + shape % 6])
        _draw_shape(pen, int(kinds[shape % 6]), color, places, side)
    return picture


def _background(style: Draw, places: Draw, colors: np.ndarray, side: int) -> Image.Image:
    cells = int(style.integers(2, 7))
    mixed = places.random((cells, cells, 1))
    small = (mixed * colors[0] + (1 - mixed) * colors[1]).astype(np.uint8)
    smooth = Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC)
    grain = places.normal(0, float(style.uniform(0, 6)), size=(side, side, 1))
    return Image.fromarray(np.clip(np.asarray(smooth) + grain, 0, 255).astype(np.uint8))


def _draw_shape(
    pen: ImageDraw.ImageDraw, kind: int, color: tuple[int, ...], places: Draw, side: int
) -> None:
    x, y = places.uniform(0.05, 0.95, size=2) * side
    size = float(places.uniform(0.04, 0.22)) * side
    turn = float(places.uniform(0, math.tau))
    if kind == 0:
        tall = float(places.uniform(0.4, 1.0)) * size
        pen.ellipse([x - size, y - tall, x + size, y + tall], fill=color)
    elif kind == 1:
        corners = int(places.integers(3, 8))
        angles = turn + math.tau * np.arange(corners) / corners
        pen.polygon([(x + size * math.cos(a), y + size * math.sin(a)) for a in angles], fill=color)
    elif kind == 2:
        end = (x + 3 * size * math.cos(turn), y + 3 * size * math.sin(turn))
        pen.line([(x, y), end], fill=color, width=max(2, int(size / 6)))
    else:
        pen.arc([x - size, y - size, x + size, y + size], 0, 250, color, max(3, int(size / 5)))


def _crop(image: Image.Image, draw: Draw) -> Image.Image:
    cut = float(draw.uniform(0.02, 0.10))
    left, top = (int(cut * float(draw.random()) * side) for side in image.size)
    width, height = (round((1 - cut) * side) for side in image.size)
    return image.crop((left, top, left + width, top + height))


def _resize(image: Image.Image, draw: Draw) -> Image.Image:
    share = float(draw.uniform(0.4, 0.9))
    return image.resize((round(share * image.width), round(share * image.height)))


def _brightness(image: Image.Image, draw: Draw) -> Image.Image:
    factor = float(draw.choice([draw.uniform(0.7, 0.9), draw.uniform(1.1, 1.3)]))
    return ImageEnhance.Brightness(image).enhance(factor)


def _blur(image: Image.Image, draw: Draw) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(float(draw.uniform(1.0, 2.5))))


def _turn(image: Image.Image, draw: Draw) -> Image.Image:
    return image.rotate(3.0 * float(draw.choice([-1, 1])), Image.Resampling.BICUBIC)


def _flip(image: Image.Image, _: Draw) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def _text(image: Image.Image, draw: Draw) -> Image.Image:
    written = image.copy()
    size = int(draw.integers(24, 56))
    place = (int(draw.uniform(0.02, 0.3) * image.width), int(draw.uniform(0, 0.85) * image.height))
    pen = ImageDraw.Draw(written)
    pen.text(place, "sample picture 2026", fill="white", font_size=size, stroke_width=2)
    return written


CHANGES: dict[str, Callable[[Image.Image, Draw], Image.Image] | None] = {
    "exact": None,
    "jpeg": None,
    "resize": _resize,
    "crop": _crop,
    "brightness": _brightness,
    "blur": _blur,
    "turn": _turn,
    "flip": _flip,
    "text": _text,
}
"""What was done to a copy; "exact" copies the file, "jpeg" only encodes the picture again."""


@dataclass(frozen=True)
class PictureSet:
    """Which pictures.

    Attributes:
        pictures: How many are drawn.
        copies: How many of them are copied, each once, in equal shares of `CHANGES`.
        seed: Another seed gives other pictures.
        side: Pixels.
        formats: Suffixes of the drawn ones, in turn.
    """

    pictures: int
    copies: int
    seed: int
    side: int = 512
    formats: tuple[str, ...] = ("png", "jpg")

    @property
    def name(self) -> str:
        """What its folder is called."""
        kinds = "-".join(self.formats)
        return f"pictures-{self.pictures}-{self.copies}-{self.side}-{kinds}-{self.seed}"

    def write(self, folder: Path) -> dict[tuple[str, str], str]:
        """Write PNG and JPEG files, unless they are there.

        Returns:
            (file name, name of its copy) to what was done.
        """
        listed = folder.with_suffix(".json")
        if not listed.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            with ProcessPoolExecutor() as pool:
                list(pool.map(partial(self._write_scene, folder), range(self.pictures)))
                copied = list(pool.map(partial(self._write_copy, folder), range(self.copies)))
            listed.write_text(json.dumps(copied))
        rows = json.loads(listed.read_text(encoding="utf-8"))
        return {(original, copy): change for original, copy, change in rows}

    def _name(self, number: int) -> str:
        return f"scene-{number:06d}.{self.formats[number % len(self.formats)]}"

    def _write_scene(self, folder: Path, number: int) -> None:
        _save(scene(self.seed, number, self.side), folder / self._name(number), quality=92)

    def _write_copy(self, folder: Path, number: int) -> tuple[str, str, str]:
        draw = np.random.default_rng([self.seed, number, 2])
        original = int(np.random.default_rng(self.seed).permutation(self.pictures)[number])
        change = list(CHANGES)[number % len(CHANGES)]
        source = folder / self._name(original)
        suffix = ".jpg" if change == "jpeg" or (change != "exact" and number % 2) else ".png"
        copy = folder / f"copy-{number:06d}{source.suffix if change == 'exact' else suffix}"
        make = CHANGES[change]
        if change == "exact":
            shutil.copyfile(source, copy)
        else:
            with Image.open(source) as opened:
                picture = opened.convert("RGB")
            quality = int(draw.choice([50, 75, 90])) if change == "jpeg" else 92
            _save(make(picture, draw) if make else picture, copy, quality)
        return source.name, copy.name, change


def _save(picture: Image.Image, path: Path, quality: int) -> None:
    if path.suffix == ".jpg":
        picture.save(path, quality=quality)
    else:
        picture.save(path, compress_level=1)
