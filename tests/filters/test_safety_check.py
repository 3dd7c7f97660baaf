"""A safety checker's flag is a verdict, and no checker is no verdict."""

from dataclasses import replace

from isekai_gen.filters import FilterContext, all_filters
from isekai_gen.filters.base import NOTHING_TO_JUDGE
from isekai_gen.filters.safety_check import SafetyCheckFilter


def judge(make_image, *flags):
    images = [
        replace(make_image(f"{number:04x}"), safety_flagged=flag)
        for number, flag in enumerate(flags)
    ]
    return list(SafetyCheckFilter().judge(images, FilterContext()))


def test_drops_a_flagged_image_and_keeps_the_others(make_image):
    verdicts = judge(make_image, True, False, None)
    assert [verdict.keep for verdict in verdicts] == [False, True, True]
    assert [verdict.reason for verdict in verdicts] == [
        "flagged_by_safety_checker",
        "not_flagged",
        NOTHING_TO_JUDGE,
    ]


def test_a_flag_is_no_measurement(make_image):
    (verdict,) = judge(make_image, True)
    assert (verdict.measured, verdict.limit) == (None, None)
    assert (verdict.witness, verdict.reference) == ("", "")


def test_a_flagged_image_counts_under_the_checker_before_any_other_filter():
    assert next(iter(all_filters())) == "safety_check"
