"""Every order of every space against plain enumeration."""

import itertools
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from isekai_gen.prompts.articles import tidied
from isekai_gen.prompts.building import SharedSlotError
from isekai_gen.prompts.expansion import count_prompts, expand_prompts, iter_prompts
from isekai_gen.prompts.nodes import Literal, Slot, Wildcard
from isekai_gen.prompts.pattern import NO_PATTERN, Pattern, parse_pattern
from isekai_gen.prompts.permutation import Permutation
from isekai_gen.prompts.template_set import Template, TemplateSet, WeightedText, Wildcards
from isekai_gen.records import Concept
from tests.prompts.grammars import WEIGHTS, pieces_lists

HOG = Concept("hog", "hog", "real", "hog", "spiny hog", "a spiny hog")
FULL_ORDERS = ("stratified", "permuted", "exhaustive")
ORDERS = (*FULL_ORDERS, "random")


def values(*texts, weights=None):
    weights = weights or ["1"] * len(texts)
    return tuple(
        WeightedText(parse_pattern(text), Fraction(weight))
        for text, weight in zip(texts, weights, strict=True)
    )


LISTS = {"x": values("x1", "x{2|3}"), "y": values("y1", "y2", "in __d/w*__", weights="311")}
WILDCARDS = Wildcards({"w": values("w1", "w2 {short}", "{x}"), "d/w*": values("d1", "")})


def template(name, text, negative="", weight=1):
    parsed = parse_pattern(negative) if negative else NO_PATTERN
    return Template(name, Fraction(weight), parse_pattern(text), parsed)


def one(text, negative="", **lists):
    given_lists = {name: values(*texts) for name, texts in lists.items()}
    return TemplateSet(given_lists, (template("t", text, negative),), WILDCARDS)


@st.composite
def template_sets(draw):
    """Up to two templates, small enough to be enumerated."""
    written = draw(st.lists(st.tuples(pieces_lists(), pieces_lists()), min_size=1, max_size=2))
    templates = tuple(
        Template(f"t{number}", draw(WEIGHTS), Pattern("", text), Pattern("", negative))
        for number, (text, negative) in enumerate(written)
    )
    found = TemplateSet(LISTS, templates, WILDCARDS)
    try:
        assume(count_prompts(found, HOG) <= 400)
    except SharedSlotError:
        assume(False)
    return found


def every_text(pieces, bound):
    """All ways to choose from left to right: (text, slots with their values)."""
    if not pieces:
        yield "", bound
        return
    for text, after in every_way(pieces[0], bound):
        for rest, last in every_text(pieces[1:], after):
            yield text + rest, last


def every_way(piece, bound):
    if isinstance(piece, Literal):
        yield piece.text, bound
    elif isinstance(piece, Slot) and piece.name in bound:
        yield bound[piece.name], bound
    elif isinstance(piece, Slot):
        for value in {**LISTS, "short": values("spiny hog")}[piece.name]:
            for text, after in every_text(value.pattern.pieces, bound):
                yield text, {**after, piece.name: text}
    elif isinstance(piece, Wildcard):
        for value in WILDCARDS.values[piece.name]:
            yield from every_text(value.pattern.pieces, bound)
    else:
        yield from every_variant(piece, bound)


def every_variant(variant, bound):
    for number in range(variant.low, variant.high + 1):
        for taken in itertools.combinations(variant.options, number):
            for texts, after in every_list([option.pieces for option in taken], bound):
                yield variant.joiner.join(text for text in texts if text.strip()), after


def every_list(lists, bound):
    if not lists:
        yield [], bound
        return
    for text, after in every_text(lists[0], bound):
        for rest, last in every_list(lists[1:], after):
            yield [text, *rest], last


def enumerated(templates):
    for one_template in templates.templates:
        for text, bound in every_text(one_template.text.pieces, {}):
            for negative, _ in every_text(one_template.negative.pieces, bound):
                yield one_template.id, tidied(text), tidied(negative)


def said(prompt):
    return prompt.template, prompt.text, prompt.negative


@pytest.mark.parametrize("sampling", FULL_ORDERS)
@settings(deadline=None, max_examples=50)
@given(templates=template_sets(), seed=st.integers(0, 3))
def test_an_order_is_the_whole_space_each_once(sampling, templates, seed):
    every = list(enumerated(templates))
    assert count_prompts(templates, HOG) == len(every)
    prompts = expand_prompts(templates, HOG, range(len(every)), seed, sampling)
    assert Counter(map(said, prompts)) == Counter(every)


@pytest.mark.parametrize("sampling", ORDERS)
@settings(deadline=None, max_examples=25)
@given(
    templates=template_sets(),
    seed=st.integers(0, 3),
    indices=st.lists(st.integers(0, 10**30), max_size=6),
)
def test_a_prompt_depends_on_its_index_alone(sampling, templates, seed, indices):
    together = expand_prompts(templates, HOG, indices, seed, sampling)
    alone = [expand_prompts(templates, HOG, [index], seed, sampling)[0] for index in indices]
    assert together == alone


@pytest.mark.parametrize("sampling", ORDERS)
def test_many_prompts_come_in_the_same_order_one_by_one(sampling):
    templates = one("{x} {y} {short}", x=["x1", "x2"], y=["y1", "y2", "y3"])
    indices = range(3, 25_000, 2)
    streamed = list(iter_prompts(templates, HOG, indices, 1, sampling))
    assert streamed == expand_prompts(templates, HOG, indices, 1, sampling)


def test_the_order_written_varies_the_last_first():
    templates = replace(
        one("{y} {red|green} {short}", y=["y1", "y2"]),
        templates=(
            template("t", "{y} {red|green} {short}"),
            template("u", "{short} {2$$-$$p|q|r}"),
        ),
    )
    prompts = expand_prompts(templates, HOG, range(8), 0, "exhaustive")
    assert [prompt.text for prompt in prompts] == [
        "y1 red spiny hog",
        "y1 green spiny hog",
        "y2 red spiny hog",
        "y2 green spiny hog",
        "spiny hog p-q",
        "spiny hog p-r",
        "spiny hog q-r",
        "y1 red spiny hog",
    ]


@pytest.mark.parametrize("sampling", ["stratified", "permuted", "random"])
def test_seed_and_concept_choose_the_order(sampling):
    templates = one("{short} {x} {y}", x=[f"x{i}" for i in range(20)], y=["p", "q"])
    other = replace(HOG, slug="pig")

    def bindings(concept, seed):
        prompts = expand_prompts(templates, concept, range(40), seed, sampling)
        return [(prompt.slots["x"], prompt.slots["y"]) for prompt in prompts]

    assert len({tuple(order) for order in (bindings(HOG, 0), bindings(HOG, 1))}) == 2
    assert bindings(HOG, 0) != bindings(other, 0)
    assert bindings(HOG, 0) == bindings(HOG, 0)


def test_random_draws_follow_weights_with_replacement():
    templates = one("{short} {3::red|blue} {x}", x=["x1", "x2"])
    prompts = expand_prompts(templates, HOG, range(4000), 0, "random")
    reds = Counter(prompt.slots["v1"] for prompt in prompts)["red"]
    assert abs(reds - 3000) < 4 * 27.4  # standard deviations
    assert len({prompt.text for prompt in prompts}) == 4
    assert len({prompt.text for prompt in prompts[:4]}) < 4


def test_stratified_variants_follow_their_weights_exactly():
    colors = "|".join(f"c{i}" for i in range(60))
    templates = one("{short} {3::red|blue} {" + colors + "}")
    prompts = expand_prompts(templates, HOG, range(80), 0)
    assert Counter(prompt.slots["v1"] for prompt in prompts) == {"red": 60, "blue": 20}
    rest = expand_prompts(templates, HOG, range(80, 120), 0)
    assert Counter(prompt.slots["v1"] for prompt in rest) == {"blue": 40}


def test_bindings_tell_what_was_chosen_and_nothing_else():
    text = "{short} {old {tin|iron}|new} __w__ {0-2$$ and $$red|big}"
    templates = one(text, "__w__ {1::|dim}", x=["x1"])
    prompts = expand_prompts(templates, HOG, range(count_prompts(templates, HOG)), 0)
    for prompt in prompts:
        slots = dict(prompt.slots)
        assert slots.pop("short") == "spiny hog"
        assert set(slots) - {"v2", "x"} == {"v1", "v3", "w", "w#2", "v4"}
        assert ("v2" in slots) == slots["v1"].startswith("old")
        assert slots["v3"] in ("", "red", "big", "red and big")
        assert prompt.text == " ".join(
            f"spiny hog {slots['v1']} {slots['w']} {slots['v3']}".split()
        )
        assert prompt.negative == f"{slots['w#2']} {slots['v4']}".strip()


def test_a_wildcard_gives_way_to_a_slot_of_its_name():
    templates = one("{short} {w} __w__", w=["slot"], x=["x1"])
    (prompt, *_) = expand_prompts(templates, HOG, [0], 0)
    assert prompt.slots["w"] == "slot"
    assert prompt.text == f"spiny hog slot {prompt.slots['w#2']}"


def test_a_slot_has_one_value_wherever_it_is_written():
    templates = one("{short} {x}, {big {x}|small} {near {x}|far}", "{x}", x=["red", "blue"])
    for prompt in expand_prompts(templates, HOG, range(8), 0):
        assert Counter(prompt.text.split())["red"] * Counter(prompt.text.split())["blue"] == 0
        assert prompt.negative == prompt.slots["x"]


def test_a_slot_of_one_option_is_absent_with_the_others():
    templates = one("{short} {big {x}|small}", x=["red", "blue"])
    prompts = expand_prompts(templates, HOG, range(3), 0)
    assert count_prompts(templates, HOG) == 3
    assert sorted(prompt.slots.get("x", "") for prompt in prompts) == ["", "blue", "red"]


def test_two_variants_cannot_share_a_slot_that_stands_nowhere_else():
    with pytest.raises(SharedSlotError, match=r"several variants or values mention \{x\}"):
        count_prompts(one("{short} {big {x}|small} {near {x}|far}", x=["red", "blue"]), HOG)
    single = one("{short} {big {x}|small} {near {x}|far}", x=["red"])
    assert count_prompts(single, HOG) == 4


def test_articles_look_beyond_the_option_they_stand_in():
    templates = one("{{a}|the} {short} on {a} {icy|big} hill")
    texts = {prompt.text for prompt in expand_prompts(templates, HOG, range(4), 0)}
    assert texts == {
        f"{first} spiny hog on {second} hill"
        for first in ("a", "the")
        for second in ("an icy", "a big")
    }


@settings(deadline=None)
@given(st.integers(1, 500), st.binary(min_size=1, max_size=64))
def test_a_permutation_has_every_number_once(size, key):
    permuted = Permutation(size, key)
    assert sorted(map(permuted, range(size))) == list(range(size))


def test_a_permutation_is_the_same_on_every_machine_and_spreads_far():
    permuted = Permutation(10**30, b"key")
    assert "".join(str(Permutation(10, b"key")(number)) for number in range(10)) == "2147803659"
    assert len({permuted(number) // 10**29 for number in range(100)}) == 10


@pytest.mark.parametrize("number", [-1, 10])
def test_a_number_outside_of_a_permutation_is_a_wrong_call(number):
    with pytest.raises(ValueError, match="number must be in"):
        Permutation(10, b"")(number)
