"""Entries of a model as proposals, and what a plan is told."""

from __future__ import annotations

import dataclasses

import pytest

from isekai_gen.prompts.imagenet_names import read_imagenet_names
from isekai_gen.proposals.llm_answers import PlannedSlot, WrittenEntry
from isekai_gen.proposals.llm_entries import EntryRules, SlateNames, classes_of, to_proposal
from isekai_gen.proposals.llm_prompts import MAX_TOLD_REFUSALS, Brief, plan_text
from isekai_gen.proposals.llm_settings import LlmWishes
from isekai_gen.proposals.records import Finding, Refusal, Slate
from tests.proposals.llm_inventor import planned, word, written


def slot(number=1):
    return PlannedSlot.model_validate(planned(number))


def entry(number=1, **fictional):
    raw = written(1, number)
    raw["fictional"] |= fictional
    return WrittenEntry.model_validate(raw)


def proposal(number=1, **fictional):
    return to_proposal(entry(number, **fictional), slot(number), read_imagenet_names(), {})


def refusal(number, field="name", part="fictional"):
    finding = Finding("code", part, field, f"fault {number}", f"remedy {number}")
    return Refusal(proposal(number), (finding,))


def reasons(entry, slate, avoid=()):
    refused = [each.proposal for each in slate.refused]
    rules = EntryRules(read_imagenet_names(), avoid, {1: slot()}, SlateNames.of(slate), refused)
    return list(rules.reasons(entry))


@pytest.mark.parametrize(
    ("name", "about", "wnid"),
    [
        ("hedgehog", "a small animal", "n02346627"),
        ("crane", "a large wading bird of marshes with long legs", "n02012849"),
        ("crane", "a machine that lifts heavy objects", "n03126707"),
    ],
)
def test_the_class_that_is_spoken_of_is_chosen(name, about, wnid):
    assert classes_of(read_imagenet_names(), name, about) == (wnid,)


def test_what_no_class_is_called_has_no_wnid():
    assert classes_of(read_imagenet_names(), "cactihog", "a cactus hedgehog") == ()


@pytest.mark.parametrize("name", [f"{word(7)}zor", f"{word(7)}zors".upper(), f"{word(7)}bod"])
def test_a_name_on_the_slate_is_taken_in_any_spelling(name):
    slate = Slate(3, (proposal(7),))
    (reason,) = reasons(entry(1, name=name), slate)
    assert f"the name {name!r} is taken" in reason
    assert reasons(entry(1), slate) == []


def test_names_refused_as_names_are_gone_and_others_may_be_mended():
    assert reasons(entry(7), Slate(3, refused=(refusal(7, "description"),))) == []
    assert reasons(entry(7), Slate(3, refused=(refusal(7, "name", "real"),))) == []
    (reason,) = reasons(entry(7), Slate(3, refused=(refusal(7),)))
    assert "was refused before" in reason


def test_an_entry_that_was_refused_does_not_come_back_as_it_was():
    rules = EntryRules(read_imagenet_names(), (), {}, SlateNames(), [proposal(7)])
    assert rules.is_refused(dataclasses.replace(proposal(7), origin={"engine": "another"}))
    assert not rules.is_refused(proposal(7, description="Quite another look."))


def test_a_thing_called_like_its_look_alike_is_no_thing_of_its_own():
    (reason,) = reasons(entry(1, name=f"{word(1)}bods"), Slate(1))
    assert "both called" in reason


def test_a_name_without_letters_makes_no_folder():
    (reason,) = reasons(entry(1, name="山"), Slate(1))
    assert "no ASCII letter" in reason


def test_what_is_avoided_is_found_in_singular_and_plural():
    woven = entry(1, description="A body with the webs of wolf spiders.")
    (reason,) = reasons(woven, Slate(1), ("Wolf spider",))
    assert "is to be avoided" in reason
    assert reasons(entry(1), Slate(1), ("wolf spider",)) == []


def test_what_is_of_an_avoided_kind_is_avoided():
    hairy = entry(1, parents=["tarantula", "kettle"])
    (reason,) = reasons(hairy, Slate(1), ("spiders",))
    assert "'spiders', which is to be avoided" in reason
    assert reasons(hairy, Slate(1), ("birds",)) == []


def test_a_finding_that_refuses_nothing_leaves_the_name_free():
    told = Finding("code", "fictional", "name", "long", "shorten it", refuses=False)
    refused = refusal(7, "description")
    refused = dataclasses.replace(refused, findings=(*refused.findings, told))
    assert reasons(entry(7), Slate(3, refused=(refused,))) == []


def test_a_plan_is_told_every_finding_that_a_round_can_bring():
    slate = Slate(99, refused=tuple(refusal(number) for number in range(MAX_TOLD_REFUSALS + 2)))
    told = plan_text(Brief(slate, LlmWishes(), 5), {})
    assert "fault 1 " not in told
    assert f'Refused before: "{word(0)}zor", "{word(1)}zor".' in told
    assert all(
        f"fault {number} (remedy {number})" in told for number in range(2, MAX_TOLD_REFUSALS + 2)
    )


def test_a_plan_is_told_what_is_used_how_often():
    slate = Slate(9, (proposal(1), proposal(2, parents=[f"body {word(1)}", "kettle"])))
    told = plan_text(Brief(slate, LlmWishes(), 5), {})
    assert 'prefer others: "things of the test" 2.' in told
    assert f'prefer others: "body {word(1)}" 2, "kettle" 1, "lender {word(1)}" 1.' in told


def test_evidence_is_told_in_one_line_of_bounded_length():
    finding = Finding("look", "real", "name", "its\nimages " + "x" * 900, "replace it")
    told = plan_text(
        Brief(Slate(1, refused=(Refusal(proposal(), (finding,)),)), LlmWishes(), 1), {}
    )
    assert "its real name: its images xxx" in told
    assert "x" * 401 not in told
