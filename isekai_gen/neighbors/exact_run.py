"""Go through the bands of an exact search: every pair at or above the floor.

While candidates are scored, more are proposed.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from isekai_gen.neighbors.bands import BandFolder, ScoredPairs
from isekai_gen.neighbors.exact import ExactSearch
from isekai_gen.neighbors.pairs import PairList, joined_pairs, too_many_pairs

_PIECES_AHEAD = 4
# Candidates that wait for their similarity: 128 MiB of row numbers.
_PAIRS_AHEAD = 1 << 23


def run_search(
    search: ExactSearch,
    max_pairs: int,
    store: BandFolder | None,
    advance: Callable[[int], None],
    bands: Sequence[int] | None = None,
) -> PairList:
    """Go through all bands, or through some, that are not finished yet.

    Args:
        search: What to search.
        max_pairs: More pairs are refused.
        store: Where finished bands are kept.
        advance: Told of rows that are done, and of 0 between, so that it may end a search.
        bands: First rows of the bands, ascending; None for all.

    Raises:
        InputError: If more than `max_pairs` pairs reach the floor.
    """
    wanted = search.bands if bands is None else bands
    kept = None if store is None else store.under(search.floor)
    found = _finished(kept, wanted)
    advance(sum(search.band_end(start) - start for start in found))
    room = max_pairs - sum(len(part[0]) for parts in found.values() for part in parts)
    todo = [start for start in wanted if start not in found]
    with ThreadPoolExecutor(max_workers=1) as scorer:
        for piece in _in_order(_pieces(search, todo, scorer)):
            if room < 0:
                scorer.shutdown(cancel_futures=True)
                break
            found[piece.start].append(piece.scored.result())
            room -= len(found[piece.start][-1][0])
            if piece.last and kept is not None:
                kept.save(piece.start, _together(found[piece.start]))
            advance(search.band_end(piece.start) - piece.start if piece.last else 0)
    if room < 0:
        raise too_many_pairs(max_pairs, search.vectors.shape[0], search.floor)
    return joined_pairs(part for parts in found.values() for part in parts)


def _finished(kept: BandFolder | None, bands: Sequence[int]) -> defaultdict[int, list[ScoredPairs]]:
    """First row to pairs of the bands that are kept."""
    found: defaultdict[int, list[ScoredPairs]] = defaultdict(list)
    if kept is not None:
        for start in bands:
            pairs = kept.load(start)
            if pairs is not None:
                found[start].append(pairs)
    return found


@dataclass(frozen=True, eq=False)
class _Piece:
    """Candidates of a band that are being scored.

    Attributes:
        start: First row of the band.
        size: Candidates.
        scored: What of them reaches the floor.
        last: Whether the band has no more pieces.
    """

    start: int
    size: int
    scored: Future[ScoredPairs]
    last: bool


def _pieces(
    search: ExactSearch, bands: Sequence[int], scorer: ThreadPoolExecutor
) -> Iterator[_Piece]:
    """All candidates, on their way to be scored."""
    for one in search.proposals(bands):
        scored = scorer.submit(search.score, *one.rows)
        yield _Piece(one.start, len(one.rows[0]), scored, one.last)


def _in_order(pieces: Iterator[_Piece]) -> Iterator[_Piece]:
    """The same pieces, asked for ahead of time: while some are scored, more are proposed."""
    waiting: deque[_Piece] = deque()
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += piece.size
        while len(waiting) > _PIECES_AHEAD or size > _PAIRS_AHEAD:
            size -= waiting[0].size
            yield waiting.popleft()
    yield from waiting


def _together(parts: Sequence[ScoredPairs]) -> ScoredPairs:
    a, b, similarity = (np.concatenate(column) for column in zip(*parts, strict=True))
    return a, b, similarity
