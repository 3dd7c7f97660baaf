"""What the probe learns from and what it measures on; nothing of one is nearly in the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from isekai_gen.counterfactuals.records import Kept
from isekai_gen.errors import InputError
from isekai_gen.records import ImageRecord
from isekai_gen.release.splits import Divisible, Split, assign_splits, parse_splits
from isekai_gen.settings import ReleaseSettings
from isekai_gen.stages.counterfactual_read import KeptSample
from isekai_gen.stages.probe_style import HeldOutStyle, OtherStyle

Column = Literal["held_out", "foreign_context", "other_style", "context_only"]
COLUMNS: tuple[Column, ...] = get_args(Column)
TRAIN, TEST = "train", "test"
_RANDOM = "random"
"""Masks that are a control; they show neither the object nor the context."""
_NO_SAMPLE: Mapping[Column, str] = {
    "foreign_context": "no sample with its object kept is of a held-out image",
    "context_only": "no sample without its object is of a held-out image",
}


@dataclass(frozen=True)
class ProbePicture:
    """A picture to learn from or to measure on.

    Attributes:
        id: Of the image or the sample.
        path: Its file.
        pixel_sha256: As its record has it.
        label: Number of its concept.
    """

    id: str
    path: Path
    pixel_sha256: str
    label: int


@dataclass(frozen=True, eq=False)
class ProbeSets:
    """Everything that a run sees.

    Attributes:
        train: Labeled pictures, by id.
        anchors: Counterfactual samples of those, by id; their labels are not looked at.
        anchors_of: For each training picture, the numbers of its anchors; may be empty.
        measured: Pictures of each column that there is.
        missing: Why each other column is not there.
        left_out: What was used for nothing, and why, to its count.
    """

    train: tuple[ProbePicture, ...]
    anchors: tuple[ProbePicture, ...]
    anchors_of: tuple[tuple[int, ...], ...]
    measured: Mapping[Column, tuple[ProbePicture, ...]]
    missing: Mapping[Column, str]
    left_out: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class KeptImages:
    """The kept images of a workspace.

    Attributes:
        root: Of the workspace, where paths begin.
        records: Of the images.
        duplicate_groups: Id of each to the name of its near-duplicates.
        label_of: Concept slug to number.
    """

    root: Path
    records: Sequence[ImageRecord]
    duplicate_groups: Mapping[str, str]
    label_of: Mapping[str, int]

    def picture(self, record: ImageRecord) -> ProbePicture:
        """An image as the probe takes it."""
        return ProbePicture(
            record.image_id,
            self.root / record.path,
            record.pixel_sha256,
            self.label_of[record.concept],
        )

    def divisible(self, record: ImageRecord) -> Divisible:
        """An image as far as splits are concerned."""
        group = self.duplicate_groups[record.image_id]
        return Divisible(record.image_id, record.concept, record.concept, group)


def probe_splits(settings: ReleaseSettings, test_share: float) -> tuple[Split, ...]:
    """How images are divided: as releases are, if by image into "train" and "test" among others.

    Args:
        settings: On releases.
        test_share: Of images that are held out otherwise, in (0, 1).
    """
    splits = parse_splits(settings.splits)
    if settings.split_by == "image" and {TRAIN, TEST} <= {split.name for split in splits}:
        return splits
    return (Split(TRAIN, 1 - test_share), Split(TEST, test_share))


def divide_for_probe(
    images: KeptImages,
    samples: Sequence[KeptSample],
    other: OtherStyle,
    splits: Sequence[Split],
    seed: int,
) -> ProbeSets:
    """Divide images and their counterfactual samples.

    Near-duplicates stay together by the rules of releases; those of an image of the held-out style
    are not used at all. A sample follows the image it was made of. It is an anchor only if its
    fillers are training images as well: a piece of a held-out image would be seen in training.

    Args:
        images: All kept ones.
        samples: All kept ones.
        other: What is held out as another style.
        splits: From `probe_splits`.
        seed: Of the division.

    Raises:
        InputError: If no image, or no sample, is left to learn from.
        ReleaseError: If there are too few images to divide.
    """
    styled, rest, beside = _apart(images, other.style)
    split_of = assign_splits(
        [images.divisible(each) for each in rest], splits, by="image", seed=seed
    )
    train, test = (_of_split(rest, split_of, name) for name in (TRAIN, TEST))
    usable = [sample for sample in samples if sample.record.recipe.method != _RANDOM]
    anchors, foreign = _anchors(usable, {each.image_id for each in train})
    found = _measured(images, usable, test, styled)
    return ProbeSets(
        train=tuple(images.picture(each) for each in train),
        anchors=tuple(_sample_picture(images, each) for each in anchors),
        anchors_of=_anchors_of(train, anchors),
        measured={column: pictures for column, pictures in found.items() if pictures},
        missing={
            column: other.missing if column == "other_style" else _NO_SAMPLE[column]
            for column, pictures in found.items()
            if not pictures
        },
        left_out={
            "near-duplicates of images of the other style": beside,
            "images of other splits": len(rest) - len(train) - len(test),
            "samples with random masks": len(samples) - len(usable),
            "samples of training images with fillers that are not": foreign,
        },
    )


def _measured(
    images: KeptImages,
    samples: Sequence[KeptSample],
    test: Sequence[ImageRecord],
    styled: Sequence[ImageRecord],
) -> dict[Column, tuple[ProbePicture, ...]]:
    ids = {each.image_id for each in test}
    return {
        "held_out": tuple(images.picture(each) for each in test),
        "foreign_context": _of_test(images, samples, ids, "object"),
        "other_style": tuple(images.picture(each) for each in styled),
        "context_only": _of_test(images, samples, ids, "context"),
    }


def _of_split(
    records: Sequence[ImageRecord], split_of: Mapping[str, str], name: str
) -> list[ImageRecord]:
    return _by_id([each for each in records if split_of[each.image_id] == name])


def _apart(
    images: KeptImages, style: HeldOutStyle | None
) -> tuple[list[ImageRecord], list[ImageRecord], int]:
    """Images of the style, all others, and how many are left out as too near to the first."""
    if style is None:
        return [], list(images.records), 0
    other = [each for each in images.records if style.has(each)]
    groups = {images.duplicate_groups[each.image_id] for each in other}
    rest = [each for each in images.records if not style.has(each)]
    apart = [each for each in rest if images.duplicate_groups[each.image_id] not in groups]
    if not apart:
        raise InputError(
            f"every image is of {style} or a near-duplicate of one that is; hold out another style "
            "with --hold-out, or none"
        )
    return _by_id(other), apart, len(rest) - len(apart)


def _anchors(samples: Sequence[KeptSample], train: set[str]) -> tuple[list[KeptSample], int]:
    """Samples of training images to distill on, and how many others there are of them."""
    of_train = [sample for sample in samples if sample.record.recipe.source in train]
    found = [sample for sample in of_train if train.issuperset(sample.record.recipe.fillers)]
    if not found:
        raise InputError(
            f"none of the {len(of_train)} counterfactual samples of training images has training "
            "images only as its fillers (multi-fill takes patches of many images); run "
            "`isekai-gen counterfactuals` with single-fill, or keep more images"
        )
    return sorted(found, key=lambda sample: sample.record.id), len(of_train) - len(found)


def _anchors_of(
    train: Sequence[ImageRecord], anchors: Sequence[KeptSample]
) -> tuple[tuple[int, ...], ...]:
    numbers: dict[str, list[int]] = {}
    for number, sample in enumerate(anchors):
        numbers.setdefault(sample.record.recipe.source, []).append(number)
    return tuple(tuple(numbers.get(each.image_id, ())) for each in train)


def _of_test(
    images: KeptImages, samples: Sequence[KeptSample], test: set[str], kept: Kept
) -> tuple[ProbePicture, ...]:
    found = [
        sample
        for sample in samples
        if sample.record.recipe.kept == kept and sample.record.recipe.source in test
    ]
    return tuple(
        _sample_picture(images, each) for each in sorted(found, key=lambda each: each.record.id)
    )


def _sample_picture(images: KeptImages, sample: KeptSample) -> ProbePicture:
    record = sample.record
    label = images.label_of[record.recipe.concept]
    return ProbePicture(record.id, sample.picture, record.pixel_sha256, label)


def _by_id(records: Sequence[ImageRecord]) -> list[ImageRecord]:
    return sorted(records, key=lambda record: record.image_id)
