"""The near_duplicate filter with limits for tests."""

import math

from isekai_gen.filters.near_duplicate import NearDuplicateFilter
from isekai_gen.neighbors.edges import find_edges
from isekai_gen.neighbors.search import SearchOptions

COS_20 = math.cos(math.radians(20))


def near_duplicate(limit=COS_20, **limits):
    """The filter by embeddings alone and without a review band, unless said otherwise."""
    default = {
        "tiers": ("semantic",),
        "max_similarity": limit,
        "review_similarity": limit,
        "radius": 4,
        "review_radius": 10,
        "extra_max_similarity": 0.9,
        "extra_review_similarity": 0.75,
    }
    return NearDuplicateFilter(**default | limits)


def edges_of(table, floor):
    return find_edges(table, SearchOptions(floor=floor))[0]


def kept_of(verdicts):
    return [image_id for image_id, verdict in verdicts.items() if verdict.keep]
