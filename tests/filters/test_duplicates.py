import dataclasses
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from isekai_gen.embeddings import normalized
from isekai_gen.filters.duplicates import (
    DuplicateRequest,
    decide_duplicates,
    dropped_by_limits_alone,
)
from isekai_gen.neighbors.pairs import joined_pairs
from isekai_gen.neighbors.search import SearchOptions, search_pairs
from isekai_gen.neighbors.vectors import ArrayVectors
from tests.filters.duplicate_problems import PlainRule, requests, rows_of, tier

COS_20 = math.cos(math.radians(20))


def on_circle(degrees, limit=COS_20, floor=-1.0):
    """The semantic tier of unit vectors at these angles."""
    angles = np.radians(degrees)
    vectors = normalized(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    return tier(search_pairs(ArrayVectors(vectors), SearchOptions(floor=floor))[0], limit)


def decide(count, *tiers, **more):
    more = {"priority": np.arange(count)} | more
    return decide_duplicates(DuplicateRequest(count, tiers=tiers, **more))


def kept_rows(decision):
    return np.flatnonzero(decision.kept).tolist()


@given(requests())
def test_the_kept_rows_are_those_of_the_rule_said_plainly(request):
    rule = PlainRule(request)
    assert kept_rows(decide_duplicates(request)) == sorted(rule.kept)


@given(requests())
def test_the_witness_is_the_kept_row_with_the_strongest_evidence(request):
    rule, decision = PlainRule(request), decide_duplicates(request)
    for row in range(request.count):
        dropped = row in rule.order and row not in rule.kept
        assert bool(decision.dropped[row]) == dropped
        if not dropped:
            assert decision.witness[row] == -1
            continue
        witness = int(decision.witness[row])
        assert witness == rule.witness(row)
        level, similarity = rule.strength(row, witness)
        names = ["person", "exact", "exact", *(found.tier for found in request.tiers)]
        assert decision.tier[row] == names[level]
        if level > 0:
            assert decision.similarity[row] == -similarity
        if level > 2:
            assert decision.similarity[row] > decision.limit[row]
            assert decision.limit[row] >= request.tiers[level - 3].max_similarity


@given(requests())
def test_a_mark_is_measured_by_the_first_tier_that_lists_the_pair(request):
    rule, decision = PlainRule(request), decide_duplicates(request)
    for row in np.flatnonzero(decision.tier == "person").tolist():
        pair = tuple(sorted((row, int(decision.witness[row]))))
        listed = [rule.listed(found, pair) for found in request.tiers]
        expected = [similarity for similarity, _ in listed if similarity is not None] or [math.nan]
        assert np.array_equal(decision.similarity[row], expected[0], equal_nan=True)
        assert math.isnan(decision.limit[row]) == math.isnan(expected[0])


@given(requests())
def test_pairs_to_look_at_are_kept_pairs_in_a_band_each_listed_once(request):
    rule, decision = PlainRule(request), decide_duplicates(request)
    listed = [
        list(zip(one.pairs.row_a.tolist(), one.pairs.row_b.tolist(), strict=True))
        for one in decision.review
    ]
    assert listed == rule.review()
    named = {row for pairs in listed for pair in pairs for row in pair} - rule.pinned
    assert set(np.flatnonzero(decision.reason == "in_review_band").tolist()) == named
    for row in named:
        assert decision.similarity[row] <= decision.limit[row]


@given(requests())
def test_no_row_is_without_a_reason(request):
    decision = decide_duplicates(request)
    kept = {"pinned", "in_review_band", "within_limit"}
    for row in range(request.count):
        if row in request.absent:
            assert decision.reason[row] == "dropped_before"
            assert not decision.kept[row]
        else:
            assert (decision.reason[row] in kept) == bool(decision.kept[row])


@given(requests(), st.randoms())
def test_other_names_for_the_rows_change_nothing(request, random):
    new = list(range(request.count))
    random.shuffle(new)
    new = np.array(new, dtype=np.int64)

    def renamed(found):
        a, b = new[found.pairs.row_a], new[found.pairs.row_b]
        order = np.lexsort((np.maximum(a, b), np.minimum(a, b)))
        pairs = dataclasses.replace(
            found.pairs,
            row_a=np.minimum(a, b)[order],
            row_b=np.maximum(a, b)[order],
            similarity=found.pairs.similarity[order],
        )
        also_above = None if found.also_above is None else found.also_above[order]
        return dataclasses.replace(found, pairs=pairs, also_above=also_above)

    scope = None
    if request.scope is not None:
        scope = np.empty_like(request.scope)
        scope[new] = request.scope
    other = DuplicateRequest(
        request.count,
        new[request.priority],
        tiers=[renamed(found) for found in request.tiers],
        equal=[(what, new[rows][::-1]) for what, rows in request.equal][::-1],
        pinned=new[request.pinned],
        marked=new[request.marked][:, ::-1],
        spared=new[request.spared][::-1],
        scope=scope,
        absent=new[request.absent],
    )
    one, two = decide_duplicates(request), decide_duplicates(other)
    assert np.array_equal(one.kept, two.kept[new])
    assert np.array_equal(np.where(one.dropped, new[one.witness], -1), two.witness[new])
    assert one.reason.tolist() == two.reason[new].tolist()
    assert np.array_equal(one.similarity, two.similarity[new], equal_nan=True)
    assert np.array_equal(one.limit, two.limit[new], equal_nan=True)


@given(requests())
def test_what_the_limits_alone_would_drop_is_what_they_drop_without_backgrounds(request):
    absolute = [dataclasses.replace(found, also_above=None) for found in request.tiers]
    plain = decide_duplicates(dataclasses.replace(request, tiers=absolute))
    assert dropped_by_limits_alone(request) == plain.dropped.sum()


def test_the_chain_of_fifteen_degrees_keeps_three_of_five_and_covers_all():
    decision = decide(5, on_circle([0, 15, 30, 45, 60]))
    assert kept_rows(decision) == [0, 2, 4]
    assert decision.witness[[1, 3]].tolist() == [0, 2]
    assert decision.similarity[1] == pytest.approx(math.cos(math.radians(15)))
    assert decision.limit[1] == COS_20


def test_a_star_keeps_its_center_or_its_rays_by_priority():
    rays = tier({(0, ray): 0.9 for ray in range(1, 6)}, 0.8)
    assert kept_rows(decide(6, rays)) == [0]
    assert kept_rows(decide(6, rays, priority=np.arange(6)[::-1])) == [1, 2, 3, 4, 5]


def test_a_dense_blob_keeps_one():
    decision = decide(60, on_circle(np.linspace(0, 10, 60)))
    assert kept_rows(decision) == [0]
    assert set(decision.witness[1:].tolist()) == {0}


@settings(deadline=None)  # the first search imports what it searches with
@given(st.lists(st.integers(0, 23), min_size=1, max_size=24), st.integers(0, 5))
def test_on_a_circle_kept_rows_are_far_apart_and_all_others_near_a_kept_one(steps, limit_steps):
    # Steps of 15 degrees: many rows at the same angle, many pairs exactly at the limit.
    angle = np.array(steps)
    found = on_circle(15.0 * angle)
    named = zip(found.pairs.row_a.tolist(), found.pairs.row_b.tolist(), strict=True)
    exact = dict(zip(named, found.pairs.similarity.tolist(), strict=True))
    apart = np.abs(angle[:, None] - angle[None, :])
    apart = np.minimum(apart, 24 - apart)
    limit = min((s for pair, s in exact.items() if apart[pair] <= limit_steps), default=1.0)
    decision = decide(len(steps), tier(found.pairs, limit))
    kept = kept_rows(decision)
    assert all(exact[a, b] <= limit for a in kept for b in kept if a < b)
    for row in np.flatnonzero(~decision.kept).tolist():
        witness = int(decision.witness[row])
        assert witness in kept
        assert exact[min(row, witness), max(row, witness)] == decision.similarity[row] > limit


def test_a_pair_exactly_at_the_limit_makes_no_duplicates_and_one_just_above_does():
    # 0.8 is no float32: the stored similarity lies just above it.
    stored = float(np.float32(0.8))
    assert stored > 0.8
    assert kept_rows(decide(2, tier({(0, 1): 0.8}, stored))) == [0, 1]
    assert kept_rows(decide(2, tier({(0, 1): 0.8}, 0.8))) == [0]


def test_a_duplicate_of_a_dropped_row_alone_stays():
    assert kept_rows(decide(3, tier({(0, 1): 0.9, (1, 2): 0.9}, 0.8))) == [0, 2]


def test_a_pair_between_two_sets_is_found_though_the_row_is_nearest_to_one_of_its_own_set():
    # Test images 0 and 1, training image 2. A rule that keeps a representative of each duplicate
    # and then looks only at (duplicate, nearest representative) pairs 1 with 0, both of the test
    # set, and never reports that 2 is within the limit of 1.
    similarity = {(0, 1): 0.99, (1, 2): 0.96}
    training = {2}
    representatives = kept_rows(decide(3, tier(similarity, 0.95)))
    nearest_only = [
        max((similarity.get((min(one, row), max(one, row)), -1.0), one) for one in representatives)
        for row in range(3)
        if row not in representatives
    ]
    assert not any(one in training for _, one in nearest_only)
    decision = decide(3, tier(similarity, 0.95), pinned=rows_of(0, 1))
    assert kept_rows(decision) == [0, 1]
    assert decision.witness[2] == 1
    assert decision.similarity[2] == np.float32(0.96)


def test_two_pinned_rows_both_stay_and_take_what_is_like_either():
    alike = tier({(0, 1): 0.9, (0, 2): 0.9, (1, 2): 0.95, (2, 3): 0.99}, 0.8, review=0.5)
    decision = decide(4, alike, pinned=rows_of(1, 3), priority=rows_of(0, 2, 1, 3))
    assert kept_rows(decision) == [1, 3]
    assert decision.witness.tolist() == [1, -1, 3, -1]
    assert decision.reason[1] == "pinned"
    decision = decide(4, alike, pinned=rows_of(0, 1, 2, 3))
    assert kept_rows(decision) == [0, 1, 2, 3]
    assert not len(decision.review[0].pairs)


def test_equal_rows_leave_one_and_a_spared_one():
    equal = [("same_pixels", rows_of(0, 1, 2, 3))]
    decision = decide(4, equal=equal, spared=rows_of(0, 2)[None])
    assert kept_rows(decision) == [0, 2]
    assert decision.witness.tolist() == [-1, 0, -1, 0]
    assert decision.similarity[1] == 1.0
    assert math.isnan(decision.limit[1])


def test_a_spared_equal_is_nobody_s_witness():
    equal = [("same_pixels", rows_of(0, 1, 2))]
    decision = decide(3, equal=equal, spared=np.array([[0, 1], [0, 2]]))
    assert kept_rows(decision) == [0, 1]
    assert decision.witness[2] == 1


def test_a_pair_in_the_bands_of_two_tiers_is_for_the_first_to_show():
    hashes = tier({(0, 1): 0.85}, 0.9, review=0.8, name="perceptual")
    semantic = tier({(0, 1): 0.85, (1, 2): 0.85}, 0.9, review=0.8)
    decision = decide(3, hashes, semantic)
    first, second = decision.review
    assert (first.found.tier, first.pairs.row_a.tolist()) == ("perceptual", [0])
    assert (second.found.tier, second.pairs.row_a.tolist()) == ("semantic", [1])
    assert decision.tier.tolist() == ["perceptual", "perceptual", "semantic"]


def test_equal_rows_of_two_scopes_both_stay():
    equal = [("same_bytes", rows_of(0, 1, 2, 3))]
    assert kept_rows(decide(4, equal=equal, scope=rows_of(0, 1, 0, 1))) == [0, 1]


def test_ten_thousand_equal_rows_take_no_fifty_million_pairs():
    equal = [("same_bytes", np.arange(10_000)), ("same_pixels", np.arange(10_000))]
    tracemalloc.start()
    decision = decide(10_000, equal=equal)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept_rows(decision) == [0]
    assert set(decision.reason[1:].tolist()) == {"same_bytes"}
    assert peak < 10_000_000


@pytest.mark.timeout(60)  # under a second; a pass over all for each row: minutes
@pytest.mark.parametrize("pinned", [0, 500_000])
def test_long_chains_and_many_pinned_equals_take_linear_time(pinned):
    count = 500_000
    rows = np.arange(count - 1)
    chain = joined_pairs([(rows, rows + 1, np.full(count - 1, 0.9, dtype=np.float32))])
    request = DuplicateRequest(
        count,
        np.arange(count),
        tiers=[tier(chain, 0.8)],
        equal=[("same_pixels", np.arange(pinned))],
        pinned=np.arange(pinned),
    )
    decision = decide_duplicates(request)
    assert decision.kept.sum() == pinned + (count - pinned) // 2


@given(requests())
def test_a_decision_changes_nothing_it_was_given(request):
    assume(request.tiers)
    before = [found.pairs.similarity.copy() for found in request.tiers], request.priority.copy()
    decide_duplicates(request)
    for found, similarity in zip(request.tiers, before[0], strict=True):
        assert np.array_equal(found.pairs.similarity, similarity)
    assert np.array_equal(request.priority, before[1])
