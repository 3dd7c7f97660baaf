import math

import numpy as np
import pytest
from hypothesis import given

from isekai_gen.embeddings import normalized
from isekai_gen.filters.duplicates import DuplicateRequest, decide_duplicates
from isekai_gen.filters.duplicates_groups import dropped_by_components, group_duplicates
from isekai_gen.neighbors.search import SearchOptions, search_pairs
from isekai_gen.neighbors.vectors import ArrayVectors
from tests.filters.duplicate_problems import PlainRule, requests, rows_of, tier


def plain_components(rule):
    """Sets of rows joined by duplicates, by walking from row to row."""
    left, found = list(rule.order), []
    while left:
        group, edge = set(), [left[0]]
        while edge:
            row = edge.pop()
            group.add(row)
            edge += [one for one in left if one not in group and rule.strength(row, one)]
        found.append(group)
        left = [row for row in left if row not in group]
    return found


@given(requests())
def test_groups_are_what_duplicates_connect_and_a_kept_row_represents_each(request):
    decision = decide_duplicates(request)
    groups = group_duplicates(request, decision)
    expected = [group for group in plain_components(PlainRule(request)) if len(group) > 1]
    found = [set(group.members.tolist()) for group in groups]
    assert sorted(map(sorted, found)) == sorted(map(sorted, expected))
    for group in groups:
        assert decision.kept[group.representative]
        assert len(group.members) == len(set(group.members.tolist()))


@given(requests())
def test_components_drop_all_but_one_or_all_but_the_pinned_and_never_less_than_we(request):
    rule = PlainRule(request)
    expected = sum(
        len(group - rule.pinned) - (not group & rule.pinned) for group in plain_components(rule)
    )
    assert dropped_by_components(request) == expected
    assert expected >= decide_duplicates(request).dropped.sum()


def test_the_most_wanted_kept_row_represents_and_the_others_follow_by_priority():
    alike = tier({(0, 1): 0.9, (1, 2): 0.9, (2, 3): 0.9}, 0.8)
    request = DuplicateRequest(4, rows_of(3, 2, 1, 0), tiers=[alike])
    (group,) = group_duplicates(request, decide_duplicates(request))
    assert group.members.tolist() == [3, 1, 2, 0]


def test_diameters_are_semantic_wherever_embeddings_were_compared():
    semantic = tier({(0, 1): 0.6}, 0.95, review=0.5)
    hashes = tier({(0, 1): 0.99}, 0.9, name="perceptual")
    for tiers, diameter in (([hashes, semantic], 0.6), ([hashes], 0.99)):
        request = DuplicateRequest(2, np.arange(2), tiers=tiers)
        (group,) = group_duplicates(request, decide_duplicates(request))
        assert (group.diameter, group.is_exact) == (np.float32(diameter), True)


def test_equal_rows_alone_have_no_measured_diameter():
    request = DuplicateRequest(2, np.arange(2), equal=[("same_bytes", rows_of(0, 1))])
    (group,) = group_duplicates(request, decide_duplicates(request))
    assert (group.diameter, group.is_exact) == (None, False)


@pytest.mark.parametrize(
    ("spared", "groups"),
    [
        ([[0, 1]], [[0, 1, 2, 3]]),  # through 2 or 3
        ([[0, 1], [2, 3]], [[0, 2, 1, 3]]),  # every row has a spared pair
        ([[0, 1], [0, 2], [0, 3]], [[1, 2, 3]]),
        ([[0, 2], [0, 3], [1, 2], [1, 3]], [[0, 1], [2, 3]]),
    ],
)
def test_equal_rows_are_connected_but_through_spared_pairs(spared, groups):
    equal = [("same_pixels", np.arange(4))]
    request = DuplicateRequest(4, np.arange(4), equal=equal, spared=np.array(spared))
    found = group_duplicates(request, decide_duplicates(request))
    assert [sorted(group.members.tolist()) for group in found] == [sorted(one) for one in groups]


def test_a_chain_is_one_group_whose_ends_are_told_far_apart():
    angles = np.radians([0, 15, 30, 45, 60])
    vectors = ArrayVectors(normalized(np.stack([np.cos(angles), np.sin(angles)], axis=1)))
    pairs, _ = search_pairs(vectors, SearchOptions(floor=0.9))
    request = DuplicateRequest(5, np.arange(5), tiers=[tier(pairs, math.cos(math.radians(20)))])
    decision = decide_duplicates(request)
    (group,) = group_duplicates(request, decision, vectors)
    assert group.diameter == pytest.approx(math.cos(math.radians(60)))
    assert group.is_exact
    assert (int(decision.dropped.sum()), dropped_by_components(request)) == (2, 4)
