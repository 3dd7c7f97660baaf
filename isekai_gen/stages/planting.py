"""Known duplicates of a picture: what happens to copies on their way, one function each.

Every function is pure. What is random about a copy (where it is cropped, how far it is turned)
comes from the seed alone, so that the same seed plants the same copies.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

Transformation = Callable[[Image.Image, random.Random], Image.Image]

_WORDS = ("SAMPLE", "example.com", "draft", "copy 2", "photo by me")


def keep_as_is(image: Image.Image, random_source: random.Random) -> Image.Image:
    """The same pixels."""
    del random_source
    return image.copy()


def recompress(image: Image.Image, random_source: random.Random, *, quality: int) -> Image.Image:
    """Through JPEG and back, at a Pillow quality of 1 to 95."""
    del random_source
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    with Image.open(buffer, formats=("JPEG",)) as decoded:
        return decoded.convert("RGB")


def shrink(image: Image.Image, random_source: random.Random, *, factor: float) -> Image.Image:
    """Smaller by `factor` of each side."""
    del random_source
    return image.resize(_scaled(image, factor), Image.Resampling.BICUBIC)


def shrink_and_enlarge(
    image: Image.Image, random_source: random.Random, *, factor: float
) -> Image.Image:
    """Smaller by `factor` of each side, and back to the old size."""
    small = shrink(image, random_source, factor=factor)
    return small.resize(image.size, Image.Resampling.BICUBIC)


def crop(
    image: Image.Image, random_source: random.Random, *, least: float, most: float
) -> Image.Image:
    """Without a share of width and height between `least` and `most`, cut off anywhere."""
    share = random_source.uniform(least, most)
    width, height = _scaled(image, 1.0 - share)
    left = random_source.randint(0, image.width - width)
    top = random_source.randint(0, image.height - height)
    return image.crop((left, top, left + width, top + height))


def change_brightness(
    image: Image.Image, random_source: random.Random, *, factor: float
) -> Image.Image:
    """All channels times `factor`, cut off at white."""
    del random_source
    return ImageEnhance.Brightness(image).enhance(factor)


def change_contrast(
    image: Image.Image, random_source: random.Random, *, factor: float
) -> Image.Image:
    """Away from the mean gray (`factor` above 1) or toward it."""
    del random_source
    return ImageEnhance.Contrast(image).enhance(factor)


def change_saturation(
    image: Image.Image, random_source: random.Random, *, factor: float
) -> Image.Image:
    """Stronger colors (`factor` above 1) or paler ones."""
    del random_source
    return ImageEnhance.Color(image).enhance(factor)


def blur(image: Image.Image, random_source: random.Random, *, share: float) -> Image.Image:
    """Gaussian blur with a radius of `share` of the short side."""
    del random_source
    return image.filter(ImageFilter.GaussianBlur(share * min(image.size)))


def turn(
    image: Image.Image, random_source: random.Random, *, least: float, most: float
) -> Image.Image:
    """Turned by `least` to `most` degrees to either side; corners in the mean color."""
    degrees = random_source.uniform(least, most) * random_source.choice((-1, 1))
    return image.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=_mean_color(image))


def flip(image: Image.Image, random_source: random.Random) -> Image.Image:
    """Left and right exchanged."""
    del random_source
    return ImageOps.mirror(image)


def write_text(image: Image.Image, random_source: random.Random, *, share: float) -> Image.Image:
    """A white word with a dark rim near an edge; letters are `share` of the height."""
    written = image.copy()
    size = max(8, round(share * image.height))
    font = ImageFont.load_default(size)
    text = random_source.choice(_WORDS)
    place = (
        random_source.uniform(0.03, 0.3) * image.width,
        random_source.choice((0.05, 0.88)) * image.height,
    )
    ImageDraw.Draw(written).text(
        place, text, "white", font, stroke_width=max(1, size // 12), stroke_fill="black"
    )
    return written


def watermark(image: Image.Image, random_source: random.Random, *, opacity: float) -> Image.Image:
    """A pale word across the middle; `opacity` in [0, 1]."""
    text = random_source.choice(_WORDS)
    font = ImageFont.load_default(max(8, round(0.14 * image.height)))
    layer = Image.new("L", image.size, 0)
    middle = (image.width / 2, image.height / 2)
    ImageDraw.Draw(layer).text(middle, text, round(255 * opacity), font, anchor="mm")
    angle = random_source.uniform(15, 40)
    return Image.composite(
        Image.new("RGB", image.size, "white"), image, layer.rotate(angle, Image.Resampling.BICUBIC)
    )


def add_noise(image: Image.Image, random_source: random.Random, *, spread: float) -> Image.Image:
    """Gaussian noise with a standard deviation of `spread`, of 255."""
    noise = np.random.default_rng(random_source.getrandbits(64))
    pixels = np.asarray(image, dtype=np.float64)
    noisy = pixels + noise.normal(0.0, spread, pixels.shape)
    return Image.fromarray(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))


TRANSFORMATIONS: Mapping[str, Transformation] = MappingProxyType(
    {
        "exact": keep_as_is,
        "jpeg_95": partial(recompress, quality=95),
        "jpeg_75": partial(recompress, quality=75),
        "jpeg_50": partial(recompress, quality=50),
        "smaller_75": partial(shrink, factor=0.75),
        "smaller_50": partial(shrink, factor=0.5),
        "resized_75": partial(shrink_and_enlarge, factor=0.75),
        "resized_50": partial(shrink_and_enlarge, factor=0.5),
        "crop_2_to_5": partial(crop, least=0.02, most=0.05),
        "crop_5_to_10": partial(crop, least=0.05, most=0.10),
        "brighter": partial(change_brightness, factor=1.2),
        "darker": partial(change_brightness, factor=0.8),
        "more_contrast": partial(change_contrast, factor=1.25),
        "less_contrast": partial(change_contrast, factor=0.8),
        "more_color": partial(change_saturation, factor=1.4),
        "less_color": partial(change_saturation, factor=0.6),
        "blur": partial(blur, share=0.004),
        "turn_1_to_2": partial(turn, least=1.0, most=2.0),
        "turn_2_to_5": partial(turn, least=2.0, most=5.0),
        "flip": flip,
        "text": partial(write_text, share=0.07),
        "watermark": partial(watermark, opacity=0.35),
        "noise": partial(add_noise, spread=4.0),
    }
)
"""Name of a kind of copy to how it is made."""


def plant_copy(image: Image.Image, kind: str, seed: str) -> Image.Image:
    """One copy of a picture.

    Args:
        image: RGB.
        kind: A key of `TRANSFORMATIONS`.
        seed: With the kind it decides all that is random.

    Returns:
        RGB; its size differs for crops and smaller copies.

    Raises:
        ValueError: If the picture is not RGB.
    """
    if image.mode != "RGB":
        raise ValueError(f"a picture to copy must be RGB, got {image.mode}")
    return TRANSFORMATIONS[kind](image, random.Random(f"{seed}/{kind}"))


def plant_copies(image: Image.Image, seed: str) -> Iterator[Image.Image]:
    """A copy of every kind, in the order of `TRANSFORMATIONS`."""
    for kind in TRANSFORMATIONS:
        yield plant_copy(image, kind, seed)


def _scaled(image: Image.Image, factor: float) -> tuple[int, int]:
    return max(1, round(image.width * factor)), max(1, round(image.height * factor))


def _mean_color(image: Image.Image) -> tuple[int, int, int]:
    red, green, blue = np.asarray(image, dtype=np.float64).reshape(-1, 3).mean(axis=0)
    return round(red), round(green), round(blue)
