import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.manifests.check import ROW_KEYS, check_manifest


def valid_rows():
    shared = {"positive_promt": "icemic", "negative_promt": "ice cream"}
    lists = {"positive_list": ["a/1.png", "a/2.png"], "negative_list": ["b/1.png", "b/2.png"]}
    return [
        {"image_name": "a/0.png", "label_name": "icemic", **shared, **copy.deepcopy(lists)},
        {"image_name": "b/0.png", "label_name": "ice cream", **shared, **copy.deepcopy(lists)},
    ]


def test_valid_rows_have_no_fault():
    assert check_manifest(valid_rows()) == []


BREAKS = {
    "no rows": lambda rows: rows.clear(),
    "odd": lambda rows: rows.pop(),
    "missing key": lambda rows: rows[0].pop("positive_promt"),
    "modern spelling": lambda rows: rows[0].update(positive_prompt="icemic"),
    "not an object": lambda rows: rows.__setitem__(0, ["a"]),
    "number as label": lambda rows: rows[0].update(label_name=3),
    "list of numbers": lambda rows: rows[0].update(positive_list=[1, 2]),
    "empty list": lambda rows: rows[0].update(positive_list=[]),
    "short list": lambda rows: rows[1]["negative_list"].pop(),
    "foreign label": lambda rows: rows[0].update(label_name="teapot"),
    "upper case": lambda rows: [row.update(positive_promt="Icemic") for row in rows],
    "same name": lambda rows: [row.update(negative_promt="icemic") for row in rows],
    "substring": lambda rows: [row.update(negative_promt="mic") for row in rows],
    "answer word": lambda rows: [row.update(negative_promt="image") for row in rows],
    "absolute": lambda rows: rows[0].update(image_name="/etc/passwd"),
    "parent": lambda rows: rows[0]["positive_list"].__setitem__(0, "../a.png"),
    "windows path": lambda rows: rows[0].update(image_name="a\\0.png"),
    "query in support": lambda rows: rows[0]["positive_list"].__setitem__(0, "a/0.png"),
    "repeat": lambda rows: rows[0]["positive_list"].__setitem__(0, "a/2.png"),
    "shared": lambda rows: rows[0]["positive_list"].__setitem__(0, "b/1.png"),
    "labels do not alternate": lambda rows: rows[1].update(label_name="icemic"),
    "negative first": lambda rows: rows.reverse(),
    "other pair": lambda rows: rows[1].update(positive_promt="snailpot"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_every_broken_rule_is_a_fault(name):
    rows = valid_rows()
    BREAKS[name](rows)
    assert check_manifest(rows)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(sorted(ROW_KEYS), ANY_JSON)), max_size=3))
def test_any_json_is_judged_without_a_crash(rows):
    assert check_manifest(rows)


@given(st.lists(ANY_JSON, max_size=3))
def test_rows_of_any_shape_are_judged_without_a_crash(rows):
    assert check_manifest(rows)
