"""A new catalog is whole but for its placeholders, and they are faults."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.errors import ConceptError, InputError
from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.prompts.imagenet_names import read_imagenet_names
from isekai_gen.prompts.placeholders import PLACEHOLDER
from isekai_gen.prompts.scaffold import scaffold_catalog
from isekai_gen.workspace import slug_of


def scaffold(pairs=(), groups=1, name="my things"):
    return scaffold_catalog(name, pairs, groups, read_imagenet_names())


def filled(text):
    """The text as an author would complete it: every placeholder replaced by words of its own."""
    lines = text.splitlines()
    own = (
        line.replace(PLACEHOLDER, f"words {number}") if '"' + PLACEHOLDER in line else line
        for number, line in enumerate(lines)
    )
    return "\n".join(own) + "\n"


def load(folder, text):
    path = folder / "new.yaml"
    path.write_text(text, encoding="utf-8")
    return load_catalog(path)


def test_every_placeholder_is_a_fault_at_its_line_and_there_is_no_other(tmp_path):
    text = scaffold([("cactihog", "hedgehog")], groups=3)
    expected = [
        number for number, line in enumerate(text.splitlines(), 1) if '"' + PLACEHOLDER in line
    ]
    with pytest.raises(ConceptError) as error:
        load(tmp_path, text)
    faults = str(error.value).splitlines()
    assert [int(fault.split(":")[1]) for fault in faults] == expected
    assert all("placeholder 'TODO: " in fault for fault in faults)
    assert len(expected) == 4 + 2 * 8  # fewer where a pair is named


def test_a_filled_scaffold_is_a_catalog_with_the_names_given(tmp_path):
    pairs = [("Cacti: hog", "hedgehog"), ('odd "crane"', "ice cream")]
    catalog = load(tmp_path, filled(scaffold(pairs, groups=3)))
    assert catalog.name == "my things"
    assert [(g.fictional.name, g.real.name) for g in catalog.groups][:2] == pairs
    assert catalog.groups[0].fictional.parents[0] == "hedgehog"
    assert len(catalog.groups) == 3


def test_a_real_name_brings_its_imagenet_classes_with_what_they_mean(tmp_path):
    text = scaffold([("spoonbird", "crane")])
    assert "- n02012849  # crane: large long-necked wading bird" in text
    assert "- n03126707  # crane: lifts and moves heavy objects" in text
    catalog = load(tmp_path, filled(text))
    assert catalog.groups[0].real.wnids == ("n02012849", "n03126707")
    assert load(tmp_path, filled(scaffold([("glim", "glomp")]))).groups[0].real.wnids == ()


def test_every_field_of_a_concept_is_explained():
    header = scaffold().split("schema:")[0]
    for field in (
        "name",
        "short",
        "description",
        "parents",
        "attributes",
        "negative_prompt",
        "wnids",
    ):
        assert f"\n# {field} " in header


@pytest.mark.parametrize(
    ("pairs", "groups", "said"),
    [
        ([("a", "b"), ("c", "d")], 1, "1 groups for 2 named"),
        ([], 0, "ask for 1 to 1000"),
        ([], 1001, "ask for 1 to 1000"),
        ([("Snail pot", "snail"), ("snail-pot", "pot")], 2, "make the same slug 'snail-pot'"),
        ([("cat", "Cat")], 1, "make the same slug 'cat'"),
        ([("茸", "cat")], 1, "no ASCII letter"),
        ([("a\x07b", "cat")], 1, "is no name"),
        ([("  ", "cat")], 1, "is no name"),
        ([("a\udc80", "cat")], 1, "is no name"),
    ],
)
def test_names_and_numbers_that_make_no_catalog_are_refused(pairs, groups, said):
    with pytest.raises(InputError, match=said):
        scaffold(pairs, groups)


names = st.text(st.characters(blacklist_categories=("C", "Z")), min_size=1, max_size=20).filter(
    lambda name: any(char.isascii() and char.isalnum() for char in name.lower())
)


@given(st.lists(st.tuples(names, names), max_size=4), names)
def test_any_readable_names_survive_the_way_through_yaml(tmp_path_factory, pairs, name):
    slugs = [slug_of(concept) for pair in pairs for concept in pair]
    if len(set(slugs)) < len(slugs) or PLACEHOLDER in "".join([name, *sum(pairs, ())]):
        return
    catalog = load(
        tmp_path_factory.mktemp("any"), filled(scaffold(pairs, max(1, len(pairs)), name))
    )
    assert catalog.name == name
    assert [(g.fictional.name, g.real.name) for g in catalog.groups][: len(pairs)] == pairs
