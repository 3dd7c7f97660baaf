"""Every rule of lcl-train and lcl-test: broken, it fails upstream's reading, and is named by us."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.manifests.lcl_check import (
    TEST_KEYS,
    TRAIN_KEYS,
    check_lcl_split,
    check_lcl_test,
    check_lcl_train,
)
from isekai_gen.manifests.lcl_labels import label_classes
from isekai_gen.manifests.lcl_order import HEADER, check_class_order, order_line
from isekai_gen.manifests.lcl_split import LclNumbers
from isekai_gen.manifests.lcl_test_rows import build_test_rows
from isekai_gen.manifests.lcl_train_rows import build_train_rows
from isekai_gen.shards import encode_lines
from tests.manifests.lcl_cases import make_classes, rankings, write_images
from tests.upstream_reader import (
    FAILURES,
    check_bins,
    measure_test,
    read_class_order,
    read_train,
)

NUMBERS = LclNumbers(samples=3, neighbors=3, context=2)
SHOTS = 2
CLASSES = make_classes(6, images=4)
MADE = list(build_train_rows(CLASSES, rankings(CLASSES), NUMBERS))
TRAIN = [each.row for each in MADE]
TEST = build_test_rows(CLASSES, label_classes(CLASSES), NUMBERS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("lcl")
    write_images(root / "images", CLASSES)
    (root / "outside.JPEG").write_bytes((root / "images" / CLASSES[0].images[0]).read_bytes())
    return root / "images"


def read_train_rows(rows, folder):
    path = folder / "train.jsonl"
    path.write_bytes(encode_lines(rows))
    read_train(path, folder, SHOTS)


def read_test_rows(rows, folder):
    path = folder / "test.jsonl"
    path.write_bytes(encode_lines(rows))
    measure_test(path, folder, per_class=2, most=SHOTS)


def put(row, key, value):
    return lambda rows: rows[row].__setitem__(key, value)


def set_neighbor(place, **parts):
    """Change id, name or path of a neighbor of the first row."""

    def change(rows):
        class_id, name, path = rows[0]["neighbors"][place]
        old = {"class_id": class_id, "name": name, "path": path}
        rows[0]["neighbors"][place] = list({**old, **parts}.values())

    return change


def repeat_neighbor(rows):
    rows[0]["neighbors"][1] = rows[0]["neighbors"][0]


def neighbor_is_itself(rows):
    rows[0]["neighbors"][0] = [rows[0]["class_id"], rows[0]["class_name"], CLASSES[1].images[0]]


def third_class(rows):
    """A row that is neither the first nor that of its first neighbor."""
    return next(row for row in rows[1:] if row["class_id"] != rows[0]["neighbors"][0][0])


def rename_everywhere(row, name):
    """Change a class's name in its own row and where it is a neighbor."""

    def change(rows):
        class_id = rows[row]["class_id"]
        rows[row]["class_name"] = name
        for each in rows:
            for neighbor in each["neighbors"]:
                if neighbor[0] == class_id:
                    neighbor[1] = name

    return change


def number_ids(rows):
    for row in rows:
        row["class_id"] = int(row["class_id"])
        row["neighbors"] = [[int(each[0]), *each[1:]] for each in row["neighbors"]]


TRAIN_BREAKS = {
    "no rows": (lambda rows: rows.clear(), "must have rows"),
    "key left out": (lambda rows: rows[0].pop("samples"), "exactly the keys"),
    "one key more": (put(0, "wnid", "n1"), "exactly the keys"),
    "numbers as ids": (number_ids, "class_id must be a text"),
    "neighbor ids of another type": (set_neighbor(0, class_id=2), "all texts"),
    "empty id": (put(0, "class_id", ""), "class_id must be a text that is not empty"),
    "id of two rows": (lambda rows: rows[1].update(class_id=rows[0]["class_id"]), "is that of row"),
    "underscores": (rename_everywhere(0, "kit_fox"), "spaces for underscores"),
    "space at the end": (rename_everywhere(0, "kit fox "), "single spaces"),
    "image token": (rename_everywhere(0, "an <image>"), "'<image>'"),
    "end of text": (rename_everywhere(0, "fox</s>"), "'</s>'"),
    "no samples": (put(0, "samples", []), "samples must not be empty"),
    "fewer samples": (lambda rows: rows[1]["samples"].pop(), "samples must have 3 entries"),
    "repeated sample": (
        lambda rows: rows[0]["samples"].__setitem__(0, rows[0]["samples"][1]),
        "samples repeats an image",
    ),
    "sample of another class": (
        lambda rows: rows[1]["samples"].__setitem__(0, rows[0]["samples"][0]),
        "is in row 1, too",
    ),
    "absolute path": (
        lambda rows: rows[0]["samples"].__setitem__(0, "/" + rows[0]["samples"][0]),
        "must be relative",
    ),
    "path out of the folder": (
        lambda rows: rows[0]["samples"].__setitem__(0, "../outside.JPEG"),
        "'..' part",
    ),
    "fewer neighbors": (lambda rows: rows[1]["neighbors"].pop(), "neighbors must have 3 entries"),
    "repeated neighbor": (repeat_neighbor, "neighbors repeats a class"),
    "itself as neighbor": (neighbor_is_itself, "contains the class itself"),
    "neighbor without a row": (set_neighbor(0, class_id="77"), "has no row of its own"),
    "neighbor under another name": (set_neighbor(0, name="kit fox"), "its own row says"),
    "neighbor without a path": (
        lambda rows: rows[0]["neighbors"][0].pop(),
        "[class id, class name, path]",
    ),
    "neighbor that shows a sample": (
        lambda rows: rows[0]["neighbors"][0].__setitem__(2, rows[0]["samples"][0]),
        "a sample of the class itself",
    ),
    "neighbor that shows a third class": (
        lambda rows: rows[0]["neighbors"][0].__setitem__(2, third_class(rows)["samples"][0]),
        "a sample of another class",
    ),
    "neighbor's path out of the folder": (set_neighbor(0, path="../outside.JPEG"), "'..' part"),
}
TEST_BREAKS = {
    "no rows": (lambda rows: rows.clear(), "must have rows"),
    "odd": (lambda rows: rows.pop(), "even number of rows"),
    "key left out": (lambda rows: rows[0].pop("test_samples"), "exactly the keys"),
    "another spelling": (
        lambda rows: rows[0].update(in_context_samples=rows[0].pop("context_samples")),
        "exactly the keys",
    ),
    "one key more": (put(0, "wnid", "n1"), "exactly the keys"),
    "number as id": (put(0, "class_id", 1), "class_id must be a text"),
    "id of two rows": (lambda rows: rows[1].update(class_id=rows[0]["class_id"]), "is that of row"),
    "name of two rows": (
        lambda rows: rows[2].update(class_name=rows[0]["class_name"].upper()),
        "class_name",
    ),
    "apostrophe": (put(0, "class_name", "jack-o'-lantern"), "quote, apostrophe or full stop"),
    "quote": (put(0, "class_name", 'a "thing"'), "quote, apostrophe or full stop"),
    "full stop": (put(0, "class_name", "st. bernard"), "quote, apostrophe or full stop"),
    "word of the answer": (put(0, "class_name", "image"), "part of the answer sentence"),
    "substring of its pair's": (
        lambda rows: (
            rows[0].update(class_name="shark"),
            rows[1].update(class_name="tiger shark"),
        ),
        "occurs in the answer",
    ),
    "image token": (put(0, "class_name", "an <image>"), "'<image>'"),
    "fewer context images": (
        lambda rows: rows[1]["context_samples"].pop(),
        "context_samples must have 2 entries",
    ),
    "nothing to test": (put(0, "test_samples", []), "test_samples must not be empty"),
    "context among the tested": (
        lambda rows: rows[0]["test_samples"].__setitem__(0, rows[0]["context_samples"][0]),
        "context_samples and test_samples share",
    ),
    "repeated context": (
        lambda rows: rows[0]["context_samples"].__setitem__(0, rows[0]["context_samples"][1]),
        "context_samples repeats an image",
    ),
    "repeated test image": (
        lambda rows: rows[0]["test_samples"].__setitem__(0, rows[0]["test_samples"][1]),
        "test_samples repeats an image",
    ),
    "image of two classes": (
        lambda rows: rows[0]["test_samples"].__setitem__(0, rows[1]["context_samples"][0]),
        "is in row 1, too",
    ),
    "absolute path": (
        lambda rows: rows[0]["test_samples"].__setitem__(0, "/a.JPEG"),
        "must be relative",
    ),
    "path out of the folder": (
        lambda rows: rows[0]["test_samples"].__setitem__(0, "../outside.JPEG"),
        "'..' part",
    ),
}


def test_valid_rows_pass_both(folder):
    read_train_rows(TRAIN, folder)
    read_test_rows(TEST, folder)
    assert check_lcl_train(TRAIN) == check_lcl_test(TEST) == []


@pytest.mark.parametrize("name", TRAIN_BREAKS)
def test_a_broken_training_rule_fails_upstream_and_is_named(name, folder):
    change, words = TRAIN_BREAKS[name]
    rows = copy.deepcopy(TRAIN)
    change(rows)
    with pytest.raises(FAILURES):
        read_train_rows(rows, folder)
    assert any(words in fault for fault in check_lcl_train(rows)), check_lcl_train(rows)


@pytest.mark.parametrize("name", TEST_BREAKS)
def test_a_broken_test_rule_fails_upstream_and_is_named(name, folder):
    change, words = TEST_BREAKS[name]
    rows = copy.deepcopy(TEST)
    change(rows)
    with pytest.raises(FAILURES):
        read_test_rows(rows, folder)
    assert any(words in fault for fault in check_lcl_test(rows)), check_lcl_test(rows)


def test_capitals_of_test_classes_are_no_fault(folder):
    rows = copy.deepcopy(TEST)
    rows[0]["class_name"] = "English Setter"
    read_test_rows(rows, folder)
    assert check_lcl_test(rows) == []


def test_a_class_that_is_trained_and_tested_is_named():
    (fault,) = check_lcl_split(TRAIN, TEST[:1])
    assert fault == f"class '{TEST[0]['class_id']}' is a training class and a test class"
    assert check_lcl_split(TRAIN, []) == []
    every = check_lcl_split(TRAIN, TEST)
    assert every == sorted(every)
    assert len(every) == len(CLASSES)


def lines():
    return [HEADER, *map(order_line, MADE)]


def swapped(rows):
    rows[0]["neighbors"].reverse()


ORDER_BREAKS = {
    "another header": (lambda text, rows: text.__setitem__(0, HEADER[:-3]), "line 1"),
    "not itself first": (
        lambda text, rows: text.__setitem__(1, ",".join(["1", *text[1].split(",")[:0:-1]])),
        "most similar to itself",
    ),
    "a class left out": (
        lambda text, rows: text.__setitem__(1, text[1].rsplit(",", 1)[0]),
        "name each of 6 classes once",
    ),
    "another class": (lambda text, rows: text.append("77" + text[1][1:]), "has no row"),
    "two lines": (lambda text, rows: text.append(text[1]), "has a line already"),
    "a line left out": (lambda text, rows: text.pop(), "has no line"),
    "neighbors not nearest first": (lambda text, rows: swapped(rows), "nearest first"),
}


@pytest.mark.parametrize("name", ORDER_BREAKS)
def test_a_broken_rule_of_the_order_fails_upstream_and_is_named(name, folder):
    change, words = ORDER_BREAKS[name]
    text, rows = lines(), copy.deepcopy(TRAIN)
    assert check_class_order(text, rows) == []
    change(text, rows)
    path = folder / "cls_sort.csv"
    path.write_text("".join(f"{line}\n" for line in text))
    if name != "two lines":  # upstream keeps the later one
        with pytest.raises(FAILURES):
            check_bins(rows, read_class_order(path))
    assert any(words in fault for fault in check_class_order(text, rows))


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
TEXTS = st.lists(st.text(max_size=3), max_size=3)


@given(st.lists(ANY_JSON | st.fixed_dictionaries(dict.fromkeys(TRAIN_KEYS, ANY_JSON)), max_size=3))
def test_any_json_is_judged_as_training_rows_without_a_crash(rows):
    assert check_lcl_train(rows)


@given(st.lists(ANY_JSON | st.fixed_dictionaries(dict.fromkeys(TEST_KEYS, ANY_JSON)), max_size=3))
def test_any_json_is_judged_as_test_rows_without_a_crash(rows):
    assert check_lcl_test(rows)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "class_id": st.text(max_size=2),
                "class_name": st.text(max_size=4),
                "samples": TEXTS,
                "neighbors": st.lists(st.lists(st.text(max_size=2), max_size=4), max_size=3),
                "context_samples": TEXTS,
                "test_samples": TEXTS,
            }
        ),
        max_size=3,
    )
)
def test_rows_of_the_right_types_are_judged_without_a_crash(rows):
    for keys, check in ((TRAIN_KEYS, check_lcl_train), (TEST_KEYS, check_lcl_test)):
        check([{key: row[key] for key in keys} for row in rows])
