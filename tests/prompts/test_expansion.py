import itertools
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.prompts.expansion import count_prompts, expand_prompts
from isekai_gen.prompts.pattern import literal_pattern, parse_pattern
from isekai_gen.prompts.templates import Template, TemplateSet, WeightedText
from isekai_gen.records import Concept

CACTIHOG = Concept("cactihog", "cactihog", "fictional", "cactihog", "spiny hog", "a spiny hog")


def values(**weights: float) -> tuple[WeightedText, ...]:
    return tuple(value(text, str(weight)) for text, weight in weights.items())


def value(text: str, weight: str | int) -> WeightedText:
    return WeightedText(literal_pattern(text), Fraction(weight))


def template(name: str, text: str, weight: int = 1, negative: str = "") -> Template:
    return Template(name, Fraction(weight), parse_pattern(text), parse_pattern(negative))


def combination(prompt):
    return (prompt.template, *sorted(prompt.slots.items()))


SHOWN = TemplateSet(
    {"place": values(snow=2, beach=1, sea=1), "size": values(big=1, small=1)},
    (
        template("bare", "{a} {short}"),
        template("placed", "{a} {size} {short} in {place}", weight=3),
        template("sized", "{a} {size} {name}", weight=2),
    ),
)


@st.composite
def template_sets(draw):
    weights = st.integers(1, 4).map(Fraction)
    lists = {
        name: tuple(value(f"{name}{i}", draw(weights)) for i in range(draw(st.integers(1, 4))))
        for name in ("x", "y", "z")
    }
    texts = draw(st.lists(st.sets(st.sampled_from("xyz")), min_size=1, max_size=3))
    templates = tuple(
        Template(
            f"t{number}",
            draw(weights),
            parse_pattern(" ".join(["{short}", *(f"{{{slot}}}" for slot in sorted(slots))])),
            parse_pattern(draw(st.sampled_from(["", "{x}", "{pose} blur"]))),
        )
        for number, slots in enumerate(texts)
    )
    return TemplateSet(lists, templates)


posed = replace(CACTIHOG, attributes={"pose": ("up", "down")})


@settings(deadline=None)
@given(template_sets(), st.integers(-3, 3))
def test_a_full_cycle_has_every_combination_exactly_once(templates, seed):
    every = set()
    for one in templates.templates:
        choices = {"short": ("spiny hog",), "pose": ("up", "down")}
        choices |= {name: [v.text for v in listed] for name, listed in templates.lists.items()}
        for picked in itertools.product(*(choices[slot] for slot in one.slots)):
            every.add((one.id, *sorted(zip(one.slots, picked, strict=True))))
    count = count_prompts(templates, posed)
    prompts = expand_prompts(templates, posed, range(count), seed)
    assert count == len(every)
    assert Counter(map(combination, prompts)) == Counter(every)


@settings(deadline=None)
@given(template_sets(), st.lists(st.integers(0, 10**9), max_size=5))
def test_a_prompt_depends_on_its_index_alone(templates, indices):
    together = expand_prompts(templates, posed, indices, 7)
    alone = [expand_prompts(templates, posed, [index], 7)[0] for index in indices]
    assert together == alone


@given(st.integers(0, 10**6))
def test_beyond_the_count_the_same_prompts_come_again(index):
    count = count_prompts(SHOWN, CACTIHOG)
    first, again = expand_prompts(SHOWN, CACTIHOG, [index % count, index % count + count], 0)
    assert first == again


def test_text_negative_and_slots_belong_together():
    only = TemplateSet(
        {"place": values(snow=1)},
        (template("t", "{a} {short} in {place}", negative="{concept_negative}, {place}, blur"),),
    )
    (prompt,) = expand_prompts(only, replace(CACTIHOG, negative_prompt="quills"), [0], 0)
    assert prompt.text == "a spiny hog in snow"
    assert prompt.negative == "quills, snow, blur"
    assert prompt.slots == {"short": "spiny hog", "place": "snow", "concept_negative": "quills"}
    assert (prompt.concept, prompt.template) == ("cactihog", "t")


def test_templates_follow_their_weights_from_the_first_round_on():
    wide = replace(SHOWN, lists={**SHOWN.lists, "size": values(**{f"s{i}": 1 for i in range(40)})})
    wide = replace(wide, templates=wide.templates[1:])
    for start in (0, 5, 10):
        prompts = expand_prompts(wide, CACTIHOG, range(start, start + 5), 3)
        assert Counter(prompt.template for prompt in prompts) == {"placed": 3, "sized": 2}


def test_the_list_declared_first_is_balanced_exactly_and_deeper_ones_on_average():
    lists = {
        "place": values(snow=2, beach=1, sea=1),
        "size": values(big=3, small=1),
        "fine": values(**{f"f{i}": 1 for i in range(500)}),
    }
    templates = TemplateSet(lists, (template("t", "{size} {short} {place} {fine}"),))
    prompts = expand_prompts(templates, CACTIHOG, range(400), 0)
    places = Counter(prompt.slots["place"] for prompt in prompts)
    sizes = Counter(prompt.slots["size"] for prompt in prompts)
    assert places == {"snow": 200, "beach": 100, "sea": 100}
    assert sizes["big"] == 300
    first_sizes = Counter(
        expand_prompts(templates, CACTIHOG, [0], seed)[0].slots["size"] for seed in range(400)
    )
    # 300 +- 4 standard deviations of 8.7
    assert abs(first_sizes["big"] - 300) < 35


def test_another_seed_gives_another_order():
    one = expand_prompts(SHOWN, CACTIHOG, range(9), 0)
    other = expand_prompts(SHOWN, CACTIHOG, range(9), 1)
    assert one != other
    assert set(map(combination, one)) == set(map(combination, other))


def test_concepts_have_orders_of_their_own():
    other = replace(CACTIHOG, slug="snailpot")
    order = [combination(p) for p in expand_prompts(SHOWN, CACTIHOG, range(9), 0)]
    assert order != [combination(p) for p in expand_prompts(SHOWN, other, range(9), 0)]


@settings(deadline=None)
@given(st.integers(0, 50))
def test_a_new_list_value_leaves_templates_without_that_list_as_they_were(seed):
    lists = {"size": values(**{f"s{i}": 1 for i in range(30)}), "place": values(a=1, b=2)}
    templates = (
        template("sized", "{a} {size} {name}"),
        template("placed", "{a} {size} {short} in {place}"),
    )
    more = {**lists, "place": (*lists["place"], value("new", 1))}
    before = expand_prompts(TemplateSet(lists, templates), CACTIHOG, range(30), seed)
    after = expand_prompts(TemplateSet(more, templates), CACTIHOG, range(30), seed)
    assert [p.template for p in before] == [p.template for p in after]
    assert [p for p in before if p.template == "sized"] == [
        p for p in after if p.template == "sized"
    ]
    # The list stands before "place", so its values stay too.
    assert [p.slots["size"] for p in before] == [p.slots["size"] for p in after]


def test_an_attribute_takes_the_place_of_the_list_of_its_name():
    concept = replace(CACTIHOG, attributes={"place": ("cave",)})
    prompts = expand_prompts(SHOWN, concept, range(count_prompts(SHOWN, concept)), 0)
    assert {p.slots["place"] for p in prompts if "place" in p.slots} == {"cave"}


def test_a_space_beyond_any_enumeration_is_counted_and_reached():
    names = [f"l{i}" for i in range(12)]
    lists = {name: values(**{f"v{i}": 1 + i % 3 for i in range(1000)}) for name in names}
    text = " ".join(["{short}", *(f"{{{name}}}" for name in names)])
    templates = TemplateSet(lists, (template("t", text),))
    count = count_prompts(templates, CACTIHOG)
    assert count == 1000**12
    first, last = expand_prompts(templates, CACTIHOG, [0, count - 1], 0)
    assert first.slots != last.slots


def test_prompts_are_the_same_on_every_machine_and_version():
    assert [p.text for p in expand_prompts(SHOWN, CACTIHOG, range(4), 0)] == [
        "a big cactihog",
        "a spiny hog",
        "a small cactihog",
        "a big spiny hog in sea",
    ]


def test_a_negative_index_is_a_wrong_call():
    with pytest.raises(ValueError, match="must be >= 0"):
        expand_prompts(SHOWN, CACTIHOG, [-1], 0)


def test_a_slot_that_nothing_fills_is_a_wrong_call():
    unfilled = TemplateSet({}, (template("t", "{short} {pose}"),))
    with pytest.raises(ValueError, match=r"'t' needs slot \{pose\}, which 'cactihog' lacks"):
        count_prompts(unfilled, CACTIHOG)
