import copy

import pytest

from isekai_gen.release.counts import check_counts, count_images


@pytest.fixture
def counts(small):
    return count_images(small.content)


def test_measured_counts_add_up(counts):
    assert check_counts(counts) == []


def test_an_image_drawn_but_not_planned_is_found(counts):
    changed = copy.deepcopy(counts)
    changed["by_concept"]["cactihog"]["planned"] -= 1
    assert any("planned" in fault for fault in check_counts(changed))


@pytest.mark.parametrize(
    ("more", "also_more"),
    [("planned", "pending"), ("planned", "failed")],
)
def test_a_total_that_no_concept_accounts_for_is_found(counts, more, also_more):
    counts[more] += 1
    counts[also_more] += 1
    assert any("sum up" in fault for fault in check_counts(counts))


def test_a_drop_under_another_name_is_found(counts):
    counts["dropped"]["person"] = counts["dropped"].pop("class_overlap")
    assert check_counts(counts) == ["dropped of all concepts do not sum up to the total"]


@pytest.mark.parametrize("value", [None, [], {}, {"by_concept": {}}, {"by_concept": {"a": 1}}])
def test_any_json_is_judged_without_a_crash(value):
    assert check_counts(value)
