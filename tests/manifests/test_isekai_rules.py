"""Every rule of ISEKAI manifests: broken, it fails upstream's reading, and our check names it."""

import copy
import json
from pathlib import Path

import pytest
from PIL import Image

from isekai_gen.errors import ChecksumError
from isekai_gen.manifests.check import check_manifest
from isekai_gen.manifests.files import read_manifest
from isekai_gen.shards import encode_lines
from tests.upstream_reader import FAILURES, measure_isekai

SHOTS = 2


@pytest.fixture
def folder(tmp_path):
    for concept in "ab":
        for number in range(SHOTS + 1):
            path = tmp_path / f"images/{concept}/{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (2, 2), number).save(path)
    (tmp_path / "outside.png").write_bytes((tmp_path / "images/a/0.png").read_bytes())
    return tmp_path / "images"


def valid_rows():
    shared = {"positive_promt": "icemic", "negative_promt": "ice cream"}
    lists = {"positive_list": ["a/1.png", "a/2.png"], "negative_list": ["b/1.png", "b/2.png"]}
    rows = [
        {"image_name": "a/0.png", "label_name": "icemic", **shared, **lists},
        {"image_name": "b/0.png", "label_name": "ice cream", **shared, **lists},
    ]
    return copy.deepcopy(rows)


def rename(old, new):
    def change(rows):
        for row in rows:
            row.update({key: new for key, value in row.items() if value == old})

    return change


def absolute(rows):
    rows[0]["image_name"] = str(Path(__file__).resolve().with_name("nowhere.png"))


BREAKS = {
    "odd": (lambda rows: rows.pop(), "even number of rows"),
    "no rows": (lambda rows: rows.clear(), "must have rows"),
    "key left out": (lambda rows: rows[0].pop("positive_promt"), "exactly the keys"),
    "modern spelling": (
        lambda rows: rows[0].update(positive_prompt=rows[0].pop("positive_promt")),
        "exactly the keys",
    ),
    "one key more": (lambda rows: rows[0].update(note="a"), "exactly the keys"),
    "short list": (lambda rows: rows[1]["negative_list"].pop(), "must have 2 images"),
    "absolute path": (absolute, "must be relative"),
    "path out of the folder": (
        lambda rows: rows[0].update(image_name="../outside.png"),
        "'..' part",
    ),
    "foreign label": (lambda rows: rows[0].update(label_name="teapot"), "label_name 'teapot'"),
    "one name": (rename("ice cream", "icemic"), "must differ"),
    "one name but for case": (rename("ice cream", "Icemic"), "must differ"),
    "upper case": (rename("icemic", "Icemic"), "must be lower-case"),
    "quote": (rename("icemic", 'ice"mic'), "quote, apostrophe or full stop"),
    "apostrophe": (rename("icemic", "o'icemic"), "quote, apostrophe or full stop"),
    "full stop": (rename("icemic", "st. icemic"), "quote, apostrophe or full stop"),
    "substring of the other": (rename("icemic", "cream"), "occurs in the answer"),
    "contains the other": (rename("icemic", "hot ice cream"), "occurs in the answer"),
    "word of the answer": (rename("icemic", "the"), "part of the answer sentence"),
    "image": (rename("icemic", "image"), "part of the answer sentence"),
    "space at the end": (rename("ice cream", "ice cream "), "single spaces"),
    "image token": (rename("icemic", "an <image> of ice"), "'<image>'"),
    "end of example": (rename("icemic", "ice [END EXAMPLE]"), "'[end example]'"),
    "end of text": (rename("icemic", "ice</s>"), "'</s>'"),
    "query among its own": (
        lambda rows: rows[0]["positive_list"].__setitem__(0, "a/0.png"),
        "contains the query",
    ),
    "query among the others": (
        lambda rows: rows[0]["negative_list"].__setitem__(0, "a/0.png"),
        "contains the query",
    ),
    "repeated image": (
        lambda rows: rows[0]["positive_list"].__setitem__(0, "a/2.png"),
        "repeats an image",
    ),
    "image in both lists": (
        lambda rows: rows[0]["positive_list"].__setitem__(0, "b/1.png"),
        "share",
    ),
    "labels not balanced": (
        lambda rows: rows[1].update(label_name="icemic", image_name="a/0.png"),
        "a query of the positive label, then one of the negative",
    ),
    "rows of other pairs": (
        lambda rows: rows[1].update(positive_promt="snailpot"),
        "same two labels",
    ),
}


def test_valid_rows_pass_both(folder):
    path = folder / "rows.json"
    path.write_bytes(encode_lines(valid_rows()))
    measure_isekai(path, folder, SHOTS)
    assert check_manifest(read_manifest(path)) == []


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_rule_fails_upstream_and_is_named(name, folder):
    change, words = BREAKS[name]
    rows = valid_rows()
    change(rows)
    path = folder / "rows.json"
    path.write_bytes(encode_lines(rows))
    with pytest.raises(FAILURES):
        measure_isekai(path, folder, SHOTS)
    assert any(words in fault for fault in check_manifest(read_manifest(path)))


FORMS = {
    "array": lambda rows: json.dumps(rows) + "\n",
    "pretty-printed": lambda rows: "".join(json.dumps(row, indent=1) + "\n" for row in rows),
    "blank line": lambda rows: "\n\n".join(map(json.dumps, rows)) + "\n",
}


@pytest.mark.parametrize("name", FORMS)
def test_another_form_than_json_lines_is_read_by_neither(name, folder):
    path = folder / "rows.json"
    path.write_text(FORMS[name](valid_rows()))
    with pytest.raises(FAILURES):
        measure_isekai(path, folder, SHOTS)
    with pytest.raises(ChecksumError, match=r"rows\.json:1|rows\.json:2"):
        read_manifest(path)


def test_an_image_that_is_missing_or_broken_fails_upstream(folder):
    path = folder / "rows.json"
    path.write_bytes(encode_lines(valid_rows()))
    (folder / "b/2.png").write_bytes(b"no picture")
    with pytest.raises(OSError):
        measure_isekai(path, folder, SHOTS)
