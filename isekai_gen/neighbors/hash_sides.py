"""The two sides of a comparison of pictures by their hashes: in one order, one of them turned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from isekai_gen.neighbors.hash_candidates import Hashes, HashIndex, open_index
from isekai_gen.neighbors.similarity import IndexArray
from isekai_gen.neighbors.thumbnail_match import layouts

Octets = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Number = TypeVar("Number", bound=np.generic)


class HashedPictures(Protocol):
    """What is known of n pictures (`models.perceptual.PictureHashes`).

    Attributes:
        phash: uint64 [n, 8]: in each orientation, as it is first.
        dhash: uint64 [n, 8].
        thumbnails: uint8 [n, 32, 32].
        tints: uint8 [n, 2, 8, 8].
        hashable: bool [n]: whether to compare it at all.
    """

    @property
    def phash(self) -> Hashes: ...
    @property
    def dhash(self) -> Hashes: ...
    @property
    def thumbnails(self) -> Octets: ...
    @property
    def tints(self) -> Octets: ...
    @property
    def hashable(self) -> Flags: ...


@dataclass(frozen=True, eq=False)
class Side:
    """One set of pictures in search order.

    Attributes:
        pictures: The set.
        rows: int64 [n]: the rows that are compared, in search order.
        rank: int64 [n], ascending: their place among the pictures of both sets.
    """

    pictures: HashedPictures
    rows: IndexArray
    rank: IndexArray

    def part(self, start: int, count: int) -> Side:
        """So many pictures from a place in the search order on."""
        part = slice(start, start + count)
        return Side(self.pictures, self.rows[part], self.rank[part])


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some of the pictures that are turned, ready to be compared with many others.

    Attributes:
        side: The pictures.
        index: Of their pHashes: number 8 i + o is picture i in orientation o.
        layouts: float32 [n, 256]: see `thumbnail_match.layouts`.
        places: int64 [8, 256]: where each number of a layout lies after a turn.
    """

    side: Side
    index: HashIndex
    layouts: npt.NDArray[np.float32]
    places: IndexArray

    @classmethod
    def of(cls, side: Side) -> Chunk:
        codes = side.pictures.phash[side.rows]
        own = layouts(side.pictures.thumbnails[side.rows])
        width = math.isqrt(own.shape[1])
        places = np.arange(own.shape[1]).reshape(width, width)
        turned = [_orient(places, number).reshape(-1) for number in range(codes.shape[1])]
        return cls(side, open_index(codes.reshape(-1)), own, np.stack(turned))


def both_sides(left: HashedPictures, right: HashedPictures | None) -> tuple[Side, Side]:
    """Both sets, or one set twice, in one common order: by pHash, then by thumbnail."""
    sets = [left] if right is None else [left, right]
    rows = [np.flatnonzero(pictures.hashable).astype(np.int64) for pictures in sets]
    phash = np.concatenate([p.phash[r, 0] for p, r in zip(sets, rows, strict=True)])
    prints = np.concatenate([_prints(p.thumbnails[r]) for p, r in zip(sets, rows, strict=True)])
    rank = np.empty(len(phash), dtype=np.int64)
    rank[np.lexsort((prints, phash))] = np.arange(len(phash))
    sides, start = [], 0
    for pictures, own in zip(sets, rows, strict=True):
        own_rank = rank[start : start + len(own)]
        order = np.argsort(own_rank)
        sides.append(Side(pictures, own[order], own_rank[order]))
        start += len(own)
    return sides[0], sides[-1]


def _prints(thumbnails: Octets) -> Hashes:
    """A number for each thumbnail, the same for equal ones; which number has no meaning."""
    pixels = np.arange(thumbnails.shape[1] * thumbnails.shape[2], dtype=np.uint64)
    weights = (pixels * np.uint64(0x9E3779B97F4A7C15)) | np.uint64(1)
    flat = thumbnails.reshape(len(thumbnails), len(pixels))
    return np.array([(row * weights).sum() for row in flat], dtype=np.uint64)


def turned_pictures(pictures: Octets, turn: IndexArray) -> Octets:
    """Each picture [..., side, side] in its orientation, numbered as `models.perceptual` does."""
    result = np.empty_like(pictures)
    for number in np.unique(turn):
        chosen = turn == number
        result[chosen] = _orient(pictures[chosen], int(number))
    return result


def _orient(pictures: npt.NDArray[Number], number: int) -> npt.NDArray[Number]:
    if number & 1:
        pictures = pictures[..., ::-1]
    if number & 2:
        pictures = pictures[..., ::-1, :]
    return np.asarray(pictures.swapaxes(-1, -2) if number & 4 else pictures)
