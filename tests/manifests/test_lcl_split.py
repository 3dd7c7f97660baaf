import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.errors import ManifestError
from isekai_gen.manifests.lcl_split import LclNumbers, split_classes
from tests.manifests.lcl_cases import NUMBERS, make_class, make_classes


def keys(classes):
    return [each.key for each in classes]


@given(st.integers(0, 2**40), st.integers(6, 40), st.randoms(use_true_random=False))
def test_a_split_is_disjoint_whole_even_and_independent_of_order(seed, count, order):
    numbers = LclNumbers(samples=3, context=4, seed=seed)
    classes = make_classes(count)
    split = split_classes(classes, numbers)
    assert sorted(keys(split.train) + keys(split.test)) == keys(classes)
    assert len(split.test) % 2 == 0
    assert split_classes(order.sample(classes, count), numbers) == split


@given(st.integers(0, 2**40), st.integers(8, 30))
def test_without_a_class_the_others_stay_where_they_are_but_for_one(seed, count):
    numbers = LclNumbers(samples=3, context=4, test_classes=4, seed=seed)
    classes = make_classes(count)
    before = set(keys(split_classes(classes, numbers).test))
    after = set(keys(split_classes(classes[1:], numbers).test))
    assert len(before - after) <= 1


@pytest.mark.parametrize(
    ("classes", "tests"), [(1000, 100), (1600, 100), (999, 98), (400, 40), (50, 4), (10, 2)]
)
def test_by_default_upstreams_100_or_an_even_tenth_is_tested(classes, tests):
    split = split_classes(make_classes(classes), LclNumbers(samples=3, context=4))
    assert len(split.test) == tests


def test_another_seed_tests_other_classes():
    one, two = (LclNumbers(samples=3, context=4, seed=seed) for seed in (1, 2))
    classes = make_classes(40)
    assert keys(split_classes(classes, one).test) != keys(split_classes(classes, two).test)


def test_a_class_with_too_few_images_is_left_out_with_its_numbers():
    classes = [*make_classes(12), make_class(13, images=4)]
    split = split_classes(classes, NUMBERS)
    assert list(split.left_out) == ["n00000013"]
    assert split.left_out["n00000013"] == (
        "4 images, but 3 samples, or 4 for context and one to test, need 5"
    )
    assert "n00000013" not in keys(split.train) + keys(split.test)


def test_too_few_classes_are_refused_with_their_numbers():
    classes = [*make_classes(5), make_class(6, images=2), make_class(7, images=1)]
    with pytest.raises(ManifestError, match=r"5 of 7 classes.*5 images.*n00000006 \(2\)"):
        split_classes(classes, NUMBERS)


def test_an_odd_number_of_test_classes_is_refused():
    with pytest.raises(ManifestError, match="is odd"):
        split_classes(make_classes(20), LclNumbers(samples=3, context=4, test_classes=3))
