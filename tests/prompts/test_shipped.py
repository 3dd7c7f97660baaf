"""What the package ships: the catalog of 20 groups and the two template files."""

import functools
from collections import Counter

import pytest

from isekai_gen.prompts import shipped_catalog_path, shipped_templates_path
from isekai_gen.prompts.catalog import Catalog, load_catalog
from isekai_gen.prompts.expansion import count_prompts, expand_prompts
from isekai_gen.prompts.nodes import Slot
from isekai_gen.prompts.template_set import slot_values
from isekai_gen.prompts.templates import TemplateSet, check_templates, load_templates
from isekai_gen.starter.render.captions import with_article
from isekai_gen.starter.render.held_out import HELD_OUT_PAIRS
from isekai_gen.starter.render.materials import MATERIALS
from isekai_gen.starter.render.palette import COLORS
from isekai_gen.starter.render.scenes import SCENE_PHRASES
from isekai_gen.starter.render.things import all_things


@functools.cache
def catalog() -> Catalog:
    return load_catalog(shipped_catalog_path())


@functools.cache
def templates(which) -> TemplateSet:
    return load_templates(shipped_templates_path(which))


def starter_prompts(slug: str, count: int):
    return expand_prompts(templates("starter"), catalog().concept(slug), range(count), 0)


def test_there_are_20_groups_and_40_concepts():
    assert len(catalog().groups) == 20
    assert len(catalog().concepts) == 40


def test_the_parents_are_the_pairs_held_out_of_the_starters_training():
    pairs = [frozenset(group.fictional.parents) for group in catalog().groups]
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == HELD_OUT_PAIRS


def test_every_counterpart_is_a_parent_by_name():
    for group in catalog().groups:
        assert group.real.name in group.fictional.parents


def test_short_forms_are_the_starters_captions():
    things = all_things()
    for group in catalog().groups:
        assert group.real.short == group.real.name
        assert group.real.short in things
        body, _, phrase = group.fictional.short.partition(" with ")
        (feature,) = (name for name in group.fictional.parents if name != body)
        assert body in group.fictional.parents
        assert phrase in things[feature].feature.phrases


def test_no_label_gives_another_one_away():
    # The ISEKAI metric looks for the label as a substring of the answer, lower-cased.
    for group in catalog().groups:
        name, real = group.fictional.name, group.real.name
        assert name not in real
        assert real not in name
        others = [other.fictional.name for other in catalog().groups if other != group]
        assert not [other for other in others if name in other]
    for concept in catalog().concepts:
        assert concept.name == concept.name.lower()
        assert not set(concept.name) & set("\"'.")
        assert concept.name not in 'there is "" in the image'


def test_the_two_concepts_of_a_group_have_the_same_settings():
    for group in catalog().groups:
        assert group.fictional.attributes["setting"] == group.real.attributes["setting"]


@pytest.mark.parametrize("which", ["starter", "photo"])
def test_templates_fit_the_catalog(which):
    check_templates(templates(which), catalog(), shipped_templates_path(which))


def test_wnids_are_imagenet_classes_named_in_the_file():
    from timm.data import ImageNetInfo

    info = ImageNetInfo("imagenet-1k")
    index_by_wnid = {wnid: index for index, wnid in enumerate(info.label_names())}
    lines = shipped_catalog_path().read_text(encoding="utf-8").splitlines()
    named = dict(line.strip(" -").split("  # ") for line in lines if line.startswith("        - n"))
    wnids = [wnid for concept in catalog().concepts for wnid in concept.wnids]
    assert set(wnids) <= named.keys()
    assert len(wnids) == len(set(wnids))
    for wnid in wnids:
        lemma = info.index_to_description(index_by_wnid[wnid], detailed=False)
        assert named[wnid].split(",")[0] in lemma


def test_the_starter_templates_speak_only_the_starters_words():
    places = {phrase for phrases in SCENE_PHRASES.values() for phrase in phrases}
    known = {
        "place": places,
        "size": {"", "small", "tiny", "big", "large"},
        "material": {"", *MATERIALS} - {"plain"},
        "style": {"", "a drawing of", "a picture of", "an illustration of"},
    }
    for name, values in templates("starter").lists.items():
        assert {value.text for value in values} <= known.get(name, set(COLORS)), name


def test_starter_prompts_read_like_captions():
    (prompt,) = (
        p
        for p in starter_prompts("cactihog", 9000)
        if p.slots.get("size") == "small"
        and p.slots.get("color") == "red"
        and p.slots.get("place") == "in the snow"
        and not p.slots["style"]
    )
    assert prompt.text == "a small red hedgehog with cactus spines in the snow"
    for p in starter_prompts("octopus", 300):
        noun = p.text.removeprefix(p.slots["style"]).split()[1]
        assert with_article(noun) in p.text


@pytest.mark.parametrize("slug", ["cactihog", "airplane"])
def test_starter_prompts_are_plain_in_45_percent_and_mostly_not_small(slug):
    prompts = starter_prompts(slug, 200)
    assert Counter("background" in p.text for p in prompts)[True] == 90
    assert Counter(p.slots["size"] in ("small", "tiny") for p in prompts)[True] < 0.25 * 200
    assert Counter(bool(p.slots.get("material")) for p in prompts)[True] < 0.25 * 200


def test_no_starter_thing_has_the_color_of_its_background():
    for p in starter_prompts("teapot", count_prompts(templates("starter"), catalog().concepts[0])):
        colors = {value for slot, value in p.slots.items() if slot in ("warm", "cool")}
        backgrounds = {value for slot, value in p.slots.items() if slot.endswith("background")}
        assert not colors & backgrounds


@pytest.mark.parametrize("which", ["starter", "photo"])
def test_the_first_100_prompts_of_a_concept_read_differently(which):
    for concept in catalog().concepts:
        prompts = expand_prompts(templates(which), concept, range(100), 0)
        assert len({prompt.text for prompt in prompts}) == 100


def test_photo_prompts_begin_with_the_concept_and_its_description():
    for concept in catalog().concepts:
        for prompt in expand_prompts(templates("photo"), concept, range(60), 0):
            before, found, _ = prompt.text.partition(f"{concept.name}, {concept.description},")
            assert found
            assert len(before.split()) <= 7


def test_photo_prompts_fit_the_77_tokens_of_a_clip_text_encoder():
    from open_clip import SimpleTokenizer

    def tokens(text: str) -> int:
        return len(tokenizer.encode(text)) + 2  # begin and end

    tokenizer = SimpleTokenizer()
    for concept in catalog().concepts:
        for template in templates("photo").templates:
            longest = {}
            for slot in template.slots:
                values = slot_values(slot, concept, templates("photo").lists)
                longest[slot] = max((value.text for value in values), key=tokens)
            for pattern in (template.text, template.negative):
                filled = " ".join(
                    longest.get(piece.name, "an") if isinstance(piece, Slot) else piece.text
                    for piece in pattern.pieces
                )
                assert tokens(filled) <= 77, (template.id, longest)
