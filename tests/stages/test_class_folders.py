"""Datasets with a folder for each class, also such as nobody should be harmed by."""

import os

import pytest

from isekai_gen.errors import InputError
from isekai_gen.neighbors.image_classes import ImageClass
from isekai_gen.stages.class_folders import open_class_folder, tell_unused
from tests.small_jobs import Recorder

FISH, SHARK = "n01440764", "n01484850"


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return root


def test_imagenets_layout_has_its_classes_below_train(tmp_path):
    touch(tmp_path, f"train/{SHARK}/b.JPEG", f"train/{FISH}/a.JPEG", f"val/{FISH}/v.JPEG")
    found = open_class_folder(tmp_path)
    assert found.classes == (
        ImageClass(FISH, "tench", FISH, None, 0),
        ImageClass(SHARK, "great white shark", SHARK, None, 2),
    )
    assert dict(found.images) == {
        FISH: (f"train/{FISH}/a.JPEG",),
        SHARK: (f"train/{SHARK}/b.JPEG",),
    }


def test_any_folder_for_each_class_will_do(tmp_path):
    touch(tmp_path, "b_c/2.png", "b_c/1.jpg", "b_c/deep/3.webp", "a/x.png", "a/notes.txt", "r.md")
    found = open_class_folder(tmp_path)
    assert [entry.name for entry in found.classes] == ["a", "b c"]
    assert found.images["b_c"] == ("b_c/1.jpg", "b_c/2.png", "b_c/deep/3.webp")
    assert found.images["a"] == ("a/x.png",)


def test_a_class_may_be_called_train(tmp_path):
    touch(tmp_path, "train/1.png", "plane/1.png")
    assert [entry.key for entry in open_class_folder(tmp_path).classes] == ["plane", "train"]


def test_classes_without_images_are_said(tmp_path):
    touch(tmp_path, "a/1.png", "b/1.png", "c/readme.txt")
    (tmp_path / "d").mkdir()
    assert open_class_folder(tmp_path).empty == ("c", "d")


def test_hidden_files_and_folders_are_skipped(tmp_path):
    touch(tmp_path, "a/1.png", "a/.2.png", "b/1.png", "b/.trash/2.png", ".git/1.png")
    found = open_class_folder(tmp_path)
    assert dict(found.images) == {"a": ("a/1.png",), "b": ("b/1.png",)}
    assert not found.refused
    assert not found.empty


def test_links_that_lead_elsewhere_are_refused(tmp_path):
    root = touch(tmp_path / "set", "a/1.png", "b/1.png")
    secret = touch(tmp_path, "secret/9.png") / "secret"
    (root / "a/out.png").symlink_to(secret / "9.png")
    (root / "a/gone.png").symlink_to(root / "nowhere.png")
    (root / "a/around.png").symlink_to(root / "a/around.png")
    (root / "a/inside.png").symlink_to(root / "b/1.png")
    (root / "a/folder").symlink_to(secret)
    (root / "c").symlink_to(secret)
    (root / "notes").symlink_to(root / "notes")
    os.mkfifo(root / "b/pipe.png")
    found = open_class_folder(root)
    assert dict(found.images) == {"a": ("a/1.png", "a/inside.png"), "b": ("b/1.png",)}
    assert set(found.refused) == {
        "a/out.png",
        "a/gone.png",
        "a/around.png",
        "a/folder",
        "b/pipe.png",
        "c",
    }
    assert "out of the folder" in found.refused["a/out.png"]


def test_a_link_to_a_train_folder_elsewhere_is_not_followed(tmp_path):
    elsewhere = touch(tmp_path, "far/x/1.png", "far/y/1.png") / "far"
    root = touch(tmp_path / "set", "a/1.png", "b/1.png")
    (root / "train").symlink_to(elsewhere)
    found = open_class_folder(root)
    assert [entry.key for entry in found.classes] == ["a", "b"]
    assert set(found.refused) == {"train"}


def test_a_name_that_is_not_utf8_is_refused(tmp_path):
    touch(tmp_path, "a/1.png", "b/1.png")
    with open(os.fsencode(tmp_path / "a") + b"/\xff.png", "wb"):  # noqa: PTH123 - bytes
        pass
    os.mkdir(os.fsencode(tmp_path) + b"/\xfe")  # noqa: PTH102 - bytes
    found = open_class_folder(tmp_path)
    assert dict(found.images) == {"a": ("a/1.png",), "b": ("b/1.png",)}
    assert len(found.refused) == 2


def test_a_choice_of_images_does_not_depend_on_other_classes(tmp_path):
    names = [f"{key}/{number:03d}.png" for key in "abc" for number in range(30)]
    few = open_class_folder(touch(tmp_path / "three", *names), most_per_class=5, seed=3)
    two = touch(tmp_path / "two", *(name for name in names if name[0] != "b"))
    assert {key: len(found) for key, found in few.images.items()} == {"a": 5, "b": 5, "c": 5}
    assert list(few.images["a"]) == sorted(few.images["a"])
    alone = open_class_folder(two, most_per_class=5, seed=3)
    assert alone.images["c"] == few.images["c"]
    assert open_class_folder(two, most_per_class=5, seed=4).images["c"] != few.images["c"]
    assert [n[2:] for n in few.images["a"]] != [n[2:] for n in few.images["c"]]
    assert len(open_class_folder(two, most_per_class=30).images["a"]) == 30


@pytest.mark.parametrize("place", ["map_clsloc.txt", "devkit/data/map_clsloc.txt"])
def test_a_class_map_is_found_where_it_usually_lies(tmp_path, place):
    touch(tmp_path, f"train/{FISH}/a.JPEG", f"train/{SHARK}/b.JPEG", place)
    (tmp_path / place).write_text(f"{SHARK} 1 white_shark\n{FISH} 2 tench\n")
    ids = [(entry.ilsvrc_id, entry.name) for entry in open_class_folder(tmp_path).classes]
    assert ids == [(2, "tench"), (1, "white shark")]


def test_a_class_map_beside_the_folder_is_found_and_a_named_one_goes_first(tmp_path):
    root = touch(tmp_path / "set", f"{FISH}/a.JPEG", f"{SHARK}/b.JPEG")
    (tmp_path / "map_clsloc.txt").write_text(f"{SHARK} 1 shark\n")
    own = tmp_path / "own.txt"
    own.write_text(f"{FISH} 1 fish\n")
    assert [entry.ilsvrc_id for entry in open_class_folder(root).classes] == [None, 1]
    assert [entry.ilsvrc_id for entry in open_class_folder(root, own).classes] == [1, None]


def test_a_class_map_of_other_classes_is_refused(tmp_path):
    root = touch(tmp_path / "set", "a/1.png", "b/1.png")
    path = tmp_path / "map.txt"
    path.write_text(f"{FISH} 1 fish\n")
    with pytest.raises(InputError, match="names none of the 2 classes"):
        open_class_folder(root, path)


def test_folders_that_are_no_dataset_are_refused_in_a_line(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        open_class_folder(tmp_path / "none")
    with pytest.raises(InputError, match=r"0 folder\(s\) with images"):
        open_class_folder(touch(tmp_path / "flat", "1.png", "2.png"))
    with pytest.raises(InputError, match=r"1 folder\(s\) with images"):
        open_class_folder(touch(tmp_path / "one", "a/1.png"))


def test_names_that_manifests_cannot_hold_are_refused_on_one_line(tmp_path):
    touch(tmp_path, "a/1.png", "b/1.png", "b/two\nlines.png", "b/back\\slash.png", "c\rd/1.png")
    touch(tmp_path, "C:d/1.png", "b/10:30 Uhr\u00a0früh.png")
    found = open_class_folder(tmp_path)
    assert dict(found.images) == {
        "a": ("a/1.png",),
        "b": ("b/1.png", "b/10:30 Uhr\u00a0früh.png"),
    }
    assert set(found.refused) == {
        r"'b/two\nlines.png'",
        r"b/back\slash.png",
        r"'c\rd'",
        "C:d",
    }
    assert "control characters" in found.refused[r"'c\rd'"]


def test_folders_may_lie_deeper_than_python_calls(tmp_path):
    touch(tmp_path, "a/1.png", "b/1.png")
    deep = tmp_path / "a"
    for _ in range(1200):
        deep = deep / "d"
        deep.mkdir()
    (deep / "2.png").write_bytes(b"")
    try:
        assert len(open_class_folder(tmp_path).images["a"]) == 2
    finally:  # whoever clears the temporary folder may go down by recursion
        (deep / "2.png").unlink()
        os.removedirs(deep)


def test_what_is_not_used_is_said_in_few_words(tmp_path):
    touch(tmp_path, "a/1.png", "b/1.png", *(f"c{number}/x.txt" for number in range(5)))
    (tmp_path / "a/gone.png").symlink_to(tmp_path / "nowhere")
    reporter = Recorder()
    tell_unused(reporter, open_class_folder(tmp_path))
    assert reporter.notes == [
        "5 folders have no images: c0; c1; c2; and 2 more",
        "1 files or folders are refused: a/gone.png is a symbolic link to nothing",
    ]
