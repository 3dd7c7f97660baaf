"""Traits: each phrase can stand where every other of its kind stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.proposals.traits import TRAIT_FORMS, TRAIT_NAMES, Traits, trait_fault

_PLURALS = {"antennae", "feet", "teeth"}


@pytest.fixture(scope="module")
def shipped_phrases(real_parents):
    return [
        (parent.name, trait, phrase)
        for parent in real_parents
        for trait in TRAIT_NAMES
        for phrase in parent.traits.of(trait)
    ]


def test_every_shipped_phrase_fits_its_place(shipped_phrases):
    faults = [
        (name, trait, phrase, fault)
        for name, trait, phrase in shipped_phrases
        if (fault := trait_fault(trait, phrase))
    ]
    assert faults == []


def test_limbs_are_one_or_many(shipped_phrases):
    """ "with four legs", never "with leg"."""
    for name, trait, phrase in shipped_phrases:
        if trait == "limbs":
            first, *rest = phrase.split()
            one = {"a", "an", "the", "one"}
            assert rest, (name, phrase)
            if first not in one:
                words = phrase.replace(",", " ").split()
                assert any(word.endswith("s") or word in _PLURALS for word in words), (name, phrase)


def test_every_trait_has_a_form_in_the_order_of_the_fields():
    assert tuple(TRAIT_FORMS) == TRAIT_NAMES == tuple(Traits.__dataclass_fields__)


@pytest.mark.parametrize(
    ("trait", "phrase", "told"),
    [
        ("surface", "Short quills", "capital"),
        ("surface", "short quills.", "punctuation"),
        ("surface", "a coat of quills", "article"),
        ("surface", "short short quills", "twice"),
        ("material", "the finest wood", "article"),
        ("build", "round body", "lacks the article"),
        ("habitat", "desert sand", "preposition"),
        ("colors", "very deep dark blue", "at most 3"),
        ("limbs", "four legs " + "and feet " * 7, "at most 14"),
        ("head", "a snout; a mouth", "lower-case"),
        ("head", "a café", "ASCII"),
    ],
)
def test_a_phrase_that_would_not_fit_is_told(trait, phrase, told):
    fault = trait_fault(trait, phrase.strip())
    assert fault is not None
    assert told in fault


@given(st.sampled_from(TRAIT_NAMES), st.text(min_size=1, max_size=40))
def test_what_is_found_well_formed_is_plain_lower_case(trait, phrase):
    if trait_fault(trait, phrase) is None:
        assert phrase.isascii()
        assert phrase == phrase.lower() == phrase.strip()
        assert "\n" not in phrase


def test_an_unknown_trait_is_an_error():
    with pytest.raises(KeyError):
        Traits().of("smell")
    assert Traits().is_empty
    assert not Traits(colors=("red",)).is_empty
