"""The loop with a language model: its engine over HTTP, fed back what checks refuse."""

import json
from dataclasses import replace

import pytest

from isekai_gen.errors import ModelError, StaleShardError
from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.proposals.llm_settings import LlmLimits
from isekai_gen.proposals.parent_records import ParentChoice
from isekai_gen.proposals.records import Finding
from isekai_gen.stages.propose import Makers, propose_catalog
from isekai_gen.stages.propose_engines import LazyTexts, Sources
from isekai_gen.stages.propose_request import LlmRequest, ProposeRequest
from tests.evaluation.chat_server import Response, serving
from tests.proposals.llm_inventor import invent
from tests.proposals.llm_job import QUICK
from tests.stages.test_propose import tree


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    monkeypatch.delenv("ISEKAI_GEN_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


class FirstIsBad:
    """Refuses the first name that it ever sees."""

    def __init__(self):
        self.bad = None

    def __call__(self, proposal, others):
        self.bad = self.bad or proposal.fictional.name
        if proposal.fictional.name != self.bad:
            return []
        return [Finding("bad_name", "fictional", "name", f"{self.bad!r} is bad", "another")]


def propose(file, server, max_calls=50):
    limits = LlmLimits(max_calls=max_calls, chat=QUICK)
    address = f"openai:{server.base_url}#inventor"
    request = ProposeRequest(file, wanted=4, llm=LlmRequest(address, limits))
    check = FirstIsBad()
    makers = Makers(
        sources=lambda _, imagenet: Sources(ParentChoice((), ()), imagenet, LazyTexts("starter")),
        check=lambda *_: check,
    )
    return propose_catalog(request, makers=makers)


def test_a_refused_entry_is_told_to_the_model_and_replaced(tmp_path):
    with serving(invent) as server:
        outcome = propose(tmp_path / "creatures.yaml", server)
    assert len(load_catalog(tmp_path / "creatures.yaml").groups) == 4
    assert outcome.reasons == {"bad_name": 1}
    assert outcome.spent["sent"] == len(server.received)
    bad = outcome.refused[0].proposal.fictional.name
    told = [json.dumps(received.body) for received in server.received]
    assert any(f"'{bad}' is bad" in text for text in told)


def test_a_budget_that_is_spent_ends_the_run_and_a_larger_one_goes_on(tmp_path):
    file = tmp_path / "creatures.yaml"
    with serving(invent) as server:
        short = propose(file, server, max_calls=2)
        assert len(server.received) <= 2
        assert short.missing > 0
        assert short.stopped
        whole = propose(file, server)
        assert whole.missing == 0
        before = tree(tmp_path)
        asked = len(server.received)
        assert not propose(file, server).worked
        assert len(server.received) == asked
    assert tree(tmp_path) == before


def test_a_server_that_never_answered_may_be_exchanged_and_one_that_did_may_not(tmp_path):
    file = tmp_path / "creatures.yaml"
    with serving(lambda _: Response(status=404)) as wrong, serving(invent) as server:
        with pytest.raises(ModelError, match="404"):
            propose(file, wrong)
        assert propose(file, server).missing == 0
        with pytest.raises(StaleShardError, match=r"\(--llm was '[^']*', now '[^']*'\); repeat"):
            propose(file, wrong)


def test_fields_that_are_left_out_belong_to_what_the_result_depends_on(tmp_path):
    chat = replace(QUICK, seed=None)
    without = LlmRequest("openai:http://127.0.0.1:1#m", LlmLimits(chat=chat))
    assert without.identity()["leave-out"] == ["seed"]
