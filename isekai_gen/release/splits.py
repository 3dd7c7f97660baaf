"""Divide kept images into splits such that nothing of one is nearly in another.

What is never divided is a unit. With `by="group"` that is a fictional concept with its real
counterpart, joined with any other group that near-duplicates reach into; with `by="image"` it is a
set of images that near-duplicates join, whatever their concepts.

Units take their turn in an order that a hash of seed and unit gives, and each goes to the split
that lacks most of its share. Groups count as one each, however many images they have: a version
with more images of the same groups leaves every image in its split. Images are dealt concept by
concept, so that more images of one concept move none of another; a set that spans concepts is
placed by its hash alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from isekai_gen.errors import ReleaseError
from isekai_gen.hashing import digest_of
from isekai_gen.release.content import SplitBy

# What `datasets` takes as the name of a split, less capitals, dots and underscores; "all" means
# all splits there.
SPLIT_NAME = "[a-z][a-z0-9]*"
_RESERVED = "all"
_SHARES_TOLERANCE = 1e-6
_HASH_DIGITS = 13  # 52 bits: exact in a float


@dataclass(frozen=True)
class Split:
    """A split and how much it is to hold.

    Attributes:
        name: Such as "test".
        share: Of groups or images, over 0 and up to 1.
    """

    name: str
    share: float


@dataclass(frozen=True)
class Divisible:
    """An image as far as splits are concerned.

    Attributes:
        image_id: The image.
        concept: Slug of what it shows.
        group: Slug of the concept's group.
        duplicate_group: Name of the near-duplicates that it belongs to; its own id if alone.
    """

    image_id: str
    concept: str
    group: str
    duplicate_group: str


def parse_splits(texts: Sequence[str]) -> tuple[Split, ...]:
    """Splits from texts such as "train=0.8", in their order.

    Raises:
        ReleaseError: If a text is not NAME=SHARE, a name repeats, or shares do not add up to 1.
    """
    splits = tuple(_parse_split(text) for text in texts)
    names = [split.name for split in splits]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ReleaseError(f"split {repeated[0]!r} is named twice; name each split once")
    total = sum(split.share for split in splits)
    if abs(total - 1.0) > _SHARES_TOLERANCE:
        raise ReleaseError(
            f"shares of the splits {', '.join(texts) or '(none)'} add up to {total:g}, not to 1; "
            "give shares such as train=0.8 test=0.2"
        )
    return splits


def _parse_split(text: str) -> Split:
    name, _, number = text.partition("=")
    try:
        share = float(number)
    except ValueError:
        share = 0.0
    if not re.fullmatch(SPLIT_NAME, name) or name == _RESERVED or not 0.0 < share <= 1.0:
        raise ReleaseError(
            f"split {text!r} is not NAME=SHARE with a name of lower-case letters and digits (not "
            f"{_RESERVED!r}) and a share over 0 and up to 1, such as test=0.2"
        )
    return Split(name, share)


def assign_splits(
    images: Iterable[Divisible], splits: Sequence[Split], by: SplitBy, seed: int
) -> dict[str, str]:
    """Id of every image to the name of its split; does not depend on the order of images.

    By group, each split has its share of groups to within one group for every other split. By
    image, each has its share of a concept's images to within a set of near-duplicates, as far as
    sets that span concepts allow.

    Args:
        images: With distinct ids.
        splits: From `parse_splits`.
        by: What stays together beside near-duplicates.
        seed: Of the order in which units are dealt.

    Raises:
        ReleaseError: If a split would have no images.
    """
    ordered = sorted(images, key=lambda image: image.image_id)
    if len(splits) == 1 or not ordered:
        return {image.image_id: splits[0].name for image in ordered}
    deal = _by_group if by == "group" else _by_image
    assigned = deal(ordered, _Dealer(splits, seed))
    missing = sorted({split.name for split in splits}.difference(assigned.values()))
    if missing:
        whole = "groups (with those that near-duplicates join)" if by == "group" else "images"
        raise ReleaseError(
            f"split {missing[0]!r} would have no images: there are too few {whole} to divide; "
            "name fewer splits, or keep more"
        )
    return assigned


@dataclass(frozen=True)
class _Dealer:
    """Gives units to splits."""

    splits: Sequence[Split]
    seed: int

    def deal(self, sizes: Mapping[str, int], had: Mapping[str, int]) -> dict[str, str]:
        """Unit to split, each unit going where most is lacking.

        Args:
            sizes: Unit to how much it counts.
            had: Split to what it has already.
        """
        total = sum(sizes.values()) + sum(had.values())
        lacking = {each.name: each.share * total - had.get(each.name, 0) for each in self.splits}
        empty = [each.name for each in self.splits if not had.get(each.name)]
        found: dict[str, str] = {}
        for turn, unit in enumerate(sorted(sizes, key=self._digest)):
            # The last units go to splits whose share is less than a unit, lest they stay empty.
            open_splits = empty if len(sizes) - turn <= len(empty) else list(lacking)
            chosen = max(open_splits, key=lambda name: lacking[name])
            found[unit] = chosen
            lacking[chosen] -= sizes[unit]
            empty = [name for name in empty if name != chosen]
        return found

    def draw(self, unit: str) -> str:
        """The split of a unit by its hash alone, in proportion to the shares."""
        place = int(self._digest(unit)[:_HASH_DIGITS], 16) / 16**_HASH_DIGITS
        for split in self.splits[:-1]:
            if place < split.share:
                return split.name
            place -= split.share
        return self.splits[-1].name

    def _digest(self, unit: str) -> str:
        return digest_of(["split", self.seed, unit])


def _by_group(images: Sequence[Divisible], dealer: _Dealer) -> dict[str, str]:
    unit_of = _joined_groups(images)
    sizes: dict[str, int] = {}
    for unit in unit_of.values():
        sizes[unit] = sizes.get(unit, 0) + 1
    split_of = dealer.deal(sizes, {})
    return {image.image_id: split_of[unit_of[image.group]] for image in images}


def _joined_groups(images: Sequence[Divisible]) -> dict[str, str]:
    """Group to the least of the groups that near-duplicates join it with."""
    reached: dict[str, set[str]] = {}
    for image in images:
        reached.setdefault(image.duplicate_group, set()).add(image.group)
    root = {image.group: image.group for image in images}

    def find(group: str) -> str:
        while root[group] != group:
            group = root[group]
        return group

    for groups in reached.values():
        for one, other in pairwise(sorted(groups)):
            low, high = sorted((find(one), find(other)))
            root[high] = low
    return {group: find(group) for group in root}


def _by_image(images: Sequence[Divisible], dealer: _Dealer) -> dict[str, str]:
    concepts_of: dict[str, set[str]] = {}
    for image in images:
        concepts_of.setdefault(image.duplicate_group, set()).add(image.concept)
    split_of = {unit: dealer.draw(unit) for unit, found in concepts_of.items() if len(found) > 1}
    sizes: dict[str, dict[str, int]] = {image.concept: {} for image in images}
    had: dict[str, dict[str, int]] = {image.concept: {} for image in images}
    for image in images:
        unit = image.duplicate_group
        name, of = (split_of[unit], had) if unit in split_of else (unit, sizes)
        of[image.concept][name] = of[image.concept].get(name, 0) + 1
    for concept in sorted(sizes):
        split_of.update(dealer.deal(sizes[concept], had[concept]))
    return {image.image_id: split_of[image.duplicate_group] for image in images}
