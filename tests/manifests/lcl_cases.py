"""Small datasets for lcl-train and lcl-test: classes, rankings, files of images."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from isekai_gen.manifests.lcl_split import LclClass, LclNumbers

NUMBERS = LclNumbers(samples=3, neighbors=3, context=4, test_classes=4, seed=5)


def make_class(number: int, images: int = 8, name: str = "") -> LclClass:
    key = f"n{number:08d}"
    paths = tuple(f"train/{key}/{key}_{each}.JPEG" for each in range(images))
    return LclClass(str(number), key, name or f"Thing {chr(97 + number % 26)}{number}", paths)


def make_classes(count: int = 13, images: int = 8) -> list[LclClass]:
    return [make_class(number, images) for number in range(1, count + 1)]


def rankings(classes: Sequence[LclClass]) -> Iterator[tuple[str, list[str]]]:
    """Every class's others in an order of its own."""
    for each in classes:
        others = [other.key for other in classes if other is not each]
        yield each.key, sorted(others, key=lambda other: _digest(f"{each.key} {other}"))


def write_images(root: Path, classes: Sequence[LclClass]) -> None:
    for each in classes:
        for number, path in enumerate(each.images):
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (4, 4), (number, int(_digest(each.key)[:2], 16), 9)).save(file)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
