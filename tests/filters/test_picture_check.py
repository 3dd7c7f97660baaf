"""Blank, small and written pictures are dropped, each by its name; limits themselves are kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.filters import FilterContext
from isekai_gen.filters.picture_check import PictureCheckFilter
from isekai_gen.records import PictureLook

ID = "ab" * 10
STRICT = PictureCheckFilter(min_short_side=64, min_contrast=4.0, max_text=0.05)


def judged(make_image, judging, **measured):
    look = PictureLook(ID, **{"short_side": 512, "contrast": 50.0, "text": 0.0, **measured})
    (verdict,) = judging.judge([make_image(ID)], FilterContext(looks={ID: look}))
    return verdict


@pytest.mark.parametrize(
    ("measured", "reason", "value", "limit"),
    [
        ({"contrast": 3.9}, "blank", 3.9, 4.0),
        ({"short_side": 63}, "too_small", 63.0, 64.0),
        ({"text": 0.06}, "looks_like_text", 0.06, 0.05),
        ({"contrast": 0.0, "short_side": 1, "text": 1.0}, "blank", 0.0, 4.0),
    ],
)
def test_drops_with_what_was_measured(make_image, measured, reason, value, limit):
    verdict = judged(make_image, STRICT, **measured)
    assert not verdict.keep
    assert (verdict.reason, verdict.measured, verdict.limit) == (reason, value, limit)


@pytest.mark.parametrize("measured", [{"contrast": 4.0}, {"short_side": 64}, {"text": 0.05}])
def test_keeps_what_is_at_a_limit(make_image, measured):
    verdict = judged(make_image, STRICT, **measured)
    assert verdict.keep
    assert verdict.reason == "within_limit"


@given(short_side=st.integers(1, 10_000), text=st.floats(0, 1))
def test_size_and_text_have_no_limit_unless_one_is_set(make_image, short_side, text):
    assert judged(make_image, PictureCheckFilter(), short_side=short_side, text=text).keep


def test_an_image_that_was_not_looked_at_is_a_fault(make_image):
    with pytest.raises(ValueError, match="needs looks of"):
        list(STRICT.judge([make_image(ID)], FilterContext(looks={})))
    with pytest.raises(ValueError, match="needs looks, and the context has none"):
        list(STRICT.judge([make_image(ID)], FilterContext()))


@pytest.mark.parametrize(
    "limits", [{"min_short_side": 0}, {"min_contrast": -1.0}, {"max_text": 1.5}]
)
def test_impossible_limits_are_refused(limits):
    with pytest.raises(ValueError, match=next(iter(limits))):
        PictureCheckFilter(**limits)
