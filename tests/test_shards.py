"""JSON-lines parts: whole lines, torn tails, done-markers."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.errors import ChecksumError, StaleShardError
from isekai_gen.hashing import file_sha256
from isekai_gen.records import Verdict
from isekai_gen.shards import (
    DoneMarker,
    append_records,
    check_part,
    encode_lines,
    read_appended,
    read_lines,
    read_marker,
    read_records,
    repair_tail,
    write_marker,
    write_records,
)
from isekai_gen.stages.fingerprints import fingerprint_of, forget_stage, is_current
from isekai_gen.workspace import Workspace

VERDICTS = [Verdict(f"{number:020x}", "f", keep=True, reason="ok") for number in range(3)]


def test_lines_are_canonical():
    assert encode_lines([{"b": "é", "a": 1}]) == '{"a": 1, "b": "é"}\n'.encode()


def test_records_survive_the_file(tmp_path):
    path = tmp_path / "part.jsonl"
    write_records(path, VERDICTS)
    assert read_records(path, Verdict) == VERDICTS
    assert read_records(tmp_path / "absent", Verdict) == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [("[1]", "not a JSON object"), ('{"schema": 9}', "schema 9"), ('{"schema": 1}', "fields")],
)
def test_a_damaged_line_is_named(tmp_path, line, problem):
    path = tmp_path / "part.jsonl"
    write_records(path, VERDICTS[:1])
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(ChecksumError, match=rf"part\.jsonl:2:.*{problem}"):
        read_records(path, Verdict)


@pytest.mark.parametrize(
    "read",
    [
        read_records,
        read_appended,
        lambda path, _: read_lines(path),
        lambda path, _: repair_tail(path),
    ],
)
def test_a_pipe_or_a_folder_is_refused_instead_of_read(tmp_path, read):
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(ChecksumError, match=rf"{name}\.jsonl: is no regular file; remove it"):
            read(tmp_path / f"{name}.jsonl", Verdict)


def test_a_pipe_in_the_place_of_a_marker_is_refused(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.done("generate", 0).parent.mkdir(parents=True)
    os.mkfifo(workspace.done("generate", 0))
    with pytest.raises(ChecksumError, match=r"part-00000\.json: a damaged done-marker; delete it"):
        read_marker(workspace, "generate", 0)


@given(st.integers(0, 400))
def test_wherever_a_file_is_torn_whole_lines_stay(tmp_path_factory, length):
    path = tmp_path_factory.mktemp("torn") / "part.jsonl"
    whole = encode_lines(verdict.to_json() for verdict in VERDICTS)
    path.write_bytes(whole[:length])
    cut = repair_tail(path)
    content = path.read_bytes()
    assert content == whole[: whole[:length].rfind(b"\n") + 1]
    assert cut == len(whole[:length]) - len(content)
    assert repair_tail(path) == 0
    assert read_records(path, Verdict) == VERDICTS[: content.count(b"\n")]


def test_a_repair_is_said(tmp_path, caplog):
    path = tmp_path / "part.jsonl"
    path.write_bytes(b'{"a": 1}\n{"b"')
    repair_tail(path)
    assert "torn last line of 4 bytes" in caplog.text
    assert read_lines(path) == [{"a": 1}]


def test_appending_equals_writing_at_once(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for verdict in VERDICTS:
        append_records(one, [verdict])
    write_records(other, VERDICTS)
    assert one.read_bytes() == other.read_bytes()


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


def mark(workspace, fingerprint, part=0):
    path = workspace.part("verdicts/f", part)
    write_records(path, VERDICTS)
    marker = DoneMarker("f", part, fingerprint, {"n": 3}, file_sha256(path))
    write_marker(workspace, marker)
    return path, marker


def test_a_marker_says_what_was_done(workspace):
    assert not is_current(workspace, "f", 0, "a" * 64)
    _, marker = mark(workspace, "a" * 64)
    assert read_marker(workspace, "f", 0) == marker
    assert is_current(workspace, "f", 0, "a" * 64)


def test_another_fingerprint_is_refused_with_both_names_and_the_remedy(workspace):
    mark(workspace, "a" * 64)
    with pytest.raises(StaleShardError) as caught:
        is_current(workspace, "f", 0, "b" * 64)
    for words in ("a" * 12, "b" * 12, "--force-stage"):
        assert words in str(caught.value)
    assert "--workspace" not in str(caught.value)
    with pytest.raises(StaleShardError, match=r"; begin anew$"):
        is_current(workspace, "f", 0, "b" * 64, "begin anew")


def test_a_committed_part_that_changed_is_noticed(workspace):
    path, marker = mark(workspace, "a" * 64)
    check_part(path, marker)
    path.write_bytes(path.read_bytes()[:-1] + b" ")
    with pytest.raises(ChecksumError, match="bytes differ"):
        check_part(path, marker)


def test_other_inputs_mean_again_and_other_settings_mean_refused(workspace):
    mark(workspace, fingerprint_of({"limit": 1}, ["image"]))
    assert is_current(workspace, "f", 0, fingerprint_of({"limit": 1}, ["image"]))
    assert not is_current(workspace, "f", 0, fingerprint_of({"limit": 1}, ["image", "more"]))
    with pytest.raises(StaleShardError):
        is_current(workspace, "f", 0, fingerprint_of({"limit": 2}, ["image"]))
    forget_stage(workspace, "f")
    assert not is_current(workspace, "f", 0, fingerprint_of({"limit": 2}, ["image"]))
