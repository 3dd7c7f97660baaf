"""Random requests about duplicates, and the rule said plainly: one row after the other."""

import itertools

import numpy as np
from hypothesis import strategies as st

from isekai_gen.filters.duplicates import DuplicateRequest, TierPairs
from isekai_gen.neighbors.pairs import PairList, joined_pairs

LEVELS = [0.5, 0.75, 0.875, 1.0]
"""Similarities and limits come from one short list, so that many lie exactly at a limit."""


def pair_list(similarities):
    """Pair of rows to similarity, as a list of pairs."""
    rows = np.array(list(similarities), dtype=np.int64).reshape(-1, 2)
    values = np.array(list(similarities.values()), dtype=np.float32)
    return joined_pairs([(rows[:, 0], rows[:, 1], values)])


def tier(similarities, limit, review=None, name="semantic", also_above=None):
    """A tier of the pairs given."""
    pairs = similarities if isinstance(similarities, PairList) else pair_list(similarities)
    return TierPairs(name, pairs, limit, limit if review is None else review, also_above)


def rows_of(*rows):
    return np.array(rows, dtype=np.int64)


@st.composite
def requests(draw):
    """Up to six rows with everything that a request can hold."""
    count = draw(st.integers(0, 6))
    pairs = list(itertools.combinations(range(count), 2))
    some_rows = st.lists(st.sampled_from(range(count)), unique=True) if count else st.just([])
    some_pairs = st.lists(st.sampled_from(pairs), unique=True, max_size=4) if pairs else st.just([])
    pinned, marked = draw(some_rows), draw(some_pairs)
    absent = [row for row in draw(some_rows) if row not in pinned]
    spared = [pair for pair in draw(some_pairs) if pair not in marked]
    kinds = st.sampled_from(["same_bytes", "same_pixels"])
    labels = st.lists(st.integers(0, 1), min_size=count, max_size=count)
    return DuplicateRequest(
        count,
        np.array(draw(st.permutations(range(count))), dtype=np.int64),
        tiers=[draw(_tiers(pairs, name)) for name in draw(_names())],
        equal=[
            (draw(kinds), np.array(draw(some_rows), dtype=np.int64))
            for _ in range(draw(st.integers(0, 2)))
        ],
        pinned=np.array(pinned, dtype=np.int64),
        marked=np.array(marked, dtype=np.int64).reshape(-1, 2),
        spared=np.array(spared, dtype=np.int64).reshape(-1, 2),
        scope=draw(st.none() | labels.map(np.array)) if count else None,
        absent=np.array(absent, dtype=np.int64),
    )


def _names():
    return st.lists(st.sampled_from(["perceptual", "semantic", "extra"]), unique=True)


@st.composite
def _tiers(draw, pairs, name):
    levels = st.sampled_from(LEVELS)
    review, limit = sorted([draw(levels), draw(levels)])
    listed = draw(st.dictionaries(st.sampled_from(pairs), levels)) if pairs else {}
    pairs = pair_list(listed)
    also_above = draw(
        st.none() | st.lists(levels, min_size=len(pairs), max_size=len(pairs)).map(np.array)
    )
    return TierPairs(name, pairs, limit, review, also_above)


class PlainRule:
    """The answer to a request, found by looking at one row and one pair after the other."""

    def __init__(self, request):
        self.request = request
        self.pinned = set(request.pinned.tolist())
        absent = set(request.absent.tolist())
        present = [row for row in request.priority.tolist() if row not in absent]
        self.order = sorted(present, key=lambda row: row not in self.pinned)
        self.kept = []
        for row in self.order:
            if row in self.pinned or not any(self.strength(row, one) for one in self.kept):
                self.kept.append(row)

    def strength(self, one, other):
        """How strong the evidence is that two rows are duplicates; None if there is none."""
        pair = tuple(sorted((one, other)))
        if pair in pairs_of(self.request.marked):
            return (0, 0.0)
        if not self.may_count(pair):
            return None
        for place, kind in enumerate(["same_bytes", "same_pixels"]):
            for what, rows in self.request.equal:
                if what == kind and {one, other} <= set(rows.tolist()):
                    return (1 + place, -1.0)
        for place, found in enumerate(self.request.tiers):
            similarity, also_above = self.listed(found, pair)
            if similarity is not None and similarity > max(found.max_similarity, also_above):
                return (3 + place, -similarity)
        return None

    def may_count(self, pair):
        scope = self.request.scope
        same = scope is None or scope[pair[0]] == scope[pair[1]]
        return same and pair not in pairs_of(self.request.spared)

    def listed(self, found, pair):
        """Similarity of a pair and what it must also lie above."""
        for place, listed in enumerate(zip(found.pairs.row_a, found.pairs.row_b, strict=True)):
            if listed == pair:
                also_above = -1.0 if found.also_above is None else float(found.also_above[place])
                return float(found.pairs.similarity[place]), also_above
        return None, -1.0

    def witness(self, row):
        """The kept row with the strongest evidence, the most wanted of several."""
        found = [(self.strength(row, one), self.order.index(one), one) for one in self.kept]
        return min(entry for entry in found if entry[0] is not None)[2]

    def review(self):
        """Pairs of kept rows for people to look at, by tier."""
        seen, listed = set(), []
        for found in self.request.tiers:
            listed.append([])
            for pair in itertools.combinations(sorted(self.kept), 2):
                similarity, also_above = self.listed(found, pair)
                settled = pair in pairs_of(self.request.marked) or set(pair) <= self.pinned
                if similarity is None or settled or pair in seen or not self.may_count(pair):
                    continue
                low = max(found.review_similarity, also_above)
                if low < similarity <= found.max_similarity:
                    seen.add(pair)
                    listed[-1].append(pair)
        return listed


def pairs_of(rows):
    return {tuple(sorted(pair)) for pair in rows.tolist()}
