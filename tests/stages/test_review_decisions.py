"""Decisions as the review page follows them while the file grows, tears and is edited."""

from __future__ import annotations

import pytest

from isekai_gen.errors import ChecksumError, StorageError
from isekai_gen.stages import review_sayings
from isekai_gen.stages.audit_sample import sample_file
from isekai_gen.stages.decisions import append_decisions, decide, read_decisions
from isekai_gen.stages.review_decisions import DecisionLog
from isekai_gen.workspace import Workspace
from tests.small_jobs import read_plan
from tests.stages.review_jobs import open_at, said, write_workspace

A, B = "a" * 20, "b" * 20


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


def test_what_is_appended_is_read_once_and_told_as_a_change(workspace):
    log = DecisionLog(workspace)
    assert log.follow() == ()
    append_decisions(workspace, [decide([A], "drop", "ada")])
    (change,) = log.follow()
    assert (change.images, change.before, change.after.choice) == ((A,), None, "drop")
    append_decisions(workspace, [decide([A], "undecided", "bo"), decide([A, B], "duplicate", "bo")])
    back, pair = log.follow()
    assert (back.before.choice, back.after) == ("drop", None)
    assert (pair.images, log.lines) == ((A, B), 3)
    assert log.follow() == ()
    assert [decision.by for decision in log.naming(A)] == ["ada", "bo", "bo"]


def test_a_torn_last_line_waits_until_it_is_whole(workspace):
    append_decisions(workspace, [decide([A], "drop", "ada"), decide([B], "keep", "ada")])
    content = workspace.decisions_file.read_bytes()
    workspace.decisions_file.write_bytes(content[:-7])
    log = DecisionLog(workspace)
    log.follow()
    assert list(log.in_force) == [(A,)]
    with workspace.decisions_file.open("ab") as file:
        file.write(content[-7:])
    (change,) = log.follow()
    assert change.after == read_decisions(workspace)[-1]


def test_an_edited_file_is_read_from_its_beginning(workspace):
    append_decisions(workspace, [decide([A], "drop", "ada")])
    log = DecisionLog(workspace)
    log.follow()
    text = workspace.decisions_file.read_text()
    workspace.decisions_file.write_text(text.replace("ada", "someone") + text.replace(A, B))
    assert log.follow() is None
    assert {images: decision.by for images, decision in log.in_force.items()} == {
        (A,): "someone",
        (B,): "ada",
    }
    workspace.decisions_file.unlink()
    assert log.follow() is None
    assert log.in_force == {}


def test_a_damaged_line_is_named(workspace):
    append_decisions(workspace, [decide([A], "drop", "ada")])
    log = DecisionLog(workspace)
    log.follow()
    with workspace.decisions_file.open("a") as file:
        file.write("{}\n")
    with pytest.raises(ChecksumError, match=r"decisions\.jsonl:2: "):
        log.follow()


def test_two_pages_and_a_person_with_an_editor_agree(tmp_path):
    workspace = write_workspace(tmp_path / "ws", {"ant": 4})
    first, second, *_ = [image.image_id for image in read_plan(workspace)]
    ada, bo = open_at(workspace.root), open_at(workspace.root, by="bo")
    ada.say([said("drop", first)])
    assert bo.summary()["counts"] == ada.summary()["counts"]
    bo.say([said("keep", first), said("drop", second)])
    assert ada.summary()["counts"]["dropped"] == {"person": 1}
    assert ada.summary()["version"] == bo.summary()["version"] == ada.version()
    lines = workspace.decisions_file.read_text().splitlines(keepends=True)
    workspace.decisions_file.write_text(lines[0])
    assert (
        ada.summary()["counts"]
        == bo.summary()["counts"]
        == open_at(workspace.root).summary()["counts"]
    )
    assert ada.version().startswith("1-")


def test_a_file_that_was_spoiled_and_repaired_counts_each_decision_once(tmp_path):
    workspace = write_workspace(tmp_path / "ws", {"ant": 4})
    first, second, *_ = [image.image_id for image in read_plan(workspace)]
    review = open_at(workspace.root)
    review.say([said("drop", first), said("duplicate", first, second)])
    content = workspace.decisions_file.read_text()
    workspace.decisions_file.write_text("{}\n" + content)
    with pytest.raises(ChecksumError, match=r"decisions\.jsonl:1: "):
        review.summary()
    workspace.decisions_file.write_text(content)
    counts = review.summary()["counts"]
    assert (counts["dropped"], counts["kept"]) == ({"person": 1}, 3)


def test_a_decision_that_comes_while_an_audit_is_damaged_is_not_lost(tmp_path):
    workspace = write_workspace(tmp_path / "ws", {"ant": 4})
    (first, *_) = [image.image_id for image in read_plan(workspace)]
    review = open_at(workspace.root)
    append_decisions(workspace, [decide([first], "drop", "bo")])
    sample = sample_file(workspace)
    sample.parent.mkdir(parents=True)
    sample.write_text("{}\n")
    with pytest.raises(ChecksumError, match=r"sample\.jsonl:1: "):
        review.summary()
    sample.unlink()
    assert review.summary()["counts"]["dropped"] == {"person": 1}


def test_what_a_full_disk_kept_from_being_taken_back_can_be_taken_back_later(tmp_path, monkeypatch):
    workspace = write_workspace(tmp_path / "ws", {"ant": 4})
    first, second, *_ = [image.image_id for image in read_plan(workspace)]
    review = open_at(workspace.root)
    review.say([said("drop", first)])
    review.say([said("drop", second)])

    def fail(*_):
        raise StorageError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(review_sayings, "append_decisions", fail)
        with pytest.raises(StorageError):
            review.undo()
    assert [one["images"] for one in review.undo()["undone"]] == [[second]]
    assert [one["images"] for one in review.undo()["undone"]] == [[first]]
