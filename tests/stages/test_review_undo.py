"""Undo takes back one request of one tab; the version tells of everything that changes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.errors import StorageError
from isekai_gen.review.source import Sender
from isekai_gen.stages import review_index, review_sayings
from isekai_gen.stages.audit_sample import write_sample
from isekai_gen.stages.decisions import append_decisions, decide, read_decisions
from tests.small_jobs import read_plan
from tests.stages.review_jobs import open_at, question, said, write_workspace

TABS = ("left", "right")
IMAGES = 4


@pytest.fixture
def workspace(tmp_path):
    return write_workspace(tmp_path / "ws", {"ant": IMAGES})


@pytest.fixture
def ids(workspace):
    return sorted(image.image_id for image in read_plan(workspace))


def chosen(review) -> dict[tuple[str, ...], str]:
    """What is in force, by a fresh reading of the file."""
    workspace = review._context.workspace
    last = {decision.images: decision.choice for decision in read_decisions(workspace)}
    return {images: choice for images, choice in last.items() if choice != "undecided"}


def why_left(answer) -> list[str]:
    return [one["why"] for one in answer["left"]]


images = st.integers(0, IMAGES - 1)
single = st.tuples(st.tuples(images), st.sampled_from(["keep", "drop", "undecided"]))
pairs = st.tuples(
    st.lists(images, min_size=2, max_size=2, unique=True).map(tuple),
    st.sampled_from(["duplicate", "not_duplicate", "undecided"]),
)
requests = st.lists(st.one_of(single, pairs), min_size=1, max_size=4)


@settings(max_examples=20, deadline=None)
@given(st.lists(requests, max_size=5))
def test_each_undo_restores_what_was_in_force_before_its_request(said_by_turns):
    with tempfile.TemporaryDirectory() as folder:
        workspace = write_workspace(Path(folder) / "ws", {"ant": IMAGES})
        ids = sorted(image.image_id for image in read_plan(workspace))
        review = open_at(workspace.root)
        states = [chosen(review)]
        for number, request in enumerate(said_by_turns):
            sayings = [said(choice, *(ids[n] for n in places)) for places, choice in request]
            review.say(sayings, Sender("left", f"{number}"))
            states.append(chosen(review))
        for number in reversed(range(len(said_by_turns))):
            assert chosen(review) == states[number + 1]
            answer = review.undo(Sender("left", f"{number}"))
            assert len(answer["undone"]) + len(answer["left"]) == len(said_by_turns[number])
            assert chosen(review) == states[number]
        assert review.undo(Sender("left"))["undone"] == []
        review.close()


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), images), max_size=8), st.integers(0, 1))
def test_a_tab_takes_back_what_it_said_itself_and_nothing_of_the_other(steps, undoing):
    with tempfile.TemporaryDirectory() as folder:
        workspace = write_workspace(Path(folder) / "ws", {"ant": 2 * IMAGES})
        ids = sorted(image.image_id for image in read_plan(workspace))
        review = open_at(workspace.root)
        for tab, image in steps:  # each tab speaks of its own images
            review.say([said("drop", ids[tab * IMAGES + image])], Sender(TABS[tab]))
        before = chosen(review)
        for _ in steps:
            review.undo(Sender(TABS[undoing]))
        others = {
            (ids[n],) for n in range(len(ids)) if n // IMAGES != undoing and (ids[n],) in before
        }
        assert chosen(review).keys() == others
        review.close()


def test_several_requests_of_one_name_are_taken_back_as_one(workspace, ids):
    review = open_at(workspace.root)
    for image in ids[:3]:
        review.say([said("drop", image)], Sender("left", "a range"))
    answer = review.undo(Sender("left", "a range"))
    assert [one["images"] for one in answer["undone"]] == [[image] for image in ids[2::-1]]
    assert answer["summary"]["counts"]["dropped"] == {}


def test_a_request_that_arrives_twice_is_taken_back_as_if_once(workspace, ids):
    asked = question("a" * 16, "drop", (ids[1],))
    write_sample(workspace, [asked])
    review, sender = open_at(workspace.root), Sender("left", "sent again")
    sayings = [said("drop", ids[0]), said("drop", question=asked.id)]
    recorded = [review.say(sayings, sender)["recorded"] for _ in range(2)]
    assert recorded == [{"decisions": 1, "answers": 1}, {"decisions": 0, "answers": 0}]
    answer = review.undo(sender)
    assert (len(answer["undone"]), answer["left"]) == (2, [])
    assert chosen(review) == {}


@pytest.mark.parametrize("since", ["taken back", "said anew"])
def test_a_request_that_arrives_late_changes_nothing_of_what_was_done_since(workspace, ids, since):
    review, sender = open_at(workspace.root), Sender("left", "late")
    review.say([said("drop", ids[0])], sender)
    if since == "taken back":
        review.undo(sender)
    else:
        review.say([said("keep", ids[0])], Sender("left", "newer"))
    before = chosen(review)
    answer = review.say([said("drop", ids[0])], sender)
    assert answer["recorded"] == {"decisions": 0, "answers": 0}
    assert chosen(review) == before


@pytest.mark.parametrize("named", ["older", "never said"])
def test_what_is_not_the_newest_of_its_tab_is_refused_and_stays(workspace, ids, named):
    review = open_at(workspace.root)
    review.say([said("drop", ids[0])], Sender("left", "older"))
    review.say([said("drop", ids[1])], Sender("left", "newer"))
    review.say([said("drop", ids[2])], Sender("right", "never said"))
    with pytest.raises(ValueError, match="not the newest of this tab"):
        review.undo(Sender("left", named))
    assert review.summary()["counts"]["dropped"] == {"person": 3}
    review.undo(Sender("left", "newer"))
    with pytest.raises(ValueError, match="not the newest"):  # such as a request sent twice
        review.undo(Sender("left", "newer"))
    assert review.summary()["counts"]["dropped"] == {"person": 2}


def test_of_a_request_only_what_still_stands_is_taken_back_and_the_rest_named(workspace, ids):
    review = open_at(workspace.root)
    review.say([said("keep", ids[0])])
    review.say([said("keep", ids[0]), said("drop", ids[1]), said("drop", ids[2])])
    append_decisions(workspace, [decide([ids[1]], "keep", "bo")])
    answer = review.undo()
    assert [one["images"] for one in answer["undone"]] == [[ids[2]]]
    assert [(one["images"], one["why"]) for one in answer["left"]] == [
        ([ids[1]], "something else was said since"),
        ([ids[0]], "it stood before"),
    ]
    assert chosen(review) == {(ids[0],): "keep", (ids[1],): "keep"}


def test_an_answer_said_again_is_not_reported_as_taken_back(workspace, ids):
    asked = question("a" * 16, "drop", (ids[0],))
    write_sample(workspace, [asked])
    review = open_at(workspace.root)
    review.say([said("drop", question=asked.id)])
    review.say([said("drop", question=asked.id)])
    again, first = review.undo(), review.undo()
    assert (again["undone"], why_left(again)) == ([], ["it stood before"])
    assert [one["question"] for one in first["undone"]] == [asked.id]


def test_a_full_disk_in_the_midst_takes_back_the_rest_later_and_nothing_twice(
    workspace, ids, monkeypatch
):
    asked = question("a" * 16, "drop", (ids[0],))
    write_sample(workspace, [asked])
    review = open_at(workspace.root)
    review.say([said("drop", ids[1]), said("drop", question=asked.id)])

    def fail(*_):
        raise StorageError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(review_sayings.AuditSheet, "answer", fail)
        with pytest.raises(StorageError):
            review.undo()
    answer = review.undo()
    assert [one["question"] for one in answer["undone"]] == [asked.id]
    assert answer["left"] == []
    assert [decision.choice for decision in read_decisions(workspace)] == ["drop", "undecided"]


def test_the_version_tells_of_decisions_and_answers_and_a_new_sample(workspace, ids):
    ada, bo = open_at(workspace.root), open_at(workspace.root, by="bo")
    asked = question("a" * 16, "drop", (ids[0],))
    seen = [ada.version()]
    write_sample(workspace, [asked])
    seen.append(ada.version())
    bo.say([said("drop", ids[1])])
    seen.append(ada.version())
    bo.say([said("drop", question=asked.id)])
    seen.append(ada.version())
    bo.say([said("keep", question=asked.id)])
    seen.append(ada.version())
    assert len(set(seen)) == len(seen)
    assert ada.version() == ada.summary()["version"] == bo.version() == seen[-1]


def test_the_version_tells_of_images_judged_anew_once_the_files_rest(workspace, monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(review_index, "time", SimpleNamespace(monotonic=lambda: clock.now))
    review = open_at(workspace.root)
    before = review.version()
    part = next(iter((workspace.root / "records").glob("part-*")))
    os.utime(part, ns=(1, 1))
    told = []
    for clock.now in (100.0, 101.9, 102.0):
        told.append(review.version() == before)
    assert told == [True, True, False]


def test_what_a_tab_said_itself_is_told_apart_from_what_others_said_meanwhile(workspace, ids):
    review = open_at(workspace.root)
    known = review.summary()["version"]
    answer = review.say([said("drop", ids[0])])
    assert (answer["before"], answer["version"] != known) == (known, True)
    append_decisions(workspace, [decide([ids[1]], "keep", "bo")])
    assert review.undo()["summary"]["before"] != answer["version"]


def test_what_others_said_in_the_midst_of_a_saying_is_told_apart_too(workspace, ids, monkeypatch):
    review, append = open_at(workspace.root), append_decisions

    def append_both(where, decisions):
        append(where, decisions)
        append(where, [decide([ids[1]], "keep", "bo")])

    monkeypatch.setattr(review_sayings, "append_decisions", append_both)
    known = review.summary()["version"]
    answer = review.say([said("drop", ids[0])])
    assert answer["before"] != known
    assert review.undo()["summary"]["before"] != answer["version"]
