"""The deep check of a catalog: each planted fault at its line, with what to do."""

from pathlib import Path

import pytest

from isekai_gen.prompts import shipped_catalog_path
from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.stages.concept_check import CatalogWarning, check_catalog
from isekai_gen.stages.concept_check_deep import DeepCheck, check_catalog_deep
from isekai_gen.stages.reporting import SilentReporter
from tests.proposals.remembered_texts import one_text_encoder

SHIPPED = shipped_catalog_path().read_text(encoding="utf-8")
ANTLERS = (
    "a tall white lighthouse with a pair of huge branching deer antlers growing from the\n"
    "        top of its lantern room"
)
CHAIR = (
    "a sturdy chair upholstered in gray wrinkled elephant skin, with a long curling\n"
    "        elephant trunk on its backrest and four thick round feet"
)
HOG = (
    "a small round hedgehog whose back is a ribbed green cactus with long white spines and one "
    "pink blossom"
)
TOWER = "a tower with a light that gives warning of shoals to ships"
# Code, what stands in the shipped catalog, what is planted, and how many lines before the planted
# text its field begins. Every fault is in another group, but for those of its parents.
PLANTED = [
    ("name_in_imagenet", "name: octopus vacuum", "name: porcupine", 0),
    ("name_stem_in_imagenet", "name: mushroom haven", "name: telescoping", 0),
    ("name_near_imagenet", "name: icemic", "name: octopous", 0),
    ("name_means_class", "name: snailpot", "name: lemon thing", 0),
    ("names_too_near", "name: lamplamb", "name: cactohog", 0),
    ("names_people", "name: clockrab", "name: plumber sidewalker", 0),
    ("label_breaks_metric", "name: strawbunny", "name: image", 0),
    ("labels_break_metric", "name: petalfin", "name: cactihogosaur", 0),
    ("article", "name: pinerocket", "name: a pinerocket", 0),
    ("placeholder", "short: car with giraffe spots", "short: 'car with {part}'", 0),
    ("unsafe_words", "short: cat with windmill blades", "short: cat of Lego bricks", 0),
    ("parents_without_counterpart", "parents: [shark, butterfly]", "parents: [bat, moth]", 0),
    ("one_parent", "parents: [turtle, umbrella]", "parents: [turtle]", 0),
    ("same_parents", "parents: [rocket, bee]", "parents: [rockets, pineapples]", 0),
    ("description_of_class", ANTLERS, TOWER, 1),
    ("alike_descriptions", CHAIR, HOG, 1),
    (
        "prompt_too_long",
        "a garden snail whose",
        "a garden snail " + "with a fine golden rim " * 12 + "whose",
        1,
    ),
    ("counterpart_unknown", "name: house", "name: snork hovel", 0),
    ("wnids_of_other_things", "- n07614500  # ice cream", "- n02346627  # ice cream", 1),
    ("unknown_wnid", "- n04398044  # teapot", "- n04398045  # teapot", 1),
]


@pytest.fixture(scope="module", autouse=True)
def encoder():
    with one_text_encoder():
        yield


def deep(path: Path) -> tuple[tuple[CatalogWarning, ...], list[str]]:
    """Warnings of the deep check with the starter encoder, and what was noted."""
    reporter = SilentReporter()
    request = DeepCheck("starter", None, reporter)
    return check_catalog_deep(load_catalog(path), path, request), reporter.notes


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """The shipped catalog with every fault planted, and its warnings."""
    text = SHIPPED
    for _, old, new, _ in PLANTED:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path_factory.mktemp("planted") / "concepts.yaml"
    path.write_text(text, encoding="utf-8")
    return path, deep(path)[0]


@pytest.mark.parametrize(("code", "old", "new", "above"), PLANTED, ids=[row[0] for row in PLANTED])
def test_a_planted_fault_is_told_at_its_line(planted, code, old, new, above):
    path, warnings = planted
    text = path.read_text(encoding="utf-8")
    line = text[: text.index(new)].count("\n") + 1 - above
    told = [str(warning) for warning in warnings if (warning.line, warning.code) == (line, code)]
    assert len(told) == 1
    assert told[0].startswith(f"{path}:{line}: ")
    assert told[0].endswith(f" [{code}]")
    assert "; " in told[0]


def test_nothing_that_the_plain_check_tells_is_lost_or_told_twice(planted):
    path, warnings = planted
    plain = check_catalog(load_catalog(path), path)
    places = [(one.line, one.code) for one in warnings]
    assert len(plain) >= 5
    assert {(one.line, one.code) for one in plain} <= set(places)
    assert len(places) == len(set(places))
    assert places == sorted(places)


def test_the_shipped_catalog_has_no_warning_and_the_encoders_limits_are_told():
    found, notes = deep(shipped_catalog_path())
    assert found == ()
    assert notes == [
        "The starter encoder knows few words and finds no synonyms; to compare by meaning, pass "
        "--encoder ViT-B-32/laion2b_s34b_b79k"
    ]
