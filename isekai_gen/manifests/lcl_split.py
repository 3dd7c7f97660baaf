"""Classes of a folder-per-class dataset, split into training and test classes.

Link-Context Learning splits ImageNet-1k by class: 900 to train on, 100 to test on. Which classes
those are follows from the seed and the keys of the classes: a class's rank is a SHA-256 digest of
both, and the lowest ranks are tested. (Tai et al., CVPR 2024; upstream's own choice has no rule.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from isekai_gen.errors import ManifestError

UPSTREAM_TEST_CLASSES = 100
_UPSTREAM_CLASSES = 1000
_SHOWN = 5


@dataclass(frozen=True)
class LclClass:
    """A class as the LCL files name it.

    Attributes:
        class_id: Upstream's id, a text: the 1-based ILSVRC id, or a 1-based position.
        key: Its key in the dataset: the folder, for ImageNet the wnid.
        name: Display name, with spaces between words.
        images: Paths relative to the dataset's folder, sorted, with forward slashes.
    """

    class_id: str
    key: str
    name: str
    images: tuple[str, ...]


@dataclass(frozen=True)
class LclNumbers:
    """How much of what goes into the files; the defaults are upstream's.

    Attributes:
        samples: Training images per class.
        neighbors: Neighbor classes per training class.
        context: Support images per test class.
        test_classes: An even number; None for 100, or of fewer than 1,000 classes one tenth.
        seed: Of the split and of every draw.
    """

    samples: int = 36
    neighbors: int = 36
    context: int = 32
    test_classes: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.samples, self.neighbors, self.context) < 1:
            raise ValueError("samples, neighbors and context must be at least 1")

    @property
    def fewest_images(self) -> int:
        """Images that every class must have: either split may get it."""
        return max(self.samples, self.context + 1)


@dataclass(frozen=True)
class LclSplit:
    """The two sets of classes; no class is in both.

    Attributes:
        train: Training classes, sorted by key.
        test: Test classes, in the order of the seeded draw; even in number.
        left_out: Key of a class in neither to the reason.
    """

    train: tuple[LclClass, ...]
    test: tuple[LclClass, ...]
    left_out: Mapping[str, str]


def split_classes(classes: Iterable[LclClass], numbers: LclNumbers) -> LclSplit:
    """Split the classes that have images enough; the order they come in does not matter.

    Raises:
        ManifestError: If the classes are too few, or cannot be split as asked.
    """
    ordered = sorted(classes, key=lambda each: each.key)
    fewest = numbers.fewest_images
    left_out = {
        each.key: f"{len(each.images)} images, but {numbers.samples} samples, or "
        f"{numbers.context} for context and one to test, need {fewest}"
        for each in ordered
        if len(each.images) < fewest
    }
    usable = [each for each in ordered if each.key not in left_out]
    few = [f"{each.key} ({len(each.images)})" for each in ordered if each.key in left_out]
    count = _count_test_classes(len(usable), few, numbers)
    drawn = sorted(usable, key=lambda each: _rank(numbers.seed, each.key))[:count]
    tested = {each.key for each in drawn}
    train = tuple(each for each in usable if each.key not in tested)
    return LclSplit(train, tuple(drawn), left_out)


def _count_test_classes(total: int, few: Sequence[str], numbers: LclNumbers) -> int:
    """How many of `total` usable classes to test; `few` names those with too few images."""
    asked = numbers.test_classes
    if asked is None:
        tenth = total // 10
        asked = UPSTREAM_TEST_CLASSES if total >= _UPSTREAM_CLASSES else max(2, tenth - tenth % 2)
    if asked % 2:
        raise ManifestError(
            f"--test-classes {asked} is odd; upstream pairs row with row: ask for {asked + 1}"
        )
    if total - asked < 2:
        shown = ", ".join(few[:_SHOWN]) + (" ..." if len(few) > _SHOWN else "")
        raise ManifestError(
            f"{total} of {total + len(few)} classes have the {numbers.fewest_images} images "
            f"needed, too few for {asked} test classes and at least 2 to train on"
            + (f"; classes with fewer: {shown}" if few else "")
            + "; lower --samples, --context or --test-classes, or add images"
        )
    return asked


def _rank(seed: int, key: str) -> bytes:
    return hashlib.sha256(f"{seed} class split {key}".encode()).digest()
