"""Compare pictures outside a workspace, tier by tier: among themselves, or with another set."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from isekai_gen.models.perceptual import PictureHashes
from isekai_gen.neighbors.hamming import find_hash_pairs
from isekai_gen.neighbors.hash_candidates import hash_search_method
from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.search import SearchOptions, SearchReport
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.dedupe_folder_found import TierFound, TierLimits
from isekai_gen.stages.dedupe_folder_pictures import ComparedPictures
from isekai_gen.stages.limits import PERCEPTUAL_IDENTITY
from isekai_gen.stages.reporting import Advance
from isekai_gen.stages.tile_search import (
    KeptBands,
    content_digest,
    search_in_bands,
    unfinished_bands,
)


@dataclass(frozen=True)
class Comparisons:
    """How pictures are compared.

    Attributes:
        limits: Of every tier but "exact", in their declared order.
        review_radius: Most bits in which listed hashes differ.
        options: Of the search by embeddings; each tier has its own floor.
    """

    limits: tuple[TierLimits, ...]
    review_radius: int
    options: SearchOptions


def compare_pictures(
    context: StageContext,
    how: Comparisons,
    pictures: ComparedPictures,
    other: ComparedPictures | None = None,
) -> list[TierFound]:
    """Similar pairs of rows, one entry per tier; of pictures with equal pixels, the one compared.

    Args:
        context: Reporter, devices and engine; its workspace is the folder of the results.
        how: Tiers, limits and search.
        pictures: To compare among themselves, or with `other`.
        other: Another set.

    Raises:
        InputError: If there are more similar pairs than memory allows.
    """
    title = "Comparing pictures" if other is None else "Comparing with the other set"
    found, sides = [], (pictures, other)
    with context.reporter.task(title, len(pictures.first) * len(how.limits)) as advance:
        for limits in how.limits:
            if limits.tier == "perceptual":
                found.append(_by_hashes(limits, how.review_radius, pictures, other, advance))
            else:
                found.append(_by_embeddings(context, limits, how.options, sides, advance))
    return [replace(one, pairs=_as_rows(one.pairs, pictures, other)) for one in found]


def _by_hashes(
    limits: TierLimits,
    review_radius: int,
    pictures: ComparedPictures,
    other: ComparedPictures | None,
    advance: Advance,
) -> TierFound:
    pairs = find_hash_pairs(
        _hashes(pictures),
        review_radius,
        against=None if other is None else _hashes(other),
        advance=advance,
    )
    why = "perceptual hashes are always compared exactly"
    search = SearchReport("exact", hash_search_method(), why, len(pairs))
    return TierFound(limits, pairs, search, PERCEPTUAL_IDENTITY)


def _hashes(pictures: ComparedPictures) -> PictureHashes:
    hashes = pictures.seen.hashes
    if hashes is None:
        raise ValueError("pictures without hashes")
    return hashes.take(pictures.first)


def _by_embeddings(
    context: StageContext,
    limits: TierLimits,
    options: SearchOptions,
    sides: tuple[ComparedPictures, ComparedPictures | None],
    advance: Advance,
) -> TierFound:
    pictures, other = sides
    vectors = pictures.vectors(limits.tier)
    against = None if other is None else other.vectors(limits.tier)
    searched = [vectors] if against is None else [vectors, against]
    pairs, search = search_in_bands(
        context,
        vectors,
        replace(options, floor=limits.floor),
        KeptBands(unfinished_bands(context.workspace.root), lambda: content_digest(*searched)),
        against=against,
        advance=advance,
    )
    return TierFound(limits, pairs, search, pictures.embeddings[limits.tier][1])


def _as_rows(
    pairs: PairList, pictures: ComparedPictures, other: ComparedPictures | None
) -> PairList:
    """Pairs of classes as pairs of the pictures compared; `first` ascends, so they stay sorted."""
    right = pictures if other is None else other
    return PairList(pictures.first[pairs.row_a], right.first[pairs.row_b], pairs.similarity)


def equal_found(pairs: PairList) -> TierFound:
    """Pairs of pictures with equal pixels, as the tier exact."""
    # Just below 1, so that pairs of similarity 1 are above it as those of other tiers are.
    limit = math.nextafter(1.0, 0.0)
    search = SearchReport("exact", "digests", "equal bytes or equal pixels", len(pairs))
    return TierFound(TierLimits("exact", limit, limit, 1.0, ""), pairs, search)
