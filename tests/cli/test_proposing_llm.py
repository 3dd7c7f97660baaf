"""`concepts propose --llm` from the command line, against a scripted server."""

from __future__ import annotations

import json

import pytest

from isekai_gen.prompts.catalog import load_catalog
from tests.evaluation.chat_server import answered, serving
from tests.proposals.llm_inventor import Script, plan_answer
from tests.small_jobs import call


def entry(slot, name, body, lender, look, real_look):
    return {
        "slot": slot,
        "fictional": {
            "name": name,
            "short": f"{body} with {lender} skin",
            "description": look,
            "parents": [body, lender],
        },
        "real": {"name": body, "short": body, "description": real_look},
        "poses": ["seen from the side", "seen from the front"],
        "settings": ["on wet sand", "on short grass", "on a gray floor"],
    }


HEDGEHOG = (
    "hedgehog",
    "pineapple",
    "A round short-legged animal under a shell of golden diamond scales, a tuft of stiff green "
    "leaves behind its ears.",
    "A small animal with a pointed snout and a coat of brown and cream spines.",
)
LOBSTER = (
    "lobster",
    "accordion",
    "Two huge claws of folded red paper bellows, a keyboard of ivory keys along the jointed tail.",
    "Dark blue crustacean, ten legs, long feelers and two heavy claws on the sea floor.",
)


@pytest.mark.slow
def test_a_real_name_is_fed_back_and_replaced_and_the_catalog_is_whole(tmp_path):
    first = {"entries": [entry(1, "otter", *HEDGEHOG), entry(2, "lobsordion", *LOBSTER)]}
    second = {"entries": [entry(1, "hedgapple", *HEDGEHOG)]}
    answers = (plan_answer(1, 2), json.dumps(first), plan_answer(1), json.dumps(second))
    path = tmp_path / "c.yaml"
    with serving(Script(*(answered(text) for text in answers))) as server:
        asked = ("concepts", "propose", path, "--n", 2, "--llm", f"openai:{server.base_url}#m")
        said = call(*asked, "--leave-out", "seed", "--max-calls", 4)
        again = call(*asked, "--leave-out", "seed", "--max-calls", 4)
    assert {group.fictional.name for group in load_catalog(path).groups} == {
        "hedgapple",
        "lobsordion",
    }
    assert load_catalog(path).concept("hedgehog").wnids == ("n02346627",)
    told = server.received[2].body["messages"][-1]["content"]
    assert "'otter' is the name of something real in ImageNet" in told
    assert len(server.received) == 4
    assert all("seed" not in received.body for received in server.received)
    assert "4 calls of 4" in said.stdout
    assert again.exit_code == 0
