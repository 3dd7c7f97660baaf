"""People's decisions: appended by several at once, taken back, and written by hand."""

import json
import multiprocessing

import pytest

from isekai_gen.errors import ChecksumError
from isekai_gen.records import Decision, last_decisions
from isekai_gen.stages.decisions import append_decisions, decide, read_decisions
from isekai_gen.workspace import Workspace

A, B = "a" * 20, "b" * 20


def _append_many(root, who: str, times: int) -> None:
    workspace = Workspace(root)
    for number in range(times):
        append_decisions(workspace, [decide([A], "keep", who, note=f"{number}")])


def test_two_processes_that_append_at_once_lose_nothing(tmp_path):
    context = multiprocessing.get_context("fork")
    people = [
        context.Process(target=_append_many, args=(tmp_path, who, 40)) for who in ("ada", "bo")
    ]
    for person in people:
        person.start()
    for person in people:
        person.join()
    said = read_decisions(Workspace(tmp_path))
    for who in ("ada", "bo"):
        assert [d.note for d in said if d.by == who] == [str(number) for number in range(40)]
    assert len(said) == 80


def test_a_decision_says_when_and_with_what(tmp_path):
    decision = decide([B, A], "not_duplicate", "ada", reason="pose", note="other paws")
    assert decision.images == (A, B)
    assert decision.at.endswith("Z")
    assert decision.tool
    append_decisions(Workspace(tmp_path), [decision])
    assert read_decisions(Workspace(tmp_path)) == [decision]


def test_undecided_takes_a_decision_back():
    keep, back = Decision((A,), "keep", "ada"), Decision((A,), "undecided", "ada")
    pair = Decision((A, B), "duplicate", "ada")
    assert last_decisions([keep, pair, back]) == {(A, B): pair}
    assert last_decisions([keep, pair, back, keep]) == {(A,): keep, (A, B): pair}
    assert last_decisions([pair, Decision((A, B), "undecided", "bo")]) == {}


def test_lines_written_by_hand_may_leave_out_what_comes_after_the_name(tmp_path):
    row = {"by": "ada", "choice": "keep", "images": [A], "schema": 1}
    workspace = Workspace(tmp_path)
    workspace.decisions_file.write_text(json.dumps(row) + "\n")
    assert read_decisions(workspace) == [Decision((A,), "keep", "ada")]


def test_a_torn_last_line_is_not_counted_and_goes_with_the_next_append(tmp_path):
    workspace = Workspace(tmp_path)
    first, second = decide([A], "keep", "ada"), decide([A], "drop", "ada")
    append_decisions(workspace, [first])
    with workspace.decisions_file.open("ab") as file:
        file.write(b'{"by": "ada", "cho')
    assert read_decisions(workspace) == [first]
    append_decisions(workspace, [second])
    assert read_decisions(workspace) == [first, second]


def test_a_whole_line_that_is_no_decision_is_named(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.decisions_file.write_text('{"by": "ada", "choice": "keep", "schema": 1}\n')
    with pytest.raises(ChecksumError, match=r"decisions\.jsonl:1"):
        read_decisions(workspace)
