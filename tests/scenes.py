"""Small procedural pictures with copies and near-misses, for tests of what looks the same."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

SIDE = 192


def scene(number, variant=0):
    """Picture `number`; other variants have its colors and kinds of shapes in other places."""
    style, places = np.random.default_rng([number, 0]), np.random.default_rng([number, variant, 1])
    cells = int(style.integers(3, 9))
    colors = style.integers(0, 256, (8, 3))
    mixed = places.random((cells, cells, 1))
    small = (mixed * colors[0] + (1 - mixed) * colors[1]).astype(np.uint8)
    picture = Image.fromarray(small).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for shape in range(int(style.integers(4, 9))):
        x, y = places.uniform(0.1, 0.9, 2) * SIDE
        wide, high = places.uniform(0.06, 0.25, 2) * SIDE
        draw = pen.ellipse if style.random() < 0.5 else pen.rectangle
        draw((x - wide, y - high, x + wide, y + high), fill=tuple(map(int, colors[2 + shape % 6])))
    return picture


def _jpeg(image, draw):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=int(draw.integers(50, 91)))
    return Image.open(buffer).convert("RGB")


def _crop(image, draw):
    width = round(SIDE * (1 - draw.uniform(0.02, 0.1)))
    left, top = (int(place) for place in draw.integers(0, SIDE - width + 1, 2))
    return image.crop((left, top, left + width, top + width))


def _write(image, draw):
    written = image.copy()
    place = (SIDE * draw.uniform(0.02, 0.3), SIDE * draw.uniform(0, 0.85))
    size = SIDE * draw.uniform(0.05, 0.1)
    ImageDraw.Draw(written).text(place, "a sample of 2026", fill="white", font_size=size)
    return written


CHANGES = {
    "exact": lambda image, draw: image,
    "jpeg": _jpeg,
    "resize": lambda image, draw: image.resize((round(SIDE * draw.uniform(0.5, 0.9)),) * 2),
    "crop": _crop,
    "brightness": lambda image, draw: ImageEnhance.Brightness(image).enhance(
        draw.choice([0.75, 0.85, 1.15, 1.25])
    ),
    "blur": lambda image, draw: image.filter(ImageFilter.GaussianBlur(draw.uniform(0.5, 1))),
    "turn": lambda image, draw: image.rotate(draw.choice([-3, 3]), Image.Resampling.BICUBIC),
    "flip": lambda image, draw: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "text": _write,
}


def changed(image, change, seed):
    """The picture after one of `CHANGES`."""
    return CHANGES[change](image, np.random.default_rng(seed))
