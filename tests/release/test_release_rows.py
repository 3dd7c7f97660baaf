"""The rows of metadata.jsonl, concepts.jsonl, prompts.jsonl and rejected.jsonl."""

from __future__ import annotations

from dataclasses import replace

import pytest

from isekai_gen.errors import ReleaseError
from isekai_gen.release.columns import METADATA_COLUMNS
from isekai_gen.release.counts import count_images
from isekai_gen.release.layout import OVERLAP_FILE
from isekai_gen.release.tables import concept_rows, metadata_row, prompt_rows, rejected_rows

# What a value of each kind of column may be; JSON has no others.
TYPES = {"text": str, "whole": int, "real": float, "flag": bool, "texts": tuple, "label": int}


def test_an_image_is_told_by_exactly_the_declared_columns_and_types(small):
    for image in small.content.released_images():
        row = metadata_row(image, 7, "a" * 64)
        assert sorted(row) == sorted(column.name for column in METADATA_COLUMNS)
        for column in METADATA_COLUMNS:
            value = row[column.name]
            assert (value is None and column.nullable) or isinstance(value, TYPES[column.kind]), (
                column.name
            )


def test_a_row_tells_the_released_bytes_and_what_was_measured(small):
    image = small.content.released_images()[0]
    row = metadata_row(image, 7, "a" * 64)
    assert (row["bytes"], row["sha256"]) == (7, "a" * 64)
    assert row["pixel_sha256"] == image.record.pixel_sha256
    assert row["duplicate_group"] == image.measures.duplicate_group
    assert (row["split"], row["label"], row["file_name"]) == ("test", 0, image.path)


def test_row_n_of_the_concepts_has_label_n_and_counts_images_by_split(small):
    content = replace(small.content, splits=small.divided())
    rows = list(concept_rows(content, count_images(content)))
    labels = {image.concept.slug: image.label for image in content.released_images()}
    assert [row["label"] for row in rows] == [0, 1, 2, 3]
    assert {row["slug"]: row["label"] for row in rows} == labels
    assert [row["images_by_split"] for row in rows] == [
        {"train": 3}, {"train": 4}, {"test": 3}, {"test": 4},
    ]  # fmt: skip
    assert [row["images"] for row in rows] == [3, 4, 3, 4]
    assert [row["nearest_classes"] for row in rows] == [[], [], [], []]


def test_a_concept_has_the_nearest_classes_of_the_overlap_report(small):
    near = [{"class_key": "n1", "similarity": 0.5}]
    reports = {OVERLAP_FILE: {"nearest_classes": {"icemic": near}}}
    content = replace(small.content, reports=reports)
    rows = concept_rows(content, count_images(content))
    found = {row["slug"]: row["nearest_classes"] for row in rows}
    assert found == {"cactihog": [], "hedgehog": [], "icemic": near, "teapot": []}


def test_every_image_drawn_has_its_prompt_and_only_kept_ones_a_file(small):
    images = small.content.released_images()
    rows = list(prompt_rows(small.content, images))
    assert len(rows) == len(small.content.records)
    assert [(row["concept"], row["index"]) for row in rows] == sorted(
        (record.concept, record.planned.index) for record in small.content.records
    )
    assert {row["image_id"]: row["file_name"] for row in rows if row["file_name"]} == {
        image.record.image_id: image.path for image in images
    }
    assert [row["concept"] for row in rows if row["failure"]] == ["cactihog"]


def test_a_dropped_image_names_its_witness_and_where_that_is(small):
    images = small.content.released_images()
    path_by_id = {each.record.image_id: each.path for each in images}
    rows = {row["by"]: row for row in rejected_rows(small.content, images)}
    similar = rows["near_duplicate"]
    assert similar["witness_file_name"] == path_by_id[similar["witness"]]
    assert (similar["measured"], similar["limit"], similar["tier"]) == (0.97, 0.95, "semantic")
    overlapping = rows["class_overlap"]
    assert (overlapping["witness"], overlapping["witness_file_name"]) == ("", "")
    assert overlapping["reference"] == "n01"


def test_a_witness_that_is_not_kept_is_refused_with_the_remedy(small):
    images = small.content.released_images()
    dropped = dict(small.content.dropped)
    one, other = sorted(dropped)
    dropped[one] = replace(dropped[one], witness=other)
    with pytest.raises(ReleaseError, match=f"{other}, which is not kept.*dedupe"):
        list(rejected_rows(replace(small.content, dropped=dropped), images))
