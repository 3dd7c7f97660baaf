"""Constraints: the user's words choose parents, or are told to choose none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.errors import InputError
from isekai_gen.proposals.constraints import choose_parents
from isekai_gen.proposals.domains import DOMAINS, domains_of


@pytest.fixture(scope="module")
def parents(real_parents):
    return real_parents


def names(chosen):
    return {parent.name for parent in chosen}


def test_animals_with_household_objects_but_no_spiders(parents):
    choice = choose_parents(parents, ["animals"], ["household-objects"], ["spiders"])
    assert {domains_of(parent.domain)[-1] for parent in choice.bodies} == {"animals"}
    assert {domains_of(parent.domain)[-1] for parent in choice.lenders} == {"household-objects"}
    assert {"hedgehog", "owl", "octopus", "bee"} <= names(choice.bodies)
    assert {"vacuum cleaner", "teapot", "armchair"} <= names(choice.lenders)
    assert not {"spider", "tarantula"} & names(choice.bodies)


def test_without_a_word_all_parents_play_both_roles(parents):
    choice = choose_parents(parents)
    assert choice.bodies == choice.lenders == tuple(parents)


@pytest.mark.parametrize(
    ("word", "among", "not_among"),
    [
        ("birds", "owl, penguin, chickadee", "bat, butterfly"),
        ("bird", "owl, penguin", "bat"),
        ("Snakes", "snake, cobra, rattlesnake", "eel, lizard"),
        ("sharks", "shark, hammerhead", "ray"),
        ("flowers", "rose, sunflower", "cactus, oak"),
        ("household objects", "teapot, armchair, broom", "piano, hammer"),
        ("musical instruments", "violin, harp", "hammer"),
        ("mice", "mouse", "computer mouse"),
        ("vacuum", "vacuum cleaner", "broom"),
        ("computer mouse", "computer mouse", "mouse"),
        ("pail", "bucket", "basket"),
        ("porcupine", "porcupine", "cat"),
        ("fungus", "mushroom, morel", "moss cushion"),
    ],
)
def test_a_word_chooses_a_domain_a_kind_or_a_name(parents, word, among, not_among):
    found = names(choose_parents(parents, from_=[word]).bodies)
    assert set(among.split(", ")) <= found
    assert not set(not_among.split(", ")) & found


def test_several_words_choose_all_that_any_of_them_chooses(parents):
    found = names(choose_parents(parents, from_=["owls", "toys"]).bodies)
    assert {"owl", "teddy bear"} <= found
    assert "eagle" not in found


@pytest.mark.parametrize("option", ["--from", "--with", "--avoid"])
def test_a_word_that_matches_nothing_is_told_with_what_is_close_and_what_there_is(parents, option):
    role = {"--from": "from_", "--with": "with_", "--avoid": "avoid"}[option]
    with pytest.raises(InputError) as told:
        choose_parents(parents, **{role: ["spidrs"]})
    message = str(told.value)
    assert message.startswith(f"{option} 'spidrs' matches no")
    assert "spider" in message.split("closest: ")[1].split(";")[0]
    assert all(domain in message for domain in DOMAINS)
    assert "\n" not in message


@pytest.mark.parametrize("word", ["people", "nurses", "dragons", "", "!!", "x" * 100_000])
def test_what_is_no_parent_is_refused(parents, word):
    with pytest.raises(InputError, match="matches no") as told:
        choose_parents(parents, from_=[word])
    assert len(str(told.value)) < 1000


def test_avoiding_all_that_was_chosen_is_refused(parents):
    with pytest.raises(InputError, match=r"--avoid leaves nothing of --from owls; avoid less"):
        choose_parents(parents, from_=["owls"], avoid=["birds"])
    with pytest.raises(InputError, match="--avoid leaves nothing of the list of parents"):
        choose_parents(parents[:1], avoid=["animals"])


@settings(max_examples=15)
@given(st.data())
def test_what_is_avoided_is_in_no_role(parents, data):
    avoid = data.draw(st.lists(st.sampled_from(sorted(DOMAINS)), max_size=3, unique=True))
    word = data.draw(st.sampled_from([None, *sorted(DOMAINS)]))
    try:
        choice = choose_parents(parents, [word] if word else [], [], avoid)
    except InputError:
        left = {p.key for p in parents if not set(domains_of(p.domain)) & set(avoid)}
        assert not left & {p.key for p in parents if word is None or word in domains_of(p.domain)}
    else:
        keys = {parent.key for parent in parents}
        for parent in (*choice.bodies, *choice.lenders):
            assert parent.key in keys
            assert not set(domains_of(parent.domain)) & set(avoid)
