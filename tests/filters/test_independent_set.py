import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.filters.independent_set import EqualClasses, choose_kept, forward_links

COUNT = 8
RANKS = st.lists(st.sampled_from(range(COUNT)), unique=True, min_size=2).map(sorted)
LINKS = st.lists(st.sampled_from(list(itertools.permutations(range(COUNT), 2))), max_size=16)
NO_CLASSES = EqualClasses(np.zeros(0, dtype=np.int64), np.zeros(1, dtype=np.int64))


def links_between(pairs, count=COUNT):
    rows = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return forward_links(count, rows[:, 0], rows[:, 1])


def classes_of(lists):
    members = np.array([rank for ranks in lists for rank in ranks], dtype=np.int64)
    return EqualClasses(members, np.cumsum([0, *map(len, lists)]))


def keep(pairs, classes=(), spared=None, pinned=0):
    partners = {rank: np.array(others) for rank, others in (spared or {}).items()}
    kept = choose_kept(links_between(pairs), classes_of(classes), partners, pinned)
    return np.flatnonzero(kept).tolist()


def keep_one_by_one(pairs, pinned):
    linked = {frozenset(pair) for pair in pairs}
    kept = []
    for rank in range(COUNT):
        if rank < pinned or not any(frozenset((rank, one)) in linked for one in kept):
            kept.append(rank)
    return kept


@given(LINKS, st.integers(0, 3))
def test_each_rank_is_kept_unless_linked_to_one_kept_before(pairs, pinned):
    assert keep(pairs, pinned=pinned) == keep_one_by_one(pairs, pinned)


@given(LINKS)
def test_kept_ones_are_unlinked_and_every_other_is_linked_to_a_kept_one_before_it(pairs):
    kept = keep(pairs)
    linked = {frozenset(pair) for pair in pairs}
    assert not any(frozenset((a, b)) in linked for a in kept for b in kept)
    for rank in set(range(COUNT)) - set(kept):
        assert any(frozenset((rank, one)) in linked for one in kept if one < rank)


@given(LINKS, st.lists(RANKS, max_size=3), st.data())
def test_a_class_says_the_same_as_all_of_its_pairs_but_the_spared(pairs, classes, data):
    inside = {pair for ranks in classes for pair in itertools.combinations(ranks, 2)}
    spared = data.draw(st.lists(st.sampled_from(sorted(inside)), max_size=3)) if inside else []
    partners = {}
    for a, b in spared:
        partners.setdefault(a, []).append(b)
        partners.setdefault(b, []).append(a)
    pinned = data.draw(st.integers(0, 3))
    listed = pairs + sorted(inside - set(spared))
    assert keep(pairs, classes, partners, pinned) == keep_one_by_one(listed, pinned)


def test_links_are_those_to_less_wanted_ranks_in_order():
    links = links_between([(2, 0), (0, 1), (3, 2), (0, 2)], count=4)
    assert links.count == 4
    assert links.starts.tolist() == [0, 3, 3, 4, 4]
    assert links.later.tolist() == [1, 2, 2, 3]


def test_nothing_to_choose_from_keeps_nothing():
    assert choose_kept(links_between([], count=0), NO_CLASSES, {}, 0).tolist() == []
