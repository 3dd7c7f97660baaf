"""Samples follow from seed and keys alone."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.stages.random_sample import draw_sample

keys = st.lists(st.text(max_size=5), unique=True, max_size=30)


@given(keys=keys, number=st.integers(0, 40), seed=st.integers(0, 9), order=st.randoms())
def test_a_sample_does_not_depend_on_the_order_of_the_keys(keys, number, seed, order):
    drawn = {keys[place] for place in draw_sample(keys, number, seed)}
    shuffled = list(keys)
    order.shuffle(shuffled)
    assert {shuffled[place] for place in draw_sample(shuffled, number, seed)} == drawn
    assert len(drawn) == min(number, len(keys))


@given(keys=keys, number=st.integers(0, 30), seed=st.integers(0, 9))
def test_a_larger_sample_holds_the_smaller_one(keys, number, seed):
    assert set(draw_sample(keys, number, seed)) <= set(draw_sample(keys, number + 1, seed))


def test_every_key_is_drawn_equally_often():
    names = [f"image {n}" for n in range(20)]
    drawn = Counter(place for seed in range(2000) for place in draw_sample(names, 5, seed))
    assert set(drawn) == set(range(20))
    # 500 expected; the standard deviation is 19.
    assert all(400 < count < 600 for count in drawn.values())
