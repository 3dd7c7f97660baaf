"""Find pictures that look the same: close perceptual hashes, confirmed by tiny pictures.

A pair is listed if the pHashes of the two, one of them in any of eight orientations, differ in few
enough bits, their dHashes in that orientation do not contradict, and their thumbnails show the same
picture (`thumbnail_match`). The search is exact: no pair that meets these rules is missed.

Of two pictures, the one whose pHash is the smaller number is the one that is not turned: which of
them comes first in a list, or in which list it is, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import numpy.typing as npt

from isekai_gen.cores import usable_cores
from isekai_gen.errors import InputError
from isekai_gen.neighbors.hash_candidates import Bits, Hits, search_with_one_thread
from isekai_gen.neighbors.hash_sides import (
    Chunk,
    Flags,
    HashedPictures,
    Side,
    both_sides,
    turned_pictures,
)
from isekai_gen.neighbors.pairs import PairList, joined_pairs
from isekai_gen.neighbors.similarity import IndexArray
from isekai_gen.neighbors.thumbnail_match import colors_agree, layouts, layouts_agree, same_picture

Found = tuple[IndexArray, IndexArray, npt.NDArray[np.float32]]

MAX_PAIRS = 20_000_000
"""More pairs than this are refused rather than filling the memory."""
# dHashes of different pictures differ in about half of 64 bits; of a crop by a tenth, in up to 20.
_MAX_DHASH_BITS = 20
# One comparison of a block of pictures with a chunk of others yields at most
# _BLOCK * _CHUNK * 8 hits of 20 bytes: 80 MB, even if all pictures are the same.
_BLOCK, _CHUNK = 256, 2048
# Candidates that are aligned at once, with 100 MB of temporaries, and whose layouts are compared at
# once, with 16 MB.
_ALIGNED_AT_ONCE = 512
_LAYOUTS_AT_ONCE = 4096
# Each needs the memory said above.
_MOST_THREADS = 8


def find_hash_pairs(
    hashes: HashedPictures,
    review_radius: int,
    *,
    against: HashedPictures | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> PairList:
    """All pairs of pictures that look the same, within one set or between two.

    Args:
        hashes: n pictures.
        review_radius: Most bits of 64 in which the pHashes may differ.
        against: Another set; the pairs are then (row of `hashes`, row of `against`).
        advance: Told of rows of `hashes` that are done; they sum up to n.

    Returns:
        Similarities are 1 - bits / 64, exact in float32, of the best confirmed orientation.

    Raises:
        InputError: If more than `MAX_PAIRS` pairs look the same.
    """
    if not 0 <= review_radius < 32:
        raise ValueError(f"review_radius must be in [0, 31], got {review_radius}")
    left, right = both_sides(hashes, against)
    # Either picture of a pair may be the one that is turned.
    turned_left = _bounded(_directed(right, left, review_radius, advance))
    if against is None:
        found = [(np.minimum(a, b), np.maximum(a, b), s) for b, a, s in turned_left]
    else:
        found = [(a, b, s) for b, a, s in turned_left]
        found += _bounded(_directed(left, right, review_radius, lambda _: None))
    advance(len(hashes.hashable) - len(left.rows))
    return joined_pairs(found)


def _bounded(parts: Iterator[Found]) -> Iterator[Found]:
    room = MAX_PAIRS
    for part in parts:
        room -= len(part[0])
        if room < 0:
            raise InputError(
                f"over {MAX_PAIRS:,} pairs of pictures look the same; drop exact copies first, or "
                "choose a smaller --review-radius"
            )
        yield part


def _directed(
    first: Side, second: Side, radius: int, advance: Callable[[int], None]
) -> Iterator[Found]:
    """Pairs whose picture of `first` ranks below that of `second`, which is the one turned."""
    with ThreadPoolExecutor(_threads(), initializer=search_with_one_thread) as pool:
        for start in range(0, len(second.rows), _CHUNK):
            chunk = Chunk.of(second.part(start, _CHUNK))
            ahead = int(np.searchsorted(first.rank, chunk.side.rank[-1]))
            blocks = (first.part(row, _BLOCK) for row in range(0, ahead, _BLOCK))
            yield from pool.map(partial(_compared, second=chunk, radius=radius), blocks)
            advance(len(chunk.side.rows))


def _threads() -> int:
    return min(_MOST_THREADS, usable_cores())


def _compared(first: Side, second: Chunk, radius: int) -> Found:
    """Confirmed pairs of a block and a chunk, each in its best orientation."""
    hits = second.index.near(first.pictures.phash[first.rows, 0], radius)
    a, b, turn, bits = _candidates(first, second, hits)
    same = np.zeros(len(a), dtype=np.bool_)
    for start in range(0, len(a), _ALIGNED_AT_ONCE):
        part = slice(start, start + _ALIGNED_AT_ONCE)
        same[part] = _confirmed(first.pictures, a[part], second.side.pictures, b[part], turn[part])
    a, b, bits = a[same], b[same], bits[same]
    order = np.lexsort((bits, b, a))
    a, b, bits = a[order], b[order], bits[order]
    best = np.ones(len(a), dtype=np.bool_)
    best[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    return a[best], b[best], (1 - bits[best] / np.float32(64)).astype(np.float32)


def _candidates(
    first: Side, second: Chunk, hits: Hits
) -> tuple[IndexArray, IndexArray, IndexArray, Bits]:
    """Rows of both sets, orientation and bits of the hits that nothing cheap contradicts."""
    position, code, bits = hits
    other, turn = np.divmod(code, second.side.pictures.phash.shape[1])
    dhash = first.pictures.dhash[first.rows[position], 0]
    turned = second.side.pictures.dhash[second.side.rows[other], turn]
    likely = first.rank[position] < second.side.rank[other]
    likely &= np.bitwise_count(dhash ^ turned) <= _MAX_DHASH_BITS
    position, other, turn, bits = position[likely], other[likely], turn[likely], bits[likely]
    own = layouts(first.pictures.thumbnails[first.rows])
    close = np.zeros(len(position), dtype=np.bool_)
    for start in range(0, len(position), _LAYOUTS_AT_ONCE):
        part = slice(start, start + _LAYOUTS_AT_ONCE)
        turned_layouts = second.layouts[other[part, None], second.places[turn[part]]]
        close[part] = layouts_agree(own[position[part]], turned_layouts)
    a, b = first.rows[position[close]], second.side.rows[other[close]]
    return a, b, turn[close], bits[close]


def _confirmed(
    first: HashedPictures, a: IndexArray, second: HashedPictures, b: IndexArray, turn: IndexArray
) -> Flags:
    """Whether the thumbnails of a candidate show the same picture."""
    left, right = first.thumbnails[a], turned_pictures(second.thumbnails[b], turn)
    same: Flags = (left == right).all(axis=(1, 2))
    change = np.zeros((len(a), 2, 3), dtype=np.float32)
    change[:, (0, 1), (0, 1)] = 1
    rest = np.flatnonzero(~same)
    same[rest], change[rest] = same_picture(
        left[rest].astype(np.float32), right[rest].astype(np.float32)
    )
    found = np.flatnonzero(same)
    left, right = first.tints[a[found]], turned_pictures(second.tints[b[found]], turn[found])
    same[found] = colors_agree(left.astype(np.float32), right.astype(np.float32), change[found])
    return same
