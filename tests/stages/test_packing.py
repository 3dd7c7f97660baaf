"""Packing: rows are honored, nothing is lost, little is padding."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.prompts import shipped_catalog_path
from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.records import PlannedImage
from isekai_gen.stages.packing import Packer, fill_rate, pack_micro_batches, shard_size_for
from isekai_gen.stages.plan import row_of
from isekai_gen.stages.plan_lines import PlannedLine
from tests.stages.plan_requests import make_catalog

IMAGES_PER_CONCEPT = (12, 25, 32, 50, 100, 1000)
MICRO_BATCH_SIZES = (1, 4, 8, 16, 32)


def make_image(number, row):
    return PlannedImage(f"{number:020x}", "c", number, "t", {}, "p", "", 1, row)


def pack(lines, size):
    """The batches of a whole plan, in the order in which they are drawn."""
    packer = Packer(size)
    full = [batch for line in lines if (batch := packer.add(line)) is not None]
    return [*full, *packer.rest()]


def lines_of(concepts, images, size):
    return [
        PlannedLine(concept.slug, number, row_of(concept, number, size), b"")
        for concept in concepts
        for number in range(images)
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 7), max_size=80))
def test_packing_puts_distinct_rows_together_and_loses_nothing(rows):
    images = [make_image(number, row) for number, row in enumerate(rows)]
    batches = pack_micro_batches(images)
    for batch in batches:
        assert len({image.row for image in batch}) == len(batch)
    packed = [image for batch in batches for image in batch]
    assert sorted(packed, key=lambda image: image.index) == images
    # No row could fit into fewer batches than the times it comes.
    assert len(batches) == max((rows.count(row) for row in rows), default=0)


# A concept's new images: any numbers, since some may be planned already.
NUMBERS = st.lists(st.sets(st.integers(0, 40), max_size=25), min_size=1, max_size=6)


@settings(max_examples=80, deadline=None)
@given(NUMBERS, st.integers(1, 9), st.integers(1, 5), st.integers(0, 30))
def test_a_part_that_is_cut_between_batches_packs_into_the_same_batches(
    numbers, size, per_part, killed_after
):
    concepts = [
        concept
        for group in make_catalog("ant", "bat", "cat").groups
        for concept in (group.fictional, group.real)
    ]
    lines = [
        PlannedLine(concept.slug, number, row_of(concept, number, size), b"")
        for concept, chosen in zip(concepts, numbers, strict=False)
        for number in sorted(chosen)
    ]
    batches = pack(lines, size)
    assert Counter(line for batch in batches for line in batch) == Counter(lines)
    assert all(len({line.row for line in batch}) == len(batch) for batch in batches)
    for start in range(0, len(batches), per_part):
        part = batches[start : start + per_part]
        images = [make_image(line.number, line.row) for batch in part for line in batch]
        assert [len(batch) for batch in pack_micro_batches(images)] == list(map(len, part))
    # A kill leaves the first batches on disk; what is left packs as it would have.
    there = {line for batch in batches[:killed_after] for line in batch}
    assert pack([line for line in lines if line not in there], size) == batches[killed_after:]


@pytest.mark.parametrize("size", MICRO_BATCH_SIZES)
@pytest.mark.parametrize("images", IMAGES_PER_CONCEPT)
def test_at_most_a_twentieth_of_an_ordinary_plan_is_padding(images, size):
    concepts = load_catalog(shipped_catalog_path()).concepts
    batches = pack(lines_of(concepts, images, size), size)
    waste = 1 - fill_rate(images * len(concepts), len(batches), size)
    if images >= 4 * size:
        assert waste <= 0.05
    else:
        assert waste <= 0.25  # fewer images than rows leave nothing but the pool


@given(st.integers(0, 5000), st.sampled_from(MICRO_BATCH_SIZES))
def test_whole_cycles_of_a_concept_waste_nothing(cycles, size):
    concepts = make_catalog("ant").concepts
    batches = pack(lines_of(concepts, (cycles % 9) * size, size), size)
    assert all(len(batch) == size for batch in batches)


def test_the_two_concepts_of_a_group_complement_each_other():
    for group in make_catalog("ant", "bat", "cat", "dog").groups:
        rows = [row_of(concept, 0, 4) for concept in (group.fictional, group.real)]
        assert abs(rows[0] - rows[1]) == 2


@given(st.integers(1, 5_000_000), st.integers(1, 64))
def test_parts_are_whole_micro_batches_and_neither_many_nor_few(total, size):
    shard = shard_size_for(total, size)
    assert shard % size == 0
    assert shard < 1024 + size
    parts = -(-total // shard)
    assert parts <= max(1024, total // 1024 + 1)
    if total >= max(256, 16 * size):
        assert parts >= 8


def test_a_small_plan_still_spreads_over_workers():
    assert shard_size_for(80, 4) == 16
    assert shard_size_for(480, 4) == 32
    assert shard_size_for(1_000_000, 4) == 1024
