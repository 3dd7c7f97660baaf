"""What is damaged, or was made to do harm, is named in one line; nothing of it becomes a path."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from isekai_gen.errors import ChecksumError
from isekai_gen.hashing import file_sha256
from isekai_gen.shards import read_marker, write_marker
from isekai_gen.stages.drawn import STAGE
from isekai_gen.stages.review_records import read_drawn_lines
from tests.stages.review_jobs import open_at, write_workspace


@pytest.fixture
def workspace(tmp_path):
    return write_workspace(tmp_path / "ws", {"ant": 4})


def change_first_record(workspace, **values):
    """Replace fields of the first record, or of its planned image."""
    path = workspace.part("records", 0)
    first, *others = path.read_text().splitlines(keepends=True)
    row = json.loads(first)
    for name, value in values.items():
        (row if name in row else row["planned"])[name] = value
    path.write_text(json.dumps(row) + "\n" + "".join(others))


@pytest.mark.parametrize(
    "values",
    [
        {"concept": "../../etc"},
        {"image_id": "../../../../etc/passwd"},
        {"path": "images/a/b./../../../etc/passwd"},
        {"path": 5},
        {"seed": 2**63},
        {"slots": ["snow"]},
        {"slots": {"place": {"in": "the snow"}}},
    ],
)
def test_a_record_that_is_none_is_named(workspace, values):
    change_first_record(workspace, **values)
    with pytest.raises(ChecksumError, match=r"records/part-00000\.jsonl:1: no record .*restore it"):
        read_drawn_lines(workspace, 0)


def test_an_image_of_a_concept_that_was_not_drawn_is_named(workspace):
    change_first_record(workspace, concept="unheard-of")
    marker = read_marker(workspace, STAGE, 0)
    digest = file_sha256(workspace.part("records", 0))
    write_marker(workspace, replace(marker, digest=digest))
    with pytest.raises(ChecksumError, match=r"part-00000\.jsonl: .* is of 'unheard-of'"):
        open_at(workspace.root)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("review.jsonl", '{"images": []}'),
        ("review.jsonl", '{"images": 5, "limit": 1, "similarity": 1, "tier": "semantic"}'),
        ("groups.jsonl", '{"members": 5}'),
        ("groups.jsonl", '{"members": [[]]}'),
    ],
)
def test_a_report_that_dedupe_did_not_write_is_named(workspace, name, content):
    folder = workspace.reports / "duplicates"
    folder.mkdir(parents=True)
    (folder / name).write_text(content + "\n")
    with pytest.raises(ChecksumError, match=r"reports/duplicates: .*`isekai-gen dedupe` again"):
        open_at(workspace.root)
