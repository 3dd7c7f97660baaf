"""What `concepts propose` holds proposals to, as its options say."""

from dataclasses import replace

import pytest

from isekai_gen.prompts.imagenet_names import read_imagenet_names
from isekai_gen.proposals.parent_records import ParentChoice
from isekai_gen.stages.propose_engines import Sources, open_checks
from isekai_gen.stages.propose_request import LookRequest, ProposeRequest
from tests.proposals.check_entries import GOOD, fictional

# 37 tokens of the starter's own, which reads 32; of CLIP's there is room for far more.
WORDY = fictional(short="hedgehog of galvanized enameled ironwork with a porcelain kettle head")


@pytest.fixture
def codes(tmp_path):
    sources = Sources(ParentChoice((), ()), read_imagenet_names(), None)

    def found(proposal, **asked):
        check = open_checks(ProposeRequest(tmp_path / "a.yaml", **asked), sources)
        return [finding.code for finding in check(proposal, ())]

    return found


def test_a_look_draws_no_group_whose_prompts_its_model_would_cut(codes):
    assert codes(WORDY) == []
    assert codes(WORDY, look=LookRequest()) == ["prompt_too_long"]
    assert codes(GOOD, look=LookRequest()) == []


def test_a_group_that_is_refused_already_is_not_measured(codes):
    taken = replace(WORDY, fictional=replace(WORDY.fictional, name="porcupine"))
    assert codes(taken, look=LookRequest()) == ["name_in_imagenet"]
