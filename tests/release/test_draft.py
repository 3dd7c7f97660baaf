import hashlib
import os
import resource

import pytest

from isekai_gen.errors import StorageError
from isekai_gen.release.building.draft import ReleaseDraft


def measured(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(
        (
            path.relative_to(folder).as_posix(),
            path.stat().st_size,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in files
    )


def test_what_is_listed_is_what_lies_on_the_disk(tmp_path):
    source = tmp_path / "source"
    source.write_bytes(os.urandom(3_000_000))
    draft = ReleaseDraft(tmp_path / "tree")
    draft.write("README.md", b"hello\n")
    draft.copy(source, "lcl/classes/train.jsonl")
    assert draft.write_lines("metadata.jsonl", ({"b": n, "a": "é"} for n in range(3))) == 3
    draft.write_json("reports/stats.json", {"b": 1, "a": [2]})
    with draft.stream("data/test-00000-of-00001.parquet") as file:
        for size in (1, 70_000, 2_000_000):
            file.write(os.urandom(size))
        assert file.tell() == 2_070_001
    listed = [(file.path, file.size, file.sha256) for file in draft.listed()]
    assert listed == measured(tmp_path / "tree")
    assert {file.role for file in draft.listed()} == {
        "card", "image table", "manifest", "metadata", "report"
    }  # fmt: skip


def test_json_is_sorted_and_ends_in_a_line_feed(tmp_path):
    draft = ReleaseDraft(tmp_path)
    draft.write_lines("metadata.jsonl", [{"b": 1, "a": "é"}])
    draft.write_json("croissant.json", {"b": 1, "a": "é"})
    assert (tmp_path / "metadata.jsonl").read_text() == '{"a": "é", "b": 1}\n'
    assert (tmp_path / "croissant.json").read_text() == '{\n  "a": "é",\n  "b": 1\n}\n'


def test_no_file_is_written_twice(tmp_path):
    draft = ReleaseDraft(tmp_path)
    draft.write("README.md", b"one")
    with pytest.raises(ValueError, match="twice"):
        draft.write("README.md", b"two")
    assert (tmp_path / "README.md").read_bytes() == b"one"


def test_a_stream_that_fails_is_not_listed(tmp_path):
    draft = ReleaseDraft(tmp_path)
    with pytest.raises(TypeError), draft.stream("metadata.jsonl") as file:
        file.write("half")
    assert draft.listed() == []


def test_a_full_disk_is_said_in_one_line(tmp_path):
    """A limit on the size of one file stands for the disk: the kernel refuses the write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        with pytest.raises(StorageError, match="make room"):
            ReleaseDraft(tmp_path).write("README.md", bytes(5_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
