import random

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from isekai_gen.errors import ManifestError
from isekai_gen.manifests.lcl_check import check_lcl_split, check_lcl_test, check_lcl_train
from isekai_gen.manifests.lcl_files import write_test_files, write_train_files
from isekai_gen.manifests.lcl_labels import label_classes
from isekai_gen.manifests.lcl_order import check_class_order
from isekai_gen.manifests.lcl_split import LclClass, LclNumbers, split_classes
from isekai_gen.manifests.lcl_test_rows import build_test_rows
from isekai_gen.manifests.lcl_train_rows import build_train_rows, check_neighbor_count
from isekai_gen.neighbors.image_classes import imagenet_wnids
from isekai_gen.shards import read_lines
from isekai_gen.stages.class_folders import imagenet_class_names
from tests.manifests.lcl_cases import NUMBERS, make_class, make_classes, rankings, write_images
from tests.upstream_reader import (
    TestReader,
    TrainReader,
    check_bins,
    measure_test,
    read_class_order,
    read_train,
)


def rows_to_train(classes, numbers=NUMBERS):
    split = split_classes(classes, numbers)
    return [each.row for each in build_train_rows(split.train, rankings(classes), numbers)]


def rows_to_test(classes, numbers=NUMBERS):
    split = split_classes(classes, numbers)
    return build_test_rows(split.test, label_classes(classes), numbers)


def test_upstream_reads_training_classes_at_every_shot_count(tmp_path):
    classes = make_classes(40)
    write_images(tmp_path, classes)
    numbers = LclNumbers(samples=6, neighbors=12, context=5, test_classes=4)
    split = split_classes(classes, numbers)
    made = build_train_rows(split.train, rankings(classes), numbers)
    name, count = write_train_files(tmp_path, split.train, made)
    assert (name, count) == ("train36_pairs.jsonl", 36)
    read_train(tmp_path / name, tmp_path)
    order = read_class_order(tmp_path / "cls_sort.csv")
    rows = read_lines(tmp_path / name)
    check_bins(rows, order)
    assert check_lcl_train(rows) == []
    assert check_class_order((tmp_path / "cls_sort.csv").read_text().splitlines(), rows) == []
    with pytest.raises(IndexError):
        TrainReader(tmp_path / name, tmp_path).prompt(0, 0, random.Random(0))


def test_upstream_reads_test_classes_at_every_shot_count(tmp_path):
    classes = make_classes(13, images=21)
    write_images(tmp_path, classes)
    numbers = LclNumbers(samples=3, neighbors=3, context=17, test_classes=4)
    split = split_classes(classes, numbers)
    rows = build_test_rows(split.test, label_classes(classes), numbers)
    name = write_test_files(tmp_path, split.test, rows)
    assert name == "test4_pairs.jsonl"
    measure_test(tmp_path / name, tmp_path, per_class=4)
    with pytest.raises(IndexError):
        TestReader(tmp_path / name, tmp_path).prompt(0, 18, random.Random(0))
    assert check_lcl_test(read_lines(tmp_path / name)) == []


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**40),
    count=st.integers(9, 24),
    neighbors=st.integers(1, 6),
    order=st.randoms(use_true_random=False),
)
def test_rows_keep_the_rules_and_do_not_depend_on_the_order_of_classes(
    seed, count, neighbors, order
):
    numbers = LclNumbers(samples=3, neighbors=neighbors, context=4, test_classes=4, seed=seed)
    classes = make_classes(count)
    try:
        train = rows_to_train(classes, numbers)
    except ManifestError:
        reject()  # so many bins are not possible: the next test is about that
    test = rows_to_test(classes, numbers)
    assert check_lcl_train(train) == check_lcl_test(test) == check_lcl_split(train, test) == []
    shuffled = order.sample(classes, count)
    assert rows_to_train(sorted(shuffled, key=lambda each: each.key), numbers) == train
    assert rows_to_test(shuffled, numbers) == test
    for row in test:
        of_class = next(each for each in classes if each.class_id == row["class_id"])
        assert sorted(row["context_samples"] + row["test_samples"]) == sorted(of_class.images)


@given(st.integers(2, 200), st.integers(1, 60))
def test_every_number_of_neighbors_is_possible_or_the_largest_is_named(n_classes, asked):
    classes = make_classes(n_classes, images=1)
    numbers = LclNumbers(samples=1, neighbors=asked, context=1)
    try:
        row = next(build_train_rows(classes, rankings(classes), numbers)).row
    except ManifestError as error:
        most = int(str(error).rsplit("--neighbors ", 1)[1])
        assert 1 <= most < asked
        smaller = LclNumbers(samples=1, neighbors=most, context=1)
        row = next(build_train_rows(classes, rankings(classes), smaller)).row
        asked = most
    assert len({class_id for class_id, _, _ in row["neighbors"]}) == asked


def test_a_class_depends_on_itself_and_its_ranking_only():
    classes = make_classes(13)
    rows = {row["class_id"]: row["samples"] for row in rows_to_train(classes)}
    more = {row["class_id"]: row["samples"] for row in rows_to_train([*classes, make_class(14)])}
    shared = rows.keys() & more.keys()
    assert len(shared) >= 7
    assert all(rows[class_id] == more[class_id] for class_id in shared)


def test_training_rows_keep_capitals_and_apostrophes():
    classes = [make_class(n, name="Jack-o'-Lantern" if n % 2 else "") for n in range(1, 14)]
    rows = rows_to_train(classes)
    assert any(row["class_name"] == "Jack-o'-Lantern" for row in rows)
    assert check_lcl_train(rows) == []


def test_names_of_test_classes_are_normalized_and_made_distinct():
    names = ["Crane", "crane", "St. Bernard", "potter's wheel", "image", "maillot"]
    labels = label_classes([make_class(n, name=name) for n, name in enumerate(names)])
    assert list(labels.values()) == [
        "crane n00000000",
        "crane n00000001",
        "st bernard",
        "potters wheel",
        "image n00000004",
        "maillot",
    ]


def test_names_that_contain_each_other_are_not_paired():
    names = ["shark", "tiger shark", "fox", "red fox"]
    classes = [make_class(n, name=name) for n, name in enumerate(names)]
    rows = build_test_rows(classes, label_classes(classes), NUMBERS)
    assert [row["class_name"] for row in rows] == ["shark", "fox", "tiger shark", "red fox"]
    assert check_lcl_test(rows) == []


@given(st.permutations(["shark", "tiger shark", "whale shark", "fox", "owl", "bee"]))
def test_names_that_can_be_paired_are_paired_in_whatever_order_they_come(names):
    classes = [make_class(n, name=name) for n, name in enumerate(names)]
    rows = build_test_rows(classes, label_classes(classes), NUMBERS)
    assert sorted(row["class_name"] for row in rows) == sorted(names)
    assert check_lcl_test(rows) == []


def test_as_many_neighbors_as_nobody_has_are_refused_at_once():
    with pytest.raises(ManifestError, match="ask for --neighbors 3"):
        check_neighbor_count(6, 10**30)


def test_names_that_cannot_be_paired_are_refused():
    classes = [make_class(1, name="shark"), make_class(2, name="tiger shark")]
    with pytest.raises(
        ManifestError,
        match=r"'shark' can be paired with none of the 1 that are left \('tiger shark'\)",
    ):
        build_test_rows(classes, label_classes(classes), NUMBERS)


def test_names_that_cannot_be_mended_are_refused_where_they_are_tested():
    classes = [make_class(1, name="an <image> of it"), make_class(2, name="shark")]
    labels = label_classes(classes)
    with pytest.raises(ManifestError, match=r"rename the folders: n00000001: .*<image>"):
        build_test_rows(classes, labels, NUMBERS)
    assert build_test_rows([*classes[1:], make_class(3)], label_classes(make_classes(3)), NUMBERS)


def test_all_names_of_imagenet_are_usable_in_any_split():
    names = imagenet_class_names()
    keys = imagenet_wnids("imagenet-1k")
    classes = [
        LclClass(key, key, names.name_class(key).name, (f"{key}/1", f"{key}/2")) for key in keys
    ]
    labels = label_classes(classes)
    assert labels["n02012849"] == "crane n02012849"
    assert labels["n03590841"] == "jack-o-lantern"
    assert len(set(labels.values())) == 1000
    for seed in range(5):
        numbers = LclNumbers(samples=1, context=1, seed=seed)
        rows = build_test_rows(split_classes(classes, numbers).test, labels, numbers)
        assert check_lcl_test(rows) == []
