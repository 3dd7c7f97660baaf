import math

import numpy as np
import pytest

from isekai_gen.filters.duplicates import DuplicateRequest, radius_limit
from tests.filters.duplicate_problems import rows_of, tier


@pytest.mark.parametrize("radius", [0, 4, 10, 63])
def test_hashes_lie_above_the_limit_of_a_radius_exactly_if_they_are_within_it(radius):
    assert 1 - radius / 64 > radius_limit(radius)
    assert not 1 - (radius + 1) / 64 > radius_limit(radius)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"priority": rows_of(0, 0, 1)}, "each of 3 rows once"),
        ({"priority": rows_of(0, 1)}, "each of 3 rows once"),
        ({"scope": rows_of(0, 1)}, "scope"),
        ({"pinned": rows_of(3)}, "pinned names a row"),
        ({"absent": rows_of(-1)}, "absent names a row"),
        ({"equal": [("same_bytes", rows_of(0, 3))]}, "equal names a row"),
        ({"equal": [("same_mood", rows_of(0, 1))]}, "in common"),
        ({"equal": [("same_bytes", rows_of(1, 1))]}, "twice"),
        ({"marked": rows_of(1, 1)[None]}, "marked must be pairs"),
        ({"spared": rows_of(0, 1, 2)[None]}, "spared must be pairs"),
        ({"pinned": rows_of(1), "absent": rows_of(1)}, "both pinned and absent"),
        ({"marked": rows_of(1, 0)[None], "spared": rows_of(0, 1)[None]}, "both marked and spared"),
        ({"tiers": [tier({}, 0.9), tier({}, 0.9)]}, "a tier comes twice"),
        ({"tiers": [tier({(0, 3): 0.9}, 0.9)]}, "semantic names a row"),
    ],
)
def test_requests_that_contradict_themselves_are_refused(more, message):
    with pytest.raises(ValueError, match=message):
        DuplicateRequest(3, **({"priority": np.arange(3)} | more))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "exact"}, "no tier of similar pairs"),
        ({"limit": 1.5}, r"max_similarity 1\.5"),
        ({"limit": 0.8, "review": 0.9}, r"review_similarity 0\.9"),
        ({"limit": math.nan}, "max_similarity nan"),
        ({"similarities": {(1, 0): 0.9}}, "ascending"),
        ({"also_above": np.zeros(2)}, "also_above"),
    ],
)
def test_tiers_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        tier(**({"similarities": {(0, 1): 0.9}, "limit": 0.95} | arguments))
