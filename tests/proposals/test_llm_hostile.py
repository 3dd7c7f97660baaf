"""Whatever a model answers: nothing breaks, and only whole, new entries are proposed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.proposals.records import Slate
from tests.evaluation.chat_server import answered, serving
from tests.proposals.llm_inventor import Script, entries_answer, plan_answer, written
from tests.proposals.llm_job import engine_of

NUMBERS = st.integers(0, 6)
ENTRIES = st.builds(written, st.integers(-1, 7), NUMBERS)
ANSWERS = st.one_of(
    st.lists(NUMBERS, min_size=1, max_size=6).map(lambda numbers: plan_answer(*numbers)),
    st.lists(ENTRIES, min_size=1, max_size=5).map(lambda entries: entries_answer(*entries)),
    st.dictionaries(
        st.sampled_from(["slots", "entries"]),
        st.lists(ENTRIES | st.none() | st.text() | st.floats(allow_nan=False)),
    ).map(json.dumps),
    st.text(),
)


@pytest.fixture(scope="module")
def server():
    with serving(Script()) as running:
        yield running


@settings(max_examples=8, deadline=None)
@given(answers=st.lists(ANSWERS, max_size=6), wanted=st.integers(1, 4))
def test_only_new_entries_are_proposed_whatever_is_answered(
    server, tmp_path_factory, answers, wanted
):
    folder = tmp_path_factory.mktemp("run")
    # A plan comes first, or most examples would end before any entry is read.
    server.answering = Script(None, *(answered(text) for text in answers))
    engine = engine_of(server, folder, max_calls=6, groups_per_round=3, groups_per_call=2)
    first = engine.propose(Slate(wanted))
    slate = Slate(wanted + 1, tuple(first))
    second = engine.propose(slate)
    assert len(first) <= wanted
    assert len(second) <= slate.missing
    names = [
        name.casefold()
        for proposal in (*first, *second)
        for name in (proposal.fictional.name, proposal.real.name)
    ]
    assert len(set(names)) == len(names)
    assert engine.totals.sent <= 6
