"""How many images a round adds, that rounds end, and what they write down."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.errors import ChecksumError
from isekai_gen.filters.duplicates import DuplicateRequest, TierPairs, decide_duplicates
from isekai_gen.neighbors.pairs import PairList
from isekai_gen.stages.topup_rounds import Aim, RoundLog
from isekai_gen.workspace import Workspace


@st.composite
def aims(draw):
    kept = draw(st.integers(1, 30))
    first = draw(st.integers(kept, 40))
    return Aim(kept, first, draw(st.integers(first, 120)))


@st.composite
def standings(draw):
    """An aim, and images kept and planned of a concept in some round of it."""
    aim = draw(aims())
    planned = draw(st.integers(aim.first, aim.budget))
    return aim, draw(st.integers(0, planned)), planned


def test_a_concept_that_keeps_half_of_its_images_gets_twice_the_missing():
    assert Aim(kept=20, first=20, budget=80).images_to_add(kept=10, planned=20) == 20
    assert Aim(kept=20, first=20, budget=80).images_to_add(kept=15, planned=30) == 10


def test_a_part_of_an_image_is_rounded_up():
    assert Aim(kept=4, first=4, budget=80).images_to_add(kept=3, planned=4) == 2


def test_a_concept_that_keeps_nothing_is_doubled():
    assert Aim(kept=4, first=4, budget=80).images_to_add(kept=0, planned=12) == 12


def test_a_poor_first_yield_at_most_doubles_a_concept():
    assert Aim(kept=20, first=20, budget=800).images_to_add(kept=1, planned=20) == 20


def test_the_budget_is_never_exceeded():
    assert Aim(kept=20, first=20, budget=23).images_to_add(kept=1, planned=20) == 3
    assert Aim(kept=20, first=20, budget=23).images_to_add(kept=1, planned=23) == 0
    assert Aim(kept=20, first=20, budget=23).images_to_add(kept=1, planned=50) == 0


@given(standings())
def test_a_round_adds_between_what_is_missing_and_what_there_is(standing):
    aim, kept, planned = standing
    added = aim.images_to_add(kept, planned)
    left = aim.budget - planned
    if kept >= aim.kept:
        assert added == 0
    else:
        assert min(aim.kept - kept, left) <= added <= min(planned, left)
        # As many as the yield lets expect, unless a bound says otherwise.
        if added not in (planned, left):
            assert added * kept >= (aim.kept - kept) * planned > (added - 1) * kept


@given(aims(), st.data())
def test_rounds_end_whatever_is_kept_from_round_to_round(aim, data):
    planned, rounds = aim.first, 0
    while True:
        kept = data.draw(st.integers(0, planned))  # may fall: see the next test
        added = aim.images_to_add(kept, planned)
        if not added:
            break
        planned += added
        rounds += 1
    assert kept >= aim.kept or planned == aim.budget
    assert planned <= aim.budget
    assert rounds <= aim.budget - aim.first


def kept_of(priority):
    """Which of rows 0 (new), 1, 2 and 3 stay; the new one is like all others."""
    alike = PairList(np.zeros(3, int), np.arange(1, 4), np.full(3, 0.99, dtype=np.float32))
    tier = TierPairs("semantic", alike, max_similarity=0.95, review_similarity=0.9)
    there = np.array(priority)
    absent = np.setdiff1d(np.arange(4), there)
    request = DuplicateRequest(
        count=4, priority=np.array([*priority, *absent]), tiers=(tier,), absent=absent
    )
    return np.flatnonzero(decide_duplicates(request).kept).tolist()


def test_a_new_image_can_make_several_kept_ones_be_dropped():
    assert kept_of([1, 2, 3]) == [1, 2, 3]
    assert kept_of([0, 1, 2, 3]) == [0]


AIM = Aim(kept=3, first=3, budget=12)


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan/part-00000.jsonl").write_text("the first part\n")
    return Workspace(tmp_path)


def log_of(workspace, new_plan=False):
    return RoundLog(workspace, new_plan=new_plan)


def test_a_round_that_was_begun_is_known_and_goes_on(workspace):
    log_of(workspace).open_round(AIM, {"a": 5, "b": 4})
    again = log_of(workspace)
    assert (again.intended("a", AIM), again.intended("c", AIM)) == (5, 0)
    assert again.open_round(AIM, {"b": 4}).number == 1  # "a" was planned before the kill
    assert again.open_round(AIM, {"b": 6}).number == 2
    assert [entry.counts for entry in log_of(workspace).rounds] == [{"a": 5, "b": 4}, {"b": 6}]


def test_a_round_with_another_aim_is_not_taken_up_again(workspace):
    log_of(workspace).open_round(Aim(kept=100, first=100, budget=400), {"a": 100})
    again = log_of(workspace)
    assert again.intended("a", AIM) == 0
    assert again.rounds_of("a", planned=3) == 0


def test_a_smaller_budget_also_holds_for_a_round_that_was_begun(workspace):
    log_of(workspace).open_round(AIM, {"a": 12})
    assert log_of(workspace).intended("a", Aim(kept=3, first=3, budget=7)) == 7


def test_the_first_round_begins_a_plan_that_it_is_then_known_to_belong_to(tmp_path):
    workspace = Workspace(tmp_path)
    log = log_of(workspace)
    log.open_round(AIM, {"a": 3})
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan/part-00000.jsonl").write_text("what it planned\n")
    assert [entry.plan for entry in log_of(workspace).rounds] == [""]
    log.open_round(AIM, {"a": 5})
    assert len(log_of(workspace).rounds) == 2


def test_rounds_of_a_plan_that_was_replaced_are_not_taken_up(workspace):
    log_of(workspace).open_round(AIM, {"a": 5})
    workspace.part("plan", 0).write_text("another plan\n")
    assert log_of(workspace).rounds == []


def test_a_plan_to_be_replaced_begins_a_new_log(workspace):
    log_of(workspace).open_round(AIM, {"a": 5})
    log = log_of(workspace, new_plan=True)
    assert log.rounds == []
    assert log.open_round(AIM, {"a": 3}).plan == ""


@pytest.mark.parametrize(
    "line",
    [
        '{"counts": {}, "kept": 0, "number": 1, "plan": "", "schema": 1}',
        '{"counts": {"a": "5"}, "kept": 3, "number": 1, "plan": "", "schema": 1}',
        '{"counts": [], "kept": 3, "number": 1, "plan": "", "schema": 1, "more": 1}',
        '{"counts": {}, "kept": 3, "number": 1, "plan": "", "schema": 2}',
        "no json",
    ],
)
def test_a_damaged_log_is_said_with_its_line(workspace, line):
    workspace.reports.mkdir()
    (workspace.reports / "topup.jsonl").write_text(line + "\n")
    with pytest.raises(ChecksumError, match=r"topup\.jsonl:1: "):
        log_of(workspace)
