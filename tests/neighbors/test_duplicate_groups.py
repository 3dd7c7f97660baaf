import math

import numpy as np
import pytest

from isekai_gen.embeddings import EmbeddingTable, normalized
from isekai_gen.neighbors.edges import find_edges
from isekai_gen.neighbors.groups import count_dropped_by_components, duplicate_groups


def fan(degrees, floor):
    """Images a, b, ... as unit vectors at the given angles, and their edges."""
    angles = np.radians(degrees)
    ids = tuple("abcdefghij"[: len(degrees)])
    vectors = normalized(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    return ids, find_edges(EmbeddingTable(ids, vectors, "tiny"), floor)


def test_a_chain_is_one_group_whose_lowest_pair_is_far_below_the_limit():
    ids, edges = fan([0, 15, 30, 45, 60], floor=-1.0)
    (group,) = duplicate_groups(ids, edges, math.cos(math.radians(20)))
    assert group.members == ids
    assert group.representative == "a"
    assert group.lowest_similarity == pytest.approx(math.cos(math.radians(60)))
    assert group.all_pairs_listed
    assert count_dropped_by_components(ids, edges, math.cos(math.radians(20))) == 4


def test_pairs_below_the_floor_are_said_to_be_missing():
    ids, edges = fan([0, 15, 30], floor=math.cos(math.radians(20)))
    (group,) = duplicate_groups(ids, edges, math.cos(math.radians(20)))
    assert not group.all_pairs_listed
    assert group.lowest_similarity == pytest.approx(math.cos(math.radians(15)))


def test_groups_and_members_follow_the_order_of_the_ids():
    _, edges = fan([0, 1, 90, 91, 45], floor=0.5)
    groups = duplicate_groups(["d", "b", "e", "c", "a"], edges, 0.99)
    assert [group.members for group in groups] == [("d", "c"), ("b", "a")]


def test_images_that_were_not_asked_for_join_nothing():
    _, edges = fan([0, 15, 30], floor=0.5)
    assert duplicate_groups(["a", "c"], edges, math.cos(math.radians(20))) == []


def test_a_pair_exactly_at_the_limit_is_no_duplicate():
    ids, edges = fan([0, 15], floor=0.5)
    limit = float(edges.similarity[0])
    assert duplicate_groups(ids, edges, limit) == []
    assert len(duplicate_groups(ids, edges, math.nextafter(limit, 0))) == 1


def test_a_limit_below_the_floor_and_repeated_ids_are_refused():
    ids, edges = fan([0, 15], floor=0.5)
    with pytest.raises(ValueError, match="above max_similarity"):
        duplicate_groups(ids, edges, 0.4)
    with pytest.raises(ValueError, match="repeat"):
        duplicate_groups(["a", "a"], edges, 0.9)
