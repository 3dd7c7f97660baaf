"""lcl-train: rows of training classes, each with samples and rank-stratified neighbors.

Upstream draws a row's neighbors with weights 36, 35, ..., 1 and so counts on their order. It sorts
all training classes by falling similarity, the class itself at rank 0, cuts the list into 36 bins
of ceil(n / 36) ranks and draws one class, and one image of it, from each bin. (Tai et al.,
Link-Context Learning, CVPR 2024, section on the training set; bins and weights are in its code.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from isekai_gen.errors import ManifestError
from isekai_gen.manifests.lcl_check import check_class_name
from isekai_gen.manifests.lcl_split import LclClass, LclNumbers
from isekai_gen.manifests.upstream_draws import draw

_SHOWN = 3


@dataclass(frozen=True)
class TrainRow:
    """One training class.

    Attributes:
        row: In upstream's format.
        sorted_ids: Ids of all training classes by falling similarity; its own is the first.
    """

    row: dict[str, Any]
    sorted_ids: tuple[str, ...]


def build_train_rows(
    train: Sequence[LclClass],
    keys_by_rank: Iterable[tuple[str, Sequence[str]]],
    numbers: LclNumbers,
) -> Iterator[TrainRow]:
    """One row for each training class, in the order of `keys_by_rank`.

    Args:
        train: The training classes.
        keys_by_rank: Key of a class, and the keys of all others by falling similarity. Classes
            that are not trained on are passed over, on both sides.
        numbers: How many samples and neighbors, and the seed.

    Raises:
        ManifestError: If there are too few classes for the neighbors; before the first row.
    """
    check_neighbor_count(len(train), numbers.neighbors)
    class_by_key = {each.key: each for each in train}
    for key, others in keys_by_rank:
        own = class_by_key.get(key)
        if own is None:
            continue
        ranked = [own, *(class_by_key[other] for other in others if other in class_by_key)]
        if len(ranked) != len(train):
            raise ValueError(f"{len(ranked)} of {len(train)} training classes ranked for {key!r}")
        yield TrainRow(_row(ranked, numbers), tuple(each.class_id for each in ranked))


def check_neighbor_count(n_classes: int, neighbors: int) -> None:
    """Refuse a number of neighbors that upstream's bins cannot give.

    Raises:
        ManifestError: If a bin would have no class but the row's own, or none at all.
    """
    if not _has_full_bins(n_classes, neighbors):
        fewer = range(min(neighbors, n_classes), 0, -1)
        most = next(n for n in fewer if _has_full_bins(n_classes, n))
        raise ManifestError(
            f"{n_classes} training classes cannot be cut into {neighbors} bins of "
            f"{bin_size(n_classes, neighbors)} with a neighbor in each; ask for --neighbors {most}"
        )


def refuse_bad_names(train: Iterable[LclClass]) -> None:
    """Refuse names that upstream's prompt builder would misread.

    Raises:
        ManifestError: Names the classes.
    """
    faults = [f"{each.key}: {fault}" for each in train for fault in check_class_name(each.name)]
    if faults:
        more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise ManifestError(
            "lcl-train cannot use these names; rename the folders: "
            + "; ".join(faults[:_SHOWN])
            + more
        )


def bin_size(n_classes: int, neighbors: int) -> int:
    """Ranks in a bin: ceil(n_classes / neighbors)."""
    return -(-n_classes // neighbors)


def _has_full_bins(n_classes: int, neighbors: int) -> bool:
    # Rank 0 is the class itself, so that the first bin needs a second rank.
    size = bin_size(n_classes, neighbors)
    return size >= 2 and (neighbors - 1) * size < n_classes


def _row(ranked: Sequence[LclClass], numbers: LclNumbers) -> dict[str, Any]:
    own = ranked[0]
    return {
        "class_id": own.class_id,
        "class_name": own.name,
        "samples": draw(numbers.seed, f"samples {own.key}", own.images, numbers.samples),
        "neighbors": [
            [other.class_id, other.name, image] for other, image in _neighbors(ranked, numbers)
        ],
    }


def _neighbors(ranked: Sequence[LclClass], numbers: LclNumbers) -> Iterator[tuple[LclClass, str]]:
    size = bin_size(len(ranked), numbers.neighbors)
    key = ranked[0].key
    for number in range(numbers.neighbors):
        start = max(1, number * size)
        in_bin = ranked[start : (number + 1) * size]
        (other,) = draw(numbers.seed, f"neighbor {number} of {key}", in_bin, 1)
        (image,) = draw(numbers.seed, f"image {number} for {key}", other.images, 1)
        yield other, image
