"""Warnings about a catalog: each tells what is doubtful, at its line."""

from pathlib import Path

import pytest

from isekai_gen.prompts import shipped_catalog_path
from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.stages.concept_check import check_catalog

GOOD = """\
schema: 1
name: two things
groups:
  - fictional:
      name: cactihog
      short: hedgehog with cactus spines
      description: a small round animal whose back is a green cactus with white spines
      parents: [hedgehog, cactus]
    real:
      name: hedgehog
      short: hedgehog
      description: a small animal with a pointed snout and a coat of brown quills
      wnids: [n02346627]
  - fictional:
      name: snailpot
      short: teapot with a snail shell
      description: a striped spiral shell with a spout and a curved handle
      parents: [snail, teapot]
    real:
      name: teapot
      short: teapot
      description: glazed white pottery for hot drinks
      wnids: [n04398044]
"""


def warn(folder: Path, text: str = GOOD) -> list[tuple[int, str, str]]:
    """(line, code, message) of every warning."""
    path = folder / "concepts.yaml"
    path.write_text(text, encoding="utf-8")
    found = check_catalog(load_catalog(path), path)
    assert all(str(warning).startswith(f"{path}:{warning.line}: ") for warning in found)
    return [(warning.line, warning.code, warning.message) for warning in found]


def only_warning(folder: Path, old: str, new: str) -> tuple[int, str, str]:
    """The one warning after a replacement in the good catalog."""
    assert old in GOOD
    (found,) = warn(folder, GOOD.replace(old, new, 1))
    return found


def test_a_good_catalog_has_no_warning(tmp_path):
    assert warn(tmp_path) == []


def test_the_shipped_catalog_has_no_warning():
    path = shipped_catalog_path()
    assert check_catalog(load_catalog(path), path) == ()


@pytest.mark.parametrize(
    "name", ["Porcupine", "porcupines", "Ice-cream", "king crab", "Sun Flower"]
)
def test_an_invented_name_that_something_real_has_is_told(tmp_path, name):
    line, code, message = only_warning(tmp_path, "name: snailpot", f"name: {name}")
    assert (line, code) == (15, "name_in_imagenet")
    assert f"{name!r} is the name of something real in ImageNet: n" in message
    assert "; invent another name" in message


def test_the_class_is_shown_with_its_wnid_and_names(tmp_path):
    _, _, message = only_warning(tmp_path, "name: snailpot", "name: porcupine")
    assert "n02346627 (porcupine, hedgehog; ImageNet-1k)" in message


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[n02346627]", "[n02346628]", (13, "unknown_wnid", "n02346628 is no class of Image")),
        ("[n02346627]", "[n04398044]", (13, "wnids_of_other_things", "so called: n02346627")),
        ("      wnids: [n02346627]\n", "", (10, "wnids_missing", "n02346627 (porcupine, h")),
        ("[hedgehog, cactus]", "[cactus]", (8, "parents_without_counterpart", "'hedgehog'")),
        ("name: snailpot", "name: cactihoger", (15, "labels_break_metric", "'cactihog'")),
        ("name: cactihog", "name: hedgehogger", (10, "labels_break_metric", "rename one")),
    ],
)
def test_tells_what_is_doubtful_where(tmp_path, old, new, expected):
    line, code, said = expected
    found = only_warning(tmp_path, old, new)
    assert found[:2] == (line, code)
    assert said in found[2]


def test_a_label_that_every_answer_contains_is_told(tmp_path):
    found = warn(tmp_path, GOOD.replace("name: snailpot", "name: image"))
    assert [(line, code) for line, code, _ in found] == [
        (15, "label_breaks_metric"),
        (15, "name_in_imagenet"),
    ]
    assert found[0][2].endswith("every answer would name it; choose another name")


@pytest.mark.parametrize(
    "parents", ["[Hedge Hogs, cactus]", "[porcupine, cactus]", "[big hedgehog, cactus]"]
)
def test_a_parent_may_be_the_counterpart_by_another_name(tmp_path, parents):
    assert warn(tmp_path, GOOD.replace("[hedgehog, cactus]", parents)) == []


def test_one_wnid_that_fits_is_enough(tmp_path):
    assert warn(tmp_path, GOOD.replace("[n02346627]", "[n02346627, n04398044]")) == []


def test_the_counterpart_of_another_group_may_lie_in_a_name(tmp_path):
    """No manifest ever asks whether an image shows the one or the other."""
    text = GOOD.replace("name: cactihog", "name: teapothog")
    assert warn(tmp_path, text) == []


SNAILPOT = "a striped spiral shell with a spout and a curved handle"


def test_descriptions_that_are_nearly_the_same_are_told_with_both_lines(tmp_path):
    line, code, message = only_warning(
        tmp_path, "a small animal with a pointed snout and a coat of brown quills", SNAILPOT + "s"
    )
    assert (line, code) == (17, "alike_descriptions")
    assert "'snailpot'" in message
    assert "'hedgehog' in line 12" in message
    assert "from 0.6 on told" in message


def test_a_description_that_is_like_many_is_told_once_with_the_nearest(tmp_path):
    quills = "a small animal with a pointed snout and a coat of brown quills"
    hog = "a small round animal whose back is a green cactus with white spines"
    text = GOOD.replace(SNAILPOT, quills).replace(hog, f"{quills} too")
    found = [(line, message) for line, code, message in warn(tmp_path, text) if "alike" in code]
    assert [line for line, _ in found] == [12, 17]
    assert "'cactihog' in line 7 (similarity 0.9" in found[0][1]
    assert "'hedgehog' in line 12 (similarity 1.00, from 0.6 on told), and like 1 " in found[1][1]


def test_a_counterpart_may_be_described_more_alike_but_not_the_same(tmp_path):
    pottery = "glazed white pottery for hot drinks"
    alike = SNAILPOT.replace("spiral shell", "pot")
    assert warn(tmp_path, GOOD.replace(pottery, alike)) == []
    as_another = warn(
        tmp_path,
        GOOD.replace("a small animal with a pointed snout and a coat of brown quills", alike),
    )
    assert [code for _, code, _ in as_another] == ["alike_descriptions"]
    assert only_warning(tmp_path, pottery, SNAILPOT)[:2] == (22, "alike_descriptions")


def test_warnings_come_in_the_order_of_lines(tmp_path):
    text = GOOD.replace("[hedgehog, cactus]", "[cactus]").replace("snailpot", "porcupine")
    assert [line for line, _, _ in warn(tmp_path, text.replace("n02346627", "n02346628"))] == [
        8,
        13,
        15,
    ]
