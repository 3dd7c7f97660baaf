"""One planted fault, one finding; mended, none."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.prompts import shipped_catalog_path
from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.prompts.imagenet_names import read_imagenet_names
from isekai_gen.proposals.catalog_text import proposals_of
from isekai_gen.proposals.checks import CheckLimits, EntryChecks
from isekai_gen.proposals.checks_fields import MAX_LETTERS
from tests.proposals.check_entries import (
    GOOD,
    OTHER,
    embed_words,
    fictional,
    only,
    plain_checks,
    real,
)

CHECKS = EntryChecks(read_imagenet_names(), embed_words)
PORCUPINE = read_imagenet_names().definitions["n02346627"]


def test_a_good_group_has_no_finding():
    assert CHECKS.findings(GOOD) == CHECKS.findings(OTHER) == ()


@pytest.mark.parametrize(
    ("proposal", "code", "place", "said"),
    [
        (fictional(name="porcupine"), "name_in_imagenet", "fictional name", "n02346627 (porcup"),
        (fictional(name="telescoping"), "name_stem_in_imagenet", "fictional name", "'telescope'"),
        (fictional(name="octopous"), "name_near_imagenet", "fictional name", "1 letter away"),
        (
            fictional(name="striped jungle feline"),
            "name_means_class",
            "fictional name",
            "n02129604 (tiger",
        ),
        (fictional(name="a cactihog"), "article", "fictional name", "'a cactihog'"),
        (fictional(short="the hog"), "article", "fictional short", "'the hog'"),
        (fictional(short="{animal} with spines"), "placeholder", "fictional short", "'{'"),
        (fictional(name="../../etc/cactus"), "name_unusable", "fictional name", "has signs"),
        (real(name="C:hedgehog"), "name_unusable", "real name", "has signs"),
        (fictional(name="x" * 81), "text_too_long", "fictional name", "81 characters, at most 80"),
        (fictional(description="TODO"), "placeholder", "fictional description", "'TODO'"),
        (fictional(description=" "), "text_missing", "fictional description", "is empty"),
        (fictional(parents=("hedgehog",)), "one_parent", "fictional parents", "1 parent(s)"),
        (
            fictional(parents=("snail", "cactus")),
            "parents_without_counterpart",
            "fictional parents",
            "no parent of 'cactihog'",
        ),
        (
            fictional(description=f"{PORCUPINE} everywhere"),
            "description_of_class",
            "fictional description",
            "n02346627 (porcupine, hedgehog; ImageNet-1k): 'relatively large",
        ),
        (fictional(short="hog of Lego bricks"), "unsafe_words", "fictional short", "a brand"),
        (fictional(name="plumber hoggle"), "names_people", "fictional name", "'plumber'"),
        (fictional(name="image"), "label_breaks_metric", "fictional name", "answer sentence"),
        (fictional(name="hedgehogosaur"), "labels_break_metric", "fictional name", "'hedgehog'"),
        (real(wnids=("n00000001",)), "unknown_wnid", "real wnids", "n00000001 is no class"),
        (real(wnids=("n04398044",)), "wnids_of_other_things", "real wnids", "n04398044 (teapot"),
        (real(wnids=()), "wnids_missing", "real name", "n02346627"),
        (
            real(name="wooden hedgehogge", wnids=()),
            "counterpart_unknown",
            "real name",
            "no name of ImageNet-21k",
        ),
        (
            replace(GOOD, attributes={"setting": ("on [place]",)}),
            "placeholder",
            "fictional attributes",
            "'[place]'",
        ),
        (
            fictional(description="a round animal " + "with green spines " * 25),
            "prompt_too_long",
            "fictional description",
            "cut off: ",
        ),
    ],
)
def test_a_planted_fault_is_told_where_it_is(proposal, code, place, said):
    found = {one.code: one for one in CHECKS.findings(proposal)}
    assert code in found
    one = found[code]
    assert f"{one.part} {one.field}" == place
    assert said in one.message
    assert one.suggestion
    assert one.refuses == (code not in ("wnids_missing", "one_parent"))


def test_a_colliding_name_comes_with_names_that_are_free():
    found = only(CHECKS, fictional(name="porcupine"))
    free = re.findall(r"'([^']+)'", found.suggestion)
    assert len(free) == 3
    for name in free:
        assert CHECKS.findings(fictional(name=name)) == ()


def test_a_counterpart_outside_of_imagenet_is_advice_if_definitions_speak_of_it():
    cactus = fictional(real(name="cactus", wnids=()), name="spinehog", parents=("cactus", "hat"))
    found = only(plain_checks(), cactus)
    assert (found.code, found.refuses) == ("counterpart_unknown", False)
    unknown = fictional(real(cactus, name="tuktuk"), parents=("tuktuk", "hat"))
    assert only(plain_checks(), unknown).refuses
    vouching = EntryChecks(read_imagenet_names(), vouched=["tuktuk"])
    assert vouching.findings(unknown) == ()


def test_without_an_encoder_nothing_is_compared_by_meaning():
    assert plain_checks().findings(fictional(name="striped jungle feline")) == ()


def test_a_name_that_is_told_for_its_letters_is_not_told_again_for_its_meaning():
    assert [one.code for one in CHECKS.findings(fictional(name="tigers"))] == ["name_in_imagenet"]


def test_a_limit_can_be_moved():
    strict = CheckLimits(min_alike_definition=0.01)
    codes = {one.code for one in EntryChecks(read_imagenet_names(), None, strict).findings(GOOD)}
    assert codes == {"description_of_class"}


def test_the_shipped_catalog_has_no_finding():
    groups = proposals_of(load_catalog(shipped_catalog_path()))
    for place, group in enumerate(groups):
        assert plain_checks().findings(group, groups[:place]) == ()


@pytest.mark.parametrize("field", sorted(MAX_LETTERS))
def test_the_limits_of_lengths_are_those_of_the_catalog(field, tmp_path):
    text = shipped_catalog_path().read_text(encoding="utf-8")
    own = {"name": "name: cactihog", "short": "short: hedgehog with cactus spines"}[field]
    path = tmp_path / "catalog.yaml"
    path.write_text(text.replace(own, f"{field}: {'x' * MAX_LETTERS[field]}", 1))
    load_catalog(path)
    path.write_text(text.replace(own, f"{field}: {'x' * (MAX_LETTERS[field] + 1)}", 1))
    with pytest.raises(Exception, match="characters"):
        load_catalog(path)


TEXT = st.text(st.characters(codec="utf-8"), max_size=12)


@settings(max_examples=15, deadline=None)
@given(TEXT, TEXT, TEXT, st.lists(TEXT, max_size=2))
def test_any_texts_are_checked_without_an_error(name, short, description, parents):
    odd = fictional(name=name, short=short, description=description, parents=tuple(parents))
    for proposal in (odd, real(name=name, short=short, description=description, wnids=())):
        for found in (*CHECKS.findings(proposal, [GOOD]), *CHECKS.findings(GOOD, [proposal])):
            assert found.message
            assert found.suggestion
