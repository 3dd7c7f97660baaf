"""Pictures that look the same are found in any orientation and order; near-misses are not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from isekai_gen.errors import InputError
from isekai_gen.models.perceptual import (
    DEFAULT_RADIUS,
    DEFAULT_REVIEW_RADIUS,
    PictureHashes,
    hash_picture,
)
from isekai_gen.neighbors import hamming, hash_candidates
from isekai_gen.neighbors.hamming import find_hash_pairs
from tests.scenes import CHANGES, changed, scene

TURNS = list(Image.Transpose)


def hashes_of(pictures):
    return PictureHashes.of([hash_picture(picture) for picture in pictures])


def listed(pairs):
    return list(
        zip(pairs.row_a.tolist(), pairs.row_b.tolist(), pairs.similarity.tolist(), strict=True)
    )


@pytest.fixture(scope="module")
def mixed():
    """60 pictures: 20 scenes, two changed copies of 10 of them, 20 siblings."""
    scenes = [scene(number) for number in range(20)]
    kinds = list(CHANGES)
    copies = [changed(scenes[n % 10], kinds[n % len(kinds)], n) for n in range(20)]
    return hashes_of([*scenes, *copies, *(scene(number, 1) for number in range(20))])


@pytest.mark.parametrize("turn", TURNS)
def test_flips_and_right_angle_turns_are_the_same_picture(turn):
    picture = scene(4)
    pairs = find_hash_pairs(hashes_of([picture, scene(5), picture.transpose(turn)]), 10)
    assert [(a, b) for a, b, _ in listed(pairs)] == [(0, 2)]
    assert pairs.similarity[0] >= 1 - 4 / 64


def test_similarity_is_one_minus_the_share_of_bits():
    picture = scene(6)
    hashes = hashes_of([picture, changed(picture, "turn", 1)])
    pairs = find_hash_pairs(hashes, 31)
    assert len(pairs) == 1
    bits = (1 - float(pairs.similarity[0])) * 64
    # The picture with the smaller hash is the one that is not turned.
    first, other = np.argsort(hashes.phash[:, 0])
    assert bits == np.bitwise_count(hashes.phash[first, 0] ^ hashes.phash[other]).min()


def test_blank_pictures_are_no_duplicates_of_each_other():
    blank = [Image.new("RGB", (64, 64), (level,) * 3) for level in (0, 0, 255, 254)]
    assert len(find_hash_pairs(hashes_of(blank), 31)) == 0


def test_the_radius_only_cuts(mixed):
    wide, narrow = find_hash_pairs(mixed, 20), find_hash_pairs(mixed, 8)
    assert listed(narrow) == [pair for pair in listed(wide) if pair[2] >= 1 - 8 / 64]
    assert len(narrow) < len(wide)


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(60)))
def test_the_order_of_pictures_changes_nothing(mixed, order):
    pairs = find_hash_pairs(mixed.take(order), 20)
    back = {(min(order[a], order[b]), max(order[a], order[b]), s) for a, b, s in listed(pairs)}
    assert back == set(listed(find_hash_pairs(mixed, 20)))


@settings(max_examples=15, deadline=None)
@given(st.sets(st.integers(0, 59)))
def test_new_against_old_and_new_among_themselves_is_all(mixed, chosen):
    new = np.array(sorted(chosen), dtype=np.int64)
    old = np.setdiff1d(np.arange(60), new)
    found = set()
    for left, right in ((old, None), (new, None), (new, old)):
        against = None if right is None else mixed.take(right)
        for a, b, s in listed(find_hash_pairs(mixed.take(left), 20, against=against)):
            rows = left[a], (left if right is None else right)[b]
            found.add((min(rows), max(rows), s))
    assert found == set(listed(find_hash_pairs(mixed, 20)))


@pytest.mark.parametrize(("block", "chunk", "at_once"), [(1, 7, 1), (16, 3, 5), (64, 64, 2)])
def test_block_sizes_change_nothing(mixed, monkeypatch, block, chunk, at_once):
    expected = listed(find_hash_pairs(mixed, 20))
    monkeypatch.setattr(hamming, "_BLOCK", block)
    monkeypatch.setattr(hamming, "_CHUNK", chunk)
    monkeypatch.setattr(hamming, "_ALIGNED_AT_ONCE", at_once)
    monkeypatch.setattr(hamming, "_LAYOUTS_AT_ONCE", at_once)
    assert listed(find_hash_pairs(mixed, 20)) == expected


def test_the_same_pairs_without_faiss(mixed, monkeypatch):
    expected = listed(find_hash_pairs(mixed, 20))
    monkeypatch.setattr(hash_candidates, "_has_faiss", lambda: False)
    assert listed(find_hash_pairs(mixed, 20)) == expected


def test_too_many_pairs_are_refused(monkeypatch):
    monkeypatch.setattr(hamming, "MAX_PAIRS", 5)
    with pytest.raises(InputError, match="over 5 pairs of pictures look the same"):
        find_hash_pairs(hashes_of([scene(1)] * 4), 4)


def test_equal_pictures_are_all_paired():
    pairs = find_hash_pairs(hashes_of([scene(1)] * 4), 0)
    assert listed(pairs) == [(a, b, 1.0) for a in range(4) for b in range(a + 1, 4)]


def test_nothing_is_found_among_no_pictures(mixed):
    none = PictureHashes.of([])
    assert len(find_hash_pairs(none, 10)) == 0
    assert len(find_hash_pairs(none, 10, against=mixed)) == 0
    assert len(find_hash_pairs(mixed, 10, against=none)) == 0


def test_progress_sums_up_to_the_pictures(mixed):
    told = []
    find_hash_pairs(mixed, 10, advance=told.append)
    assert sum(told) == 60


def test_a_radius_beyond_half_of_the_bits_is_refused(mixed):
    with pytest.raises(ValueError, match="review_radius"):
        find_hash_pairs(mixed, 32)


def test_a_recolored_thing_is_another_picture():
    pictures = []
    for color in ("#d02020", "#1a7a1a"):
        picture = Image.new("RGB", (192, 192), "#8080a0")
        pen = ImageDraw.Draw(picture)
        pen.rectangle((10, 120, 180, 180), fill="#c0c0b0")
        pen.ellipse((40, 20, 150, 150), fill=color)
        pictures.append(picture)
    hashes = hashes_of(pictures)
    assert np.bitwise_count(hashes.phash[0, 0] ^ hashes.phash[1, 0]) <= 4
    assert len(find_hash_pairs(hashes, DEFAULT_REVIEW_RADIUS)) == 0


def test_another_object_in_the_same_scene_is_another_picture():
    pictures = [scene(number, 1) for number in range(30)]
    other = []
    for number, picture in enumerate(pictures):
        changed_scene = picture.copy()
        pen = ImageDraw.Draw(changed_scene)
        x, y = np.random.default_rng(number).uniform(40, 110, 2)
        pen.ellipse((x, y, x + 60, y + 60), fill="white" if number % 2 else "black")
        other.append(changed_scene)
    pairs = find_hash_pairs(hashes_of(pictures), DEFAULT_REVIEW_RADIUS, against=hashes_of(other))
    assert len(pairs) <= 1


@pytest.mark.slow
def test_copies_are_found_and_siblings_are_not():
    """The bar: precision >= 0.99 and recall >= 0.93 in equal shares of changes.

    These seeds are not those that the limits were chosen on.
    """
    count, shares = 500, 30
    pictures = [scene(10_000 + number // 2, number % 2) for number in range(count)]
    changes = [change for change in CHANGES for _ in range(shares)]
    copied = np.random.default_rng(7).choice(count, len(changes), replace=False)
    copies = [
        changed(pictures[row], c, n) for n, (row, c) in enumerate(zip(copied, changes, strict=True))
    ]
    pairs = find_hash_pairs(hashes_of([*pictures, *copies]), DEFAULT_RADIUS)
    wanted = {(int(row), count + n) for n, row in enumerate(copied)}
    found = {(a, b) for a, b, _ in listed(pairs)}
    assert len(found & wanted) / len(wanted) >= 0.93
    assert len(found & wanted) / len(found) >= 0.99


def test_a_set_against_itself_has_each_pair_both_ways(mixed):
    once = listed(find_hash_pairs(mixed, 10))
    both = listed(find_hash_pairs(mixed, 10, against=mixed))
    hashable = int(mixed.hashable.sum())
    assert sorted([*once, *((b, a, s) for a, b, s in once)]) == [p for p in both if p[0] != p[1]]
    assert len([pair for pair in both if pair[0] == pair[1]]) == hashable
