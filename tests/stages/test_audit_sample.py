"""The sample asks evenly about all strata."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.errors import InputError
from isekai_gen.stages.audit_records import AuditQuestion
from isekai_gen.stages.audit_sample import draw_questions, even_shares, read_sample, write_sample
from isekai_gen.workspace import Workspace

QUESTION = AuditQuestion(
    id="0" * 16,
    ask="duplicate",
    question="Are these two pictures duplicates of each other?",
    verdict="drop",
    images=("a" * 20, "b" * 20),
    paths=("images/one/a.png", "images/one/b.png"),
    filter="near_duplicate",
    tier="semantic",
    reason="similar_to_kept",
    measured=0.97,
    limit=0.95,
    reference="",
    stratum="drop/near_duplicate/semantic",
    stratum_size=1,
)


def population(*sizes):
    return {
        f"stratum {s}": [
            replace(QUESTION, id=f"{s:08d}{n:08d}", stratum=f"stratum {s}", stratum_size=size)
            for n in range(size)
        ]
        for s, size in enumerate(sizes)
    }


@given(sizes=st.lists(st.integers(0, 50), max_size=8), number=st.integers(0, 200))
def test_shares_are_as_even_as_the_sizes_allow(sizes, number):
    shares = even_shares(sizes, number)
    assert sum(shares) == min(number, sum(sizes))
    assert all(0 <= share <= size for share, size in zip(shares, sizes, strict=True))
    # Whoever got less than another was emptied, but for one that did not divide evenly.
    for share, size in zip(shares, sizes, strict=True):
        if share < size:
            assert share >= max(shares) - 1


def test_a_sample_follows_from_its_seed_and_mixes_the_strata():
    strata = population(400, 30, 5)
    drawn = draw_questions(strata, 100, seed=1)
    assert drawn == draw_questions(dict(reversed(strata.items())), 100, seed=1)
    assert drawn != draw_questions(strata, 100, seed=2)
    assert {name: sum(q.stratum == name for q in drawn) for name in strata} == {
        "stratum 0": 65,
        "stratum 1": 30,
        "stratum 2": 5,
    }
    assert [question.id for question in drawn] == sorted(question.id for question in drawn)


def test_fewer_questions_than_strata_are_refused():
    with pytest.raises(InputError, match="too few for 3 strata"):
        draw_questions(population(4, 4, 4), 2, seed=0)


def test_a_sample_comes_back_as_it_was_written(tmp_path):
    workspace = Workspace(tmp_path)
    questions = draw_questions(population(3, 3), 6, seed=0)
    write_sample(workspace, questions)
    assert read_sample(workspace) == questions


def test_without_a_sample_there_is_nothing_to_answer(tmp_path):
    with pytest.raises(InputError, match="draw them with `isekai-gen audit`"):
        read_sample(Workspace(tmp_path))
