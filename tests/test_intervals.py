import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.intervals import wilson_interval


def test_the_interval_is_wilsons():
    # Newcombe 1998, Statistics in Medicine 17, table I: the score method without correction.
    for hits, trials, low, high in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ]:
        found = wilson_interval(hits, trials)
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_interval_holds_the_share_and_mirrors(hits, misses):
    found, mirrored = wilson_interval(hits, hits + misses), wilson_interval(misses, hits + misses)
    assert 0 <= found.low <= found.estimate <= found.high <= 1
    assert (mirrored.low, mirrored.high) == pytest.approx((1 - found.high, 1 - found.low))


def test_without_trials_nothing_is_known():
    assert wilson_interval(0, 0).low == 0
    assert wilson_interval(0, 0).high == 1


@pytest.mark.parametrize("wrong", [(3, 2), (-1, 2), (1, 2, 0.0), (1, 2, 1.0)])
def test_what_is_no_share_is_a_wrong_call(wrong):
    with pytest.raises(ValueError, match="no interval"):
        wilson_interval(*wrong)
