"""Samples of single images: what is asked, answered and reasoned."""

from collections import Counter
from dataclasses import replace

import pytest

from isekai_gen.errors import ManifestError
from isekai_gen.manifests.instruction_samples import (
    IMAGE_TASKS,
    concept_faults,
    image_samples,
    reasoned_sample,
)
from isekai_gen.manifests.instruction_template_set import InstructionTemplates
from isekai_gen.manifests.rationale import reasons_for
from tests.manifests.instruction_cases import CACTIHOG, HEDGEHOG, picture, templates

MANY = 300


def asked_and_answered(pictured, seed=0, using=None):
    return {
        sample.key.rpartition("/")[2]: tuple(
            turn.text.strip() for turn in sample.conversation.turns
        )
        for sample in image_samples(pictured, using or templates(), seed)
    }


def only(task: str, **texts: str) -> InstructionTemplates:
    """Shipped templates with one template for a task."""
    shipped = templates()
    (first, *_) = shipped.tasks[task]
    return replace(
        shipped, tasks={**shipped.tasks, task: (replace(first, texts={**first.texts, **texts}),)}
    )


def test_every_image_is_asked_about_once_in_each_way_in_the_order_of_keys():
    keys = [sample.key for sample in image_samples(picture(), templates(), 0)]

    assert keys == sorted(keys)
    assert [key.rpartition("/")[2] for key in keys] == list(IMAGE_TASKS)


def test_yes_asks_for_the_concept_and_no_for_the_counterpart():
    texts = only(
        "yes-no", instruction="Is this {a_asked}?", yes="Yes.", no="No, {a_name}, not {a_asked}."
    )

    said = asked_and_answered(picture(), using=texts)

    assert said["yes"] == ("Is this a cactihog?", "Yes.")
    assert said["no"] == ("Is this a hedgehog?", "No, a cactihog, not a hedgehog.")


def test_the_counterpart_is_asked_about_in_the_same_way():
    texts = only("yes-no", instruction="Is this {a_asked}?", yes="Yes.", no="No.")

    said = asked_and_answered(picture(HEDGEHOG, CACTIHOG), using=texts)

    assert said["yes"][0] == "Is this a hedgehog?"
    assert said["no"][0] == "Is this a cactihog?"


def test_the_two_to_tell_apart_come_in_either_order_and_both_orders_as_often():
    texts = only("telling-apart", instruction="{first} or {second}?", response="{name}")

    said = Counter(
        asked_and_answered(picture(number=number), using=texts)["telling-apart"]
        for number in range(MANY)
    )

    assert said.keys() == {
        ("cactihog or hedgehog?", "cactihog"),
        ("hedgehog or cactihog?", "cactihog"),
    }
    assert min(said.values()) > MANY / 3


def test_all_templates_of_a_task_are_drawn_about_as_often():
    drawn = Counter(
        sample.template
        for number in range(MANY)
        for sample in image_samples(picture(number=number), templates(), 0)
    )

    for task in IMAGE_TASKS:
        counts = [count for name, count in drawn.items() if name.startswith(f"{task}/")]
        assert len(counts) == 3
        assert min(counts) > MANY / 5
        assert sum(counts) == MANY


def test_the_choice_depends_on_seed_and_image_alone():
    assert asked_and_answered(picture()) == asked_and_answered(picture())
    assert any(
        asked_and_answered(picture(), seed=seed) != asked_and_answered(picture())
        for seed in range(1, 9)
    )


def test_a_template_with_slots_is_only_for_images_that_have_them():
    (plain,) = only("naming", instruction="What?", response="{name}").tasks["naming"]
    placed = replace(
        plain,
        id="placed",
        texts={"instruction": "What is {slots.place}?", "response": "{name}"},
        slots=frozenset({"place"}),
    )
    using = replace(templates(), tasks={**templates().tasks, "naming": (plain, placed)})

    asked = {
        asked_and_answered(picture(number=n, place="in the snow"), using=using)["naming"][0]
        for n in range(30)
    }
    without = {
        asked_and_answered(picture(number=n, place=""), using=using)["naming"][0] for n in range(30)
    }

    assert asked == {"What?", "What is in the snow?"}
    assert without == {"What?"}


def test_names_with_quotes_braces_and_other_scripts_stay_as_they_are():
    odd = replace(CACTIHOG, name='the "{name}" 仙人掌 of O\'Neill')

    said = asked_and_answered(picture(odd), using=only("naming", response="{name}"))

    assert said["naming"][1] == odd.name


@pytest.mark.parametrize("field", ["name", "short", "description"])
def test_a_command_of_models_in_a_concept_is_found_and_never_said(field):
    spoiled = replace(CACTIHOG, **{field: "an <image> of it"})

    assert [fault.split(" has ")[0] for fault in concept_faults(spoiled)] == [f"cactihog: {field}"]
    with pytest.raises(ManifestError, match="<image>"):
        list(
            image_samples(
                picture(spoiled), only("describing", response="{name} {short} {description}"), 0
            )
        )


def test_commands_in_parents_and_attributes_are_found_too():
    spoiled = replace(CACTIHOG, parents=("</s>",), attributes={"back": ("<|pad|>",)})

    assert len(concept_faults(spoiled)) == 2
    assert concept_faults(CACTIHOG) == []


def test_reasons_are_made_of_the_words_of_the_catalog():
    reasons = {reason.kind: dict(reason.values) for reason in reasons_for(CACTIHOG, HEDGEHOG, {})}

    assert list(reasons) == ["parents", "appearance", "attribute", "counterpart"]
    assert reasons["parents"]["parents"] == "a hedgehog and a cactus"
    assert reasons["appearance"]["a_short"] == "a hedgehog with cactus spines"
    assert reasons["attribute"]["value"] == "cactus pads"
    assert reasons["attribute"]["counterpart_value"] == "quills"
    assert reasons["counterpart"]["counterpart_description"] == HEDGEHOG.description


def test_an_attribute_that_the_two_share_tells_nothing_apart():
    alike = replace(HEDGEHOG, attributes={"back": ("cactus pads", "quills")})

    assert all(reason.kind != "attribute" for reason in reasons_for(CACTIHOG, alike, {}))


def test_of_several_values_only_the_one_that_was_drawn_is_told():
    several = replace(CACTIHOG, attributes={"back": ("cactus pads", "thorny leaves")})

    unknown = [reason.kind for reason in reasons_for(several, HEDGEHOG, {})]
    drawn = reasons_for(several, HEDGEHOG, {"back": "thorny leaves"})

    assert "attribute" not in unknown
    (told,) = (reason for reason in drawn if reason.kind == "attribute")
    assert told.values["value"] == "thorny leaves"


def test_a_chain_of_thought_gives_its_reasons_and_then_the_name():
    using = only("reasoning", response="{rationale} -> {name}")
    using = replace(using, rationale={kind: texts[:1] for kind, texts in using.rationale.items()})

    sample = reasoned_sample(picture(), using, 0)

    assert sample.rationale == (
        "It combines a hedgehog and a cactus. It looks like a hedgehog with cactus spines. "
        "Its back: cactus pads instead of quills. By contrast, a hedgehog would be "
        "a small hedgehog with a coat of brown quills."
    )
    assert sample.conversation.turns[-1].text == f"{sample.rationale} -> cactihog"
