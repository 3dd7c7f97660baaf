"""Verdicts by equality: with a picture of another set, and with another picture of the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.similarity import IndexArray
from isekai_gen.stages.dedupe_folder_pictures import ComparedPictures
from isekai_gen.stages.dedupe_folder_verdicts import RowVerdicts


def equal_in_other(pictures: ComparedPictures, other: ComparedPictures) -> dict[str, IndexArray]:
    """Reason to the first row of the other set that equals each picture, or -1."""
    return {
        "same_bytes": _first_equal(pictures.seen.byte_sha256, other.seen.byte_sha256),
        "same_pixels": _first_equal(pictures.seen.pixel_sha256, other.seen.pixel_sha256),
    }


def _first_equal(digests: Sequence[str], others: Sequence[str]) -> IndexArray:
    row_of: dict[str, int] = {}
    for row, digest in enumerate(others):
        row_of.setdefault(digest, row)
    return np.array([row_of.get(digest, -1) for digest in digests], dtype=np.int64)


def pairs_of_equal(equal: Mapping[str, IndexArray]) -> PairList:
    """Every picture that equals one of another set, with that one."""
    other = equal["same_pixels"]  # equal bytes have equal pixels
    rows = np.flatnonzero(other >= 0)
    return PairList(rows, other[rows], np.ones(len(rows), dtype=np.float32))


def with_copies(verdicts: RowVerdicts, pictures: ComparedPictures) -> RowVerdicts:
    """The verdicts with those on copies, which were compared through another picture.

    A copy of a kept picture is dropped on its account. A copy of a dropped one has the same pixels,
    so it is dropped on account of the same witness, and with the same evidence.

    Args:
        verdicts: On the pictures compared; what they say of copies does not matter.
        pictures: All pictures.
    """
    source = pictures.first[pictures.class_of]
    result = verdicts.take(source)
    copies = pictures.copies
    copies = copies[verdicts.kept[source[copies]]]
    result.kept[copies] = False
    result.witness[copies] = source[copies]
    result.similarity[copies] = 1.0
    result.limit[copies] = np.nan
    result.tier[copies] = "exact"
    digests = np.array(pictures.seen.byte_sha256)
    same_bytes = digests[copies] == digests[source[copies]]
    result.reason[copies] = np.where(same_bytes, "same_bytes", "same_pixels")
    return result
