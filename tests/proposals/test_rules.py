"""Which pairs the rules suit, and what they say of them."""

import re
from dataclasses import replace

import pytest
from invented_parents import parent, some_choice, some_parents

from isekai_gen.proposals.candidates import CandidateSpace
from isekai_gen.proposals.commonness import count_of_tokens
from isekai_gen.proposals.parent_records import ParentChoice
from isekai_gen.proposals.rules import RULES, are_kin
from isekai_gen.proposals.wording import MAX_TOKENS, joined, lent_noun, noun_of, with_article
from isekai_gen.proposals.wording_scenes import attributes_of
from isekai_gen.proposals.wording_sentences import (
    Combination,
    description_of,
    real_description_of,
    short_of,
)

RULE = {rule.name: rule for rule in RULES}


def made(rule, body, lender, variant=0):
    return Combination(RULE[rule], parent(body), parent(lender), variant)


@pytest.fixture(scope="module")
def candidates():
    space = CandidateSpace(some_choice(), 0)
    return [one for place in range(6000) if (one := space.at(place)) is not None]


def test_a_hedgehog_may_wear_the_spines_of_a_cactus():
    combination = made("surface", "hedgehog", "cactus")
    assert combination.rule.suits(combination.body, combination.lender)
    assert short_of(combination) == "hedgehog with cactus spines"
    assert description_of(combination) == (
        "a hedgehog with a small round body, covered in ribbed green skin and long white spines "
        "like a cactus. It has a pointed snout and black button eyes"
    )


def test_an_animal_wears_a_thing_as_its_whole_head():
    combination = made("head", "sheep", "lamp")
    assert short_of(combination) == "sheep with a lamp head"
    assert "Its head is a lamp, with a pleated glowing lampshade" in description_of(combination)


def test_two_parts_of_one_lender_name_it_once():
    assert short_of(made("head-limbs", "strawberry", "peacock")) == (
        "strawberry with a peacock face and feathers"
    )


def test_two_of_one_domain_are_no_new_thing():
    assert not any(rule.suits(parent("elephant"), parent("zebra")) for rule in RULES)


def test_a_thing_and_its_kind_are_no_pair():
    owl, bird = parent("owl"), replace(parent("penguin"), key="own:99", name="bird")
    assert are_kin(replace(owl, kinds=("bird of prey", "bird")), bird)
    assert not are_kin(owl, parent("teapot"))


def test_what_the_body_has_already_is_not_lent():
    zebra = parent("zebra")
    twin = replace(
        parent("owl"), traits=replace(parent("owl").traits, surface=zebra.traits.surface)
    )
    assert RULE["surface"].suits(parent("owl"), zebra)
    assert not RULE["surface"].suits(twin, zebra)


def test_a_made_thing_of_a_usual_material_is_nothing_new():
    waffle, icy = parent("waffle"), parent("iceberg")
    assert RULE["material-head"].suits(parent("teapot"), icy)
    wooden = replace(waffle, traits=replace(icy.traits, material=("dark wood",)))
    assert not RULE["material-head"].suits(parent("teapot"), wooden)


def test_nothing_stands_on_a_handle():
    assert not RULE["limbs"].suits(parent("frog"), parent("umbrella"))
    assert RULE["limbs"].suits(parent("frog"), parent("bicycle"))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_suits_some_pair(candidates, rule):
    assert any(one.made.rule is rule for one in candidates)


def test_every_description_is_two_sentences_of_few_tokens_without_slips(candidates):
    for one in candidates:
        for text in (one.description, real_description_of(one.made.body)):
            assert count_of_tokens(text) <= MAX_TOKENS
            assert text.count(". ") <= 1
            assert not text.endswith(".")
            assert not re.search(
                r"\ba [aeio]|\ban [^aeiou]|(\b\w+\b) \1\b|  | ,|,,|\band and\b", text
            )
            assert text.startswith(("a ", "an "))


def test_every_short_is_a_few_words_without_an_article(candidates):
    for one in candidates:
        assert len(one.short.split()) <= 14
        assert not re.match(r"(a|an|the)\s", one.short)
        assert one.made.body.name in one.short
        assert one.made.lender.name in one.short


def test_the_counterpart_is_described_without_the_lender(candidates):
    for one in candidates:
        assert "like" not in real_description_of(one.made.body).replace("horse-like", "").split()


def test_settings_are_many_and_shared(candidates):
    for one in candidates:
        settings = attributes_of(one.made)["setting"]
        assert len(set(settings)) == len(settings) >= 4


def test_fish_out_of_water_are_only_drawn_where_a_rule_says_so():
    assert all(
        "desert" not in place
        for place in attributes_of(made("surface", "octopus", "cactus"))["setting"]
    )
    at_home = attributes_of(made("habitat-limbs", "teapot", "octopus"))["setting"]
    assert "over a rocky reef" in at_home
    assert "on a kitchen table" not in at_home


def test_a_candidate_is_found_by_its_index_alone():
    space = CandidateSpace(some_choice(), 3)
    found = [one for place in range(300) if (one := space.at(place)) is not None]
    assert found
    assert all(CandidateSpace(some_choice(), 9).of_index(one.index) == one for one in found)


def test_places_are_all_candidates_once():
    few = ParentChoice(some_parents()[:3], some_parents()[14:18])
    one, other = CandidateSpace(few, 0), CandidateSpace(few, 1)
    orders = [[c.index for p in range(s.size) if (c := s.at(p))] for s in (one, other)]
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])
    assert len(set(orders[0])) == len(orders[0])


def test_an_index_outside_of_the_space_is_a_wrong_call():
    space = CandidateSpace(some_choice(), 0)
    with pytest.raises(ValueError, match="index must be in"):
        space.of_index(space.size)


@pytest.mark.parametrize(
    ("phrase", "noun"),
    [
        ("four short legs with small claws", "legs"),
        ("short brown and cream quills", "quills"),
        ("a long curling trunk and wide ears", "trunk"),
        ("a coat of short quills", "quills"),
        ("dozens of soft waving tentacles", "tentacles"),
        ("rounded fins edged in black", "fins"),
        ("two stiff flippers and webbed feet", "flippers"),
        ("a black mask across the eyes and a pointed nose", "mask"),
    ],
)
def test_the_noun_of_a_phrase(phrase, noun):
    assert noun_of(phrase) == noun


def test_a_single_part_has_an_article_and_its_own_lender_only_once():
    assert lent_noun("a pointed snout", "elephant") == "an elephant snout"
    assert lent_noun("two curved horns", "ox") == "ox horns"
    assert lent_noun("a round clock face", "clock") == "a clock face"


@pytest.mark.parametrize(
    ("noun", "counted"),
    [
        ("owl", "an owl"),
        ("silver red scissors", "a pair of silver red scissors"),
        ("corn", "an ear of corn"),
        ("bread", "a loaf of bread"),
        ("cactus", "a cactus"),
        ("octopus", "an octopus"),
    ],
)
def test_what_has_no_singular_is_counted_by_its_measure(noun, counted):
    assert with_article(noun) == counted


def test_lists_need_a_comma_where_a_part_has_its_own_and():
    assert joined("a beak", "two wings") == "a beak and two wings"
    assert joined("a beak and a crest", "two wings") == "a beak and a crest, and two wings"
    assert joined("", "two wings") == "two wings"
