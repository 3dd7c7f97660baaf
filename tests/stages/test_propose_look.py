"""Groups are drawn, and what they show decides: end to end on the starter models."""

from pathlib import Path

import pytest

from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.stages.propose import propose_catalog
from isekai_gen.stages.propose_request import LookRequest, ProposeRequest
from tests.small_jobs import Recorder
from tests.stages.curated_jobs import in_this_process
from tests.stages.test_propose import lines, tree

pytestmark = [pytest.mark.slow, pytest.mark.long]

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def looked(tmp_path_factory):
    """A request and what came of it: two groups that stand, one of them a hedgehog in disguise."""
    request = ProposeRequest(
        tmp_path_factory.mktemp("look") / "creatures.yaml",
        wanted=2,
        from_=("animals",),
        parents=HERE / "starter_parents.yaml",
        start=HERE / "planted.yaml",
        look=LookRequest(images_per_concept=4, rounds=6, num_inference_steps=8, devices=("cpu",)),
    )
    with in_this_process():
        return request, propose_catalog(request, Recorder())


def test_a_real_thing_under_a_fancy_name_is_seen_and_replaced(looked):
    request, outcome = looked
    names = [each.fictional.name for each in load_catalog(request.file).groups]
    assert outcome.missing == 0
    assert "zorbear" not in names
    # What is what it says keeps its place, and the new one has the place of the refused one.
    assert names.index("pinerocket") == 1
    assert outcome.accepted[0].origin["engine"] == "offline"
    assert len(outcome.accepted) + len(outcome.refused) == 3 + (outcome.looks - 2)


def test_what_was_seen_is_told_with_numbers_class_and_images(looked):
    request, outcome = looked
    refusal = outcome.refused[0]
    assert refusal.proposal.fictional.name == "zorbear"
    assert {finding.code for finding in refusal.findings} == {"look_overlap"}
    images = (request.folder / "look" / "round-00001" / "images" / "zorbear").glob("*.png")
    messages = " ".join(finding.message for finding in refusal.findings)
    assert "cannot be told from those of 'hedgehog'" in messages
    assert any(image.stem in messages for image in images)


def test_what_is_drawn_once_is_not_drawn_again(looked):
    request, outcome = looked
    drawn = [
        {folder.name for folder in root.iterdir()}
        for root in sorted((request.folder / "look").glob("round-*/images"))
    ]
    assert len(drawn) == outcome.looks >= 2
    assert "pinerocket" in drawn[0]
    assert all("pinerocket" not in later for later in drawn[1:])


def test_a_second_run_looks_at_nothing_again(looked):
    request, outcome = looked
    before = tree(request.file.parent)
    again = propose_catalog(request)
    assert not again.worked
    assert again.accepted == outcome.accepted
    assert tree(request.file.parent) == before
    assert [row["kind"] for row in lines(request.folder, "rounds.jsonl")].count("looked") >= 2
