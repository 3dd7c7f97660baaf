"""Nothing of one split is nearly in another, and shares are met as well as that allows."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from isekai_gen.errors import ReleaseError
from isekai_gen.release.splits import Divisible, Split, assign_splits, parse_splits

SHARES = [("train=0.8", "test=0.2"), ("train=0.5", "validation=0.25", "test=0.25")]


@st.composite
def collections(draw):
    """Images of some groups of two concepts; some are near-duplicates, some across concepts."""
    images = []
    for group in range(draw(st.integers(3, 12))):
        for kind in ("fictional", "real"):
            for index in range(draw(st.integers(1, 9))):
                name = f"{group}-{kind}-{index}"
                images.append((name, f"{group}-{kind}", str(group)))
    joined = {name: name for name, _, _ in images}
    names = sorted(joined)
    for _ in range(draw(st.integers(0, 4))):
        one, other = draw(st.sampled_from(names)), draw(st.sampled_from(names))
        merged = {joined[one], joined[other]}
        least = min(merged)
        joined = {name: least if of in merged else of for name, of in joined.items()}
    return [Divisible(name, concept, group, joined[name]) for name, concept, group in images]


def divided(images, texts, by, seed=0):
    """The splits, or None where one would be empty."""
    try:
        return assign_splits(images, parse_splits(texts), by, seed)
    except ReleaseError:
        return None


@given(collections(), st.sampled_from(SHARES), st.sampled_from(["group", "image"]), st.integers(0))
def test_near_duplicates_and_groups_never_straddle_splits(images, texts, by, seed):
    found = divided(images, texts, by, seed)
    assume(found is not None)
    assert found.keys() == {image.image_id for image in images}
    for kind in ["duplicate_group", *(["group"] if by == "group" else [])]:
        splits_of = {}
        for image in images:
            splits_of.setdefault(getattr(image, kind), set()).add(found[image.image_id])
        assert all(len(splits) == 1 for splits in splits_of.values())


@given(collections(), st.sampled_from(["group", "image"]), st.randoms())
def test_the_order_of_images_changes_nothing(images, by, random):
    before = divided(images, SHARES[1], by)
    random.shuffle(images)
    assert divided(images, SHARES[1], by) == before


@given(collections(), st.sampled_from(SHARES))
def test_shares_of_groups_are_met_within_a_unit_for_each_other_split(images, texts):
    found = divided(images, texts, "group")
    assume(found is not None)
    split_of = {image.group: found[image.image_id] for image in images}
    linked = {}
    for image in images:
        linked.setdefault(image.duplicate_group, set()).add(image.group)
    largest = len(set().union(*(groups for groups in linked.values() if len(groups) > 1)) or {0})
    counts = Counter(split_of.values())
    for split in parse_splits(texts):
        lacking = abs(counts[split.name] - split.share * len(split_of))
        assert lacking <= largest * (len(texts) - 1)


@pytest.mark.parametrize("seed", range(5))
def test_without_near_duplicates_each_concept_is_divided_by_its_shares(seed):
    images = [
        Divisible(f"{concept}-{n}", concept, concept, f"{concept}-{n}")
        for concept in ("fox", "owl")
        for n in range(20)
    ]
    found = divided(images, SHARES[1], "image", seed)
    for concept in ("fox", "owl"):
        mine = Counter(found[i.image_id] for i in images if i.concept == concept)
        assert mine == {"train": 10, "validation": 5, "test": 5}


@given(collections(), st.sampled_from(["group", "image"]), st.integers(1, 20))
def test_more_images_of_one_concept_move_none_of_another(images, by, more):
    before = divided(images, SHARES[0], by)
    grown = images[0]
    added = [Divisible(f"new-{n}", grown.concept, grown.group, f"new-{n}") for n in range(more)]
    after = divided(images + added, SHARES[0], by)
    assume(before is not None and after is not None)
    # A set that spans concepts is placed by its hash, so it stays as well.
    others = [each.image_id for each in images if each.concept != grown.concept]
    assert {key: after[key] for key in others} == {key: before[key] for key in others}
    if by == "group":
        assert {key: after[key] for key in before} == before


def test_another_seed_divides_otherwise_and_the_same_seed_alike():
    images = [Divisible(f"{n:03}", "fox", f"{n}", f"{n:03}") for n in range(40)]
    splits = [divided(images, SHARES[0], "group", seed) for seed in (1, 1, 2)]
    assert splits[0] == splits[1] != splits[2]


def test_groups_that_near_duplicates_join_go_together():
    images = [
        Divisible("a", "fox", "one", "a"),
        Divisible("b", "owl", "two", "a"),
        Divisible("c", "owl", "two", "c"),
        Divisible("d", "cat", "three", "c"),
        Divisible("e", "dog", "four", "e"),
    ]
    found = divided(images, ("train=0.8", "test=0.2"), "group")
    assert len({found[name] for name in "abcd"}) == 1
    assert found["e"] != found["a"]


def test_a_split_of_a_small_share_is_not_left_empty():
    images = [Divisible(str(n), "fox", str(n), str(n)) for n in range(4)]
    found = divided(images, ("train=0.98", "validation=0.01", "test=0.01"), "group")
    assert Counter(found.values()) == {"train": 2, "validation": 1, "test": 1}


def test_too_few_groups_are_refused_with_the_remedy():
    images = [Divisible(str(n), "fox", "one", str(n)) for n in range(9)]
    with pytest.raises(ReleaseError, match=r"'test' would have no images.*name fewer splits"):
        assign_splits(images, parse_splits(SHARES[0]), "group", 0)


def test_one_split_takes_everything():
    images = [Divisible(str(n), "fox", "one", "0") for n in range(3)]
    assert divided(images, ("test=1",), "image") == {"0": "test", "1": "test", "2": "test"}


def test_splits_are_read_in_their_order():
    assert parse_splits(("train=0.75", "test=0.25")) == (Split("train", 0.75), Split("test", 0.25))


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (("train=0.8", "test=0.1"), "add up to 0.9, not to 1"),
        ((), "add up to 0, not to 1"),
        (("test=0.5", "test=0.5"), "'test' is named twice"),
        (("test",), "'test' is not NAME=SHARE"),
        (("test=1.5",), "is not NAME=SHARE"),
        (("test=0", "train=1"), "'test=0' is not NAME=SHARE"),
        (("test=nan",), "is not NAME=SHARE"),
        (("Test=1",), "is not NAME=SHARE"),
        (("hold-out=1",), "is not NAME=SHARE"),
        (("../x=1",), "is not NAME=SHARE"),
        (("all=1",), "not 'all'"),
    ],
)
def test_splits_that_cannot_be_meant_are_refused(texts, message):
    with pytest.raises(ReleaseError, match=message):
        parse_splits(texts)
