import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.neighbors.diameters import lowest_similarities, lowest_to_first
from isekai_gen.neighbors.groups import Likeness, component_of, duplicate_groups
from isekai_gen.neighbors.pairs import joined_pairs
from isekai_gen.neighbors.similarity import pair_similarities
from isekai_gen.neighbors.vectors import ArrayVectors

PAIRS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=14)


def rows_of(*rows):
    return np.array(rows, dtype=np.int64)


def on_circle(degrees):
    angles = np.radians(degrees)
    return ArrayVectors(np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32))


def no_pairs():
    return Likeness(joined_pairs([]))


def listed(similarities):
    rows = np.array(list(similarities), dtype=np.int64)
    values = np.array(list(similarities.values()), dtype=np.float32)
    return joined_pairs([(rows[:, 0], rows[:, 1], values)])


def least_alike(vectors, rows):
    """By scoring every pair."""
    pairs = np.array(list(itertools.combinations(rows, 2)))
    similarity = pair_similarities(vectors.take(pairs[:, 0]), vectors.take(pairs[:, 1]))
    return float(similarity.astype(np.float32).min())


@given(PAIRS, st.randoms())
def test_a_component_is_named_by_its_lowest_row_whatever_the_order_of_pairs(pairs, random):
    expected = list(range(12))
    for _ in pairs:
        for a, b in pairs:
            expected[a] = expected[b] = min(expected[a], expected[b])
    random.shuffle(pairs)
    rows = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    assert component_of(12, rows[:, 0], rows[:, 1]).tolist() == expected


def test_a_long_chain_in_any_order_is_one_component():
    order = np.random.default_rng(5).permutation(50_000)
    assert not component_of(50_000, order[:-1], order[1:]).any()


def test_groups_and_members_follow_the_order_given():
    component = component_of(5, rows_of(0, 2), rows_of(1, 3))
    groups = duplicate_groups(component, rows_of(3, 1, 4, 2, 0), no_pairs())
    assert [group.members.tolist() for group in groups] == [[3, 2], [1, 0]]
    assert [group.representative for group in groups] == [3, 1]


def test_rows_that_were_left_out_are_in_no_group():
    component = component_of(3, rows_of(0, 1), rows_of(1, 2))
    groups = duplicate_groups(component, rows_of(0, 2), no_pairs())
    assert [group.members.tolist() for group in groups] == [[0, 2]]
    assert duplicate_groups(component, rows_of(0), no_pairs()) == []


def test_a_diameter_by_listed_pairs_is_exact_only_if_all_are_listed():
    component = component_of(3, rows_of(0, 1), rows_of(1, 2))
    order = np.arange(3)
    some = Likeness(listed({(0, 1): 0.75, (1, 2): 0.5}))
    (group,) = duplicate_groups(component, order, some)
    assert (group.diameter, group.is_exact) == (0.5, False)
    all_pairs = Likeness(listed({(0, 1): 0.75, (0, 2): 0.25, (1, 2): 0.5}))
    (group,) = duplicate_groups(component, order, all_pairs)
    assert (group.diameter, group.is_exact) == (0.25, True)


def test_pairs_between_groups_say_nothing_of_either():
    component = component_of(4, rows_of(0, 2), rows_of(1, 3))
    pairs = listed({(0, 1): 0.75, (1, 2): -0.5, (2, 3): 0.5})
    groups = duplicate_groups(component, np.arange(4), Likeness(pairs))
    assert [(group.diameter, group.is_exact) for group in groups] == [(0.75, True), (0.5, True)]


def test_with_vectors_the_ends_of_a_chain_are_compared_though_no_pair_lists_them():
    vectors = on_circle([0, 15, 30, 45, 60])
    component = component_of(5, np.arange(4), np.arange(1, 5))
    pairs = listed({(row, row + 1): math.cos(math.radians(15)) for row in range(4)})
    (group,) = duplicate_groups(component, np.arange(5), Likeness(pairs, vectors))
    assert group.diameter == pytest.approx(math.cos(math.radians(60)))
    assert group.is_exact


@pytest.mark.parametrize(("members", "degrees"), [(2000, 40), (2001, 20)])
def test_of_a_very_large_group_only_a_bound_is_given(members, degrees):
    vectors = on_circle(np.linspace(0, 40, members))
    order = np.roll(np.arange(members), -1000)  # row 1000, in the middle, represents
    component = np.zeros(members, dtype=np.int64)
    (group,) = duplicate_groups(component, order, Likeness(joined_pairs([]), vectors))
    assert group.diameter == pytest.approx(math.cos(math.radians(degrees)), abs=1e-4)
    assert group.is_exact == (members == 2000)


@given(
    st.lists(st.integers(2, 40), min_size=1, max_size=5),
    st.integers(1, 20),
    st.sampled_from(["random", "nearly equal", "equal"]),
    st.integers(0, 99),
)
def test_the_lowest_similarity_is_that_of_all_pairs_to_the_bit(sizes, dimensions, kind, seed):
    rng = np.random.default_rng(seed)
    noise = {"random": 10.0, "nearly equal": 1e-6, "equal": 0.0}[kind]
    rows = 1.0 + noise * rng.normal(size=(sum(sizes), dimensions))
    vectors = ArrayVectors(rows.astype(np.float32))
    groups = np.split(rng.permutation(sum(sizes)), np.cumsum(sizes)[:-1])
    expected = [least_alike(vectors, group.tolist()) for group in groups]
    assert lowest_similarities(groups, vectors).tolist() == expected


@pytest.mark.parametrize("seed", range(8))
def test_rounding_of_fast_products_never_picks_another_pair(seed):
    # So much alike that float32 products name another pair for most of these seeds.
    rows = 1.0 + 1e-3 * np.random.default_rng(seed).normal(size=(40, 512))
    vectors = ArrayVectors(rows.astype(np.float32))
    assert lowest_similarities([np.arange(40)], vectors)[0] == least_alike(vectors, range(40))


def test_no_groups_have_no_lowest_similarities():
    assert lowest_similarities([], on_circle([0])).tolist() == []


def test_the_lowest_similarity_to_the_first_is_looked_for_in_all_rows():
    count = 40_000  # more than are taken at once
    for place in (1, count - 1):
        angles = np.full(count, 10.0)
        angles[0], angles[place] = 0.0, 70.0
        lowest = lowest_to_first(np.arange(count), on_circle(angles))
        assert lowest == pytest.approx(math.cos(math.radians(70)))
