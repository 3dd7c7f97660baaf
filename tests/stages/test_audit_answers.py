"""Answers are read with all their faults at once, and may become decisions."""

from dataclasses import replace

import pytest

from isekai_gen.errors import InputError
from isekai_gen.records import Decision
from isekai_gen.shards import encode_lines
from isekai_gen.stages.audit_answers import new_decisions, read_answers
from isekai_gen.stages.audit_result import evaluate_answers, result_lines
from tests.stages.test_audit_sample import QUESTION, population

PAIR = replace(QUESTION, id="1" * 16, images=("b" * 20, "a" * 20))
SINGLE = replace(
    QUESTION,
    id="2" * 16,
    ask="drop",
    images=("c" * 20,),
    paths=("images/one/c.png",),
    filter="class_overlap",
)
QUESTIONS = [PAIR, SINGLE]


def write(path, *rows):
    path.write_bytes(encode_lines([{"schema": 1, **row} for row in rows]))
    return path


def test_answers_come_back_by_question(tmp_path):
    path = write(
        tmp_path / "answers.jsonl",
        {"id": PAIR.id, "answer": "not_duplicate"},
        {"id": SINGLE.id, "answer": "unsure"},
    )
    assert read_answers(path, QUESTIONS) == {PAIR.id: "not_duplicate", SINGLE.id: "unsure"}


def test_every_fault_is_said_with_its_line(tmp_path):
    path = write(
        tmp_path / "answers.jsonl",
        {"id": PAIR.id, "answer": "duplicate"},
        {"id": "f" * 16, "answer": "duplicate"},
        {"id": PAIR.id, "answer": "not_duplicate"},
        {"id": SINGLE.id, "answer": "duplicate"},
        {"id": SINGLE.id, "answer": "drop", "note": "x"},
        {"id": ["x"], "answer": "drop"},
    )
    with path.open("ab") as file:
        file.write(b'"text"\n{"id": 1\n' + b"[" * 5000 + b"\n")
    with pytest.raises(InputError) as refused:
        read_answers(path, QUESTIONS)
    lines = str(refused.value).splitlines()
    assert [line.removeprefix(f"{path}:").partition(":")[0] for line in lines] == list("23456789")
    assert "is no question of this sample" in lines[0]
    assert "has another answer above" in lines[1]
    assert "use one of drop, keep, unsure" in lines[2]


def test_no_answers_are_a_fault(tmp_path):
    with pytest.raises(InputError, match="no answers"):
        read_answers(write(tmp_path / "answers.jsonl"), QUESTIONS)


def test_answers_become_decisions_unless_unsure():
    answers = {PAIR.id: "not_duplicate", SINGLE.id: "unsure"}
    (decision,) = new_decisions(QUESTIONS, answers, [], "ada")
    assert replace(decision, at="", tool="") == Decision(
        ("a" * 20, "b" * 20), "not_duplicate", "ada", "audit"
    )
    assert decision.at
    assert decision.tool


def test_what_is_decided_already_is_not_decided_again():
    answers = {PAIR.id: "duplicate", SINGLE.id: "keep"}
    first = list(new_decisions(QUESTIONS, answers, [], "ada"))
    assert len(first) == 2
    assert not list(new_decisions(QUESTIONS, answers, first, "ada"))
    changed = {**answers, SINGLE.id: "drop"}
    assert [each.choice for each in new_decisions(QUESTIONS, changed, first, "eve")] == ["drop"]


def test_the_result_counts_by_stratum_and_weighs_by_size():
    first, second = population(900, 100).values()
    asked = [*first[:10], *second[:10]]
    kept = [replace(QUESTION, id=f"kept {n}", verdict="keep", stratum="keep/x") for n in range(4)]
    answers = {question.id: "duplicate" for question in asked[:10]}
    answers |= {question.id: "not_duplicate" for question in asked[10:19]}
    answers |= {asked[19].id: "unsure", kept[0].id: "not_duplicate"}
    result = evaluate_answers([*asked, *kept], answers)
    assert (result.questions, result.answered, result.unsure) == (24, 20, 1)
    assert result.all.precision.estimate == pytest.approx(0.9)
    assert result.all.recall.high == 1.0
    by_name = {stratum.name: stratum for stratum in result.strata}
    assert (by_name["stratum 0"].yes, by_name["stratum 0"].no) == (10, 0)
    assert (by_name["stratum 1"].yes, by_name["stratum 1"].no) == (0, 9)
    assert by_name["stratum 1"].unsure == 1
    assert "| near_duplicate | 0.900 " in "\n".join(result_lines(result))


def test_without_near_limit_keeps_there_is_no_recall():
    (questions,) = population(5).values()
    assert evaluate_answers(questions, {}).all.recall is None
