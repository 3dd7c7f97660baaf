from fractions import Fraction
from pathlib import Path

import pytest

from isekai_gen.errors import TemplateError
from isekai_gen.prompts.catalog import Catalog, Group
from isekai_gen.prompts.templates import TemplateSet, check_templates, load_templates
from isekai_gen.records import Concept

GOOD = """\
schema: 1
lists:
  place: [{text: in the snow, weight: 2}, on a beach, ""]
  size:
    - big
    - {text: small, weight: 0.5}
templates:
  - id: plain
    text: "{a} {size} {short} {place}"
    negative: "{concept_negative}, blurry"
  - id: named
    weight: 3
    text: "{a} {name}, {description}"
"""


def load(folder: Path, text: str) -> TemplateSet:
    path = folder / "templates.yaml"
    path.write_text(text, encoding="utf-8")
    return load_templates(path)


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(TemplateError) as error:
        load(folder, text)
    return [line.removeprefix(f"{folder}/") for line in str(error.value).splitlines()]


def concept(slug: str, **attributes: tuple[str, ...]) -> Concept:
    return Concept(slug, slug, "fictional", slug, f"{slug} thing", f"a {slug}", (), attributes)


def catalog(*concepts: Concept) -> Catalog:
    return Catalog("test", tuple(Group(c.slug, c, concept(f"real-{c.slug}")) for c in concepts))


def slot_faults(folder: Path, text: str, concepts: Catalog) -> list[str]:
    templates = load(folder, text)
    with pytest.raises(TemplateError) as error:
        check_templates(templates, concepts, Path("templates.yaml"))
    return [line.removeprefix(f"{folder}/") for line in str(error.value).splitlines()]


def test_reads_lists_and_templates_with_their_weights(tmp_path):
    templates = load(tmp_path, GOOD)
    assert [(v.text, v.weight) for v in templates.lists["place"]] == [
        ("in the snow", 2),
        ("on a beach", 1),
        ("", 1),
    ]
    assert templates.lists["size"][1].weight == Fraction(1, 2)
    assert [(t.id, t.weight, t.text.origin.line) for t in templates.templates] == [
        ("plain", 1, 9),
        ("named", 3, 13),
    ]
    assert templates.templates[0].slots == ("size", "short", "place", "concept_negative")


def test_the_shown_file_fits_any_catalog(tmp_path):
    check_templates(load(tmp_path, GOOD), catalog(concept("cactihog")), Path("t.yaml"))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("weight: 2}", "weight: 0}", "templates.yaml:3: weight is 0; write a number above 0"),
        ("weight: 2}", "weight: -1}", "templates.yaml:3: weight is -1"),
        ("weight: 2}", "weight: .nan}", "templates.yaml:3: weight must be a number, not text"),
        ("weight: 2}", "weight: true}", "templates.yaml:3: weight must be a number"),
        ("weight: 2}", "weigth: 2}", "unknown key 'weigth' in a value of list 'place'; did you"),
        ("weight: 0.5", "weight: 0.000001", "templates.yaml:5: the weights of list 'size' make"),
        ("weight: 3", "weight: 2000000.5", "templates.yaml:12: weight is 2000000.5"),
        ("weight: 3", "weight: 999999", "templates.yaml:7: the weights of 'templates' make"),
        ("    - big\n", "    - small\n", "'small' is twice in list 'size'"),
        ("    - big\n", "    - big {short\n", "templates.yaml:5:11: unbalanced '{'"),
        ("    - big\n", "    - 0::big\n", "templates.yaml:5:7: weight is 0; write a number"),
        ("{text: small,", "{text: '2::small',", "'2::small' begins with a weight; write it as"),
        ("    - big\n", "    - '{v1}'\n", "templates.yaml:5:8: slot {v1} has a name that variants"),
        ("    - big\n", "    - 7\n", "templates.yaml:5: a value of list 'size' must be text"),
        ("on a beach", "[beach]", "must be text, not a list"),
        ("  size:", "  short:", "templates.yaml:4: 'short' is a slot of every concept"),
        ("  size:", "  Size:", "templates.yaml:4: 'Size' is no list name"),
        ("id: named", "id: plain", "templates.yaml:11: template id 'plain' is taken"),
        ('"{a} {size} {short} {place}"', '"{a} {size {short}"', "templates.yaml:9:16: unbal"),
        ('"{concept_negative}, blurry"', '"}"', "templates.yaml:10:16: unbalanced '}'"),
        ('"{a} {name}, {description}"', '""', "templates.yaml:13: 'text' is empty"),
    ],
)
def test_names_the_fault_and_its_line(tmp_path, old, new, expected):
    assert old in GOOD
    found = faults(tmp_path, GOOD.replace(old, new, 1))
    assert len(found) == 1
    assert expected in found[0]


def test_an_empty_list_is_a_fault(tmp_path):
    (fault,) = faults(
        tmp_path, GOOD.replace("\n    - big\n    - {text: small, weight: 0.5}", " []")
    )
    assert fault.startswith("templates.yaml:4: list 'size' is an empty list")


def test_no_templates_are_a_fault(tmp_path):
    (fault,) = faults(tmp_path, "schema: 1\ntemplates: []\n")
    assert fault.startswith("templates.yaml:2: 'templates' is an empty list")


def test_the_same_texts_twice_are_a_fault(tmp_path):
    again = '  - id: other\n    text: "{a} {name},  {description}"\n'
    (fault,) = faults(tmp_path, GOOD + again)
    assert fault.startswith("templates.yaml:15:12: the texts of 'named' again")


def test_tells_every_fault_at_once(tmp_path):
    text = (
        GOOD.replace("weight: 2}", "weight: 0}")
        .replace("{name},", "{name,")
        .replace("id: plain", "id: ''")
    )
    assert [fault.split(":")[1] for fault in faults(tmp_path, text)] == ["3", "8", "13"]


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("a {name} {x", "9:20"),
        ("'{name}  it''s {x'", "9:26"),
        ('"{name} \\"q\\" \\\\{ {x"', "9:29"),
        ("a {name} é茸😀 {x", "9:24"),
        (">-\n      {name}\n\n      and  {x\n", "12:12"),
        ("|\n      {name} {x\n", "10:14"),
        ("'{name}\n      and {x'", "10:11"),
        ('"{name} \\u0041 {x"', "9:11"),
    ],
)
def test_a_column_is_that_of_the_file_however_the_text_is_written(tmp_path, written, place):
    text = GOOD.replace('"{a} {size} {short} {place}"', written)
    (fault,) = faults(tmp_path, text)
    assert fault.startswith(f"templates.yaml:{place}: unbalanced '{{'")


def test_lists_may_hold_slots_variants_and_weights(tmp_path):
    text = GOOD.replace("on a beach", "'3::in {warm|cool} {size} sand'").replace("{a} {size} ", "")
    templates = load(tmp_path, text)
    check_templates(templates, catalog(concept("cactihog")), tmp_path)
    assert templates.lists["place"][1].weight == 3
    assert templates.lists["place"][1].text == "in {warm|cool} {size} sand"


def test_a_list_that_leads_back_to_itself_is_refused(tmp_path):
    (fault,) = faults(tmp_path, GOOD.replace("    - big\n", "    - 'big {size}'\n"))
    assert fault.startswith("templates.yaml:5:12: {size} leads back to {size}, without end")


def test_a_value_with_an_unknown_slot_is_named_with_its_place(tmp_path):
    text = GOOD.replace("    - big\n", "    - 'big {colr}'\n")
    (fault,) = slot_faults(tmp_path, text, catalog(concept("cactihog")))
    assert fault.startswith("templates.yaml:5:12: unknown slot {colr}; known here: a, ")


def test_a_concept_must_be_named_whatever_is_chosen(tmp_path):
    text = GOOD.replace("{a} {name}, {description}", "{{name}|a thing} in {size} snow")
    (fault,) = slot_faults(tmp_path, text, catalog(concept("cactihog")))
    assert "template 'named' may name no concept" in fault
    sure = GOOD.replace("{a} {name}, {description}", "{the {name}|{a} {short}} in snow")
    check_templates(load(tmp_path, sure), catalog(concept("cactihog")), tmp_path)


def test_an_article_before_an_option_that_may_be_nothing_is_a_fault(tmp_path):
    text = GOOD.replace("{a} {name}, {description}", "{name} on {a} {1::|big}")
    (fault,) = slot_faults(tmp_path, text, catalog(concept("cactihog")))
    assert fault.startswith("templates.yaml:13:22: {a} may have no word after it")


def test_a_slot_that_two_variants_would_share_is_a_fault(tmp_path):
    text = GOOD.replace("{a} {name}, {description}", "{name} {x {size}|y} {z {size}|w}")
    (fault,) = slot_faults(tmp_path, text, catalog(concept("cactihog")))
    assert fault.startswith("templates.yaml:13:12: template 'named': several variants or values")


def test_an_unknown_slot_is_named_with_its_line_and_a_suggestion(tmp_path):
    text = GOOD.replace("{place}", "{plcae}")
    assert slot_faults(tmp_path, text, catalog(concept("cactihog"))) == [
        "templates.yaml:9:31: unknown slot {plcae}; did you mean 'place'?"
    ]


def test_an_unknown_slot_in_the_negative_text_is_found_too(tmp_path):
    text = GOOD.replace("blurry", "{blurry}")
    (fault,) = slot_faults(tmp_path, text, catalog(concept("cactihog")))
    assert fault.startswith(
        "templates.yaml:10:36: unknown slot {blurry}; known here: a, concept_neg"
    )


def test_an_attribute_that_some_concepts_lack_names_them(tmp_path):
    text = GOOD.replace("{description}", "{pose}")
    concepts = catalog(concept("cactihog", pose=("curled up",)), concept("snailpot"))
    (fault,) = slot_faults(tmp_path, text, concepts)
    assert fault.startswith("templates.yaml:13:24: slot {pose} is an attribute that these concepts")
    assert "lack: real-cactihog, snailpot, real-snailpot; add it" in fault


def test_a_list_is_the_default_for_concepts_without_the_attribute(tmp_path):
    text = GOOD.replace("{description}", "{pose}").replace("  size:", "  pose: [still]\n  size:")
    concepts = catalog(concept("cactihog", pose=("curled up",)))
    check_templates(load(tmp_path, text), concepts, tmp_path)


def test_an_article_that_may_stand_alone_is_a_fault(tmp_path):
    text = GOOD.replace("{a} {name}, {description}", "{name} on {a} {place}")
    (fault,) = slot_faults(tmp_path, text, catalog(concept("cactihog")))
    assert fault.startswith(
        "templates.yaml:13:22: {a} may have no word after it (concepts: cactihog,"
    )


def test_a_text_without_the_concept_is_a_fault(tmp_path):
    text = GOOD.replace("{a} {name}, {description}", "{size} snow")
    (fault,) = slot_faults(tmp_path, text, catalog(concept("cactihog")))
    assert fault.startswith("templates.yaml:13:12: template 'named' may name no concept")
