"""ImageNet's three ids, and the file that knows the third of them."""

import pytest

from isekai_gen.errors import InputError
from isekai_gen.neighbors.image_classes import (
    ClassNames,
    ImageClass,
    MappedClass,
    class_indices,
    imagenet_wnids,
    read_class_map,
)

FOX, CAT, DOG = "n02119789", "n02123045", "n02085620"


@pytest.fixture
def names():
    return ClassNames(
        lemmas={FOX: ("kit fox", "Vulpes macrotis"), DOG: ("Chihuahua",)},
        index_of=class_indices([FOX, DOG]),
        class_map={FOX: MappedClass(1, "kit fox of the map")},
    )


def test_a_mapped_class_has_all_three_ids_and_the_name_of_the_map(names):
    assert names.name_class(FOX) == ImageClass(FOX, "kit fox of the map", FOX, 1, 1)


def test_without_a_line_in_the_map_the_ilsvrc_id_is_unknown(names):
    assert names.name_class(DOG) == ImageClass(DOG, "Chihuahua", DOG, None, 0)


def test_a_wnid_that_nobody_knows_is_its_own_name(names):
    assert names.name_class("n99999999") == ImageClass("n99999999", "n99999999", "n99999999")


def test_any_other_folder_is_called_by_its_name(names):
    assert names.name_class("ice_cream") == ImageClass("ice_cream", "ice cream")
    assert names.name_class("_").name == "_"


def test_editions_of_imagenet_have_the_classes_they_are_known_for():
    small, large = imagenet_wnids("imagenet-1k"), imagenet_wnids("imagenet-21k")
    assert (len(set(small)), len(set(large))) == (1000, 21841)
    assert small == sorted(small)
    assert class_indices(small)["n01440764"] == 0  # tench, as torchvision has it


def test_a_class_map_is_read_in_any_order(tmp_path):
    path = tmp_path / "map_clsloc.txt"
    path.write_text(f"{CAT} 2 tabby\n{FOX} 1 kit_fox\n")
    found = read_class_map(path)
    assert found == {FOX: MappedClass(1, "kit fox"), CAT: MappedClass(2, "tabby")}


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        (f"{FOX} 1\n", 1, "2 columns"),
        (f"{FOX} 1 kit fox\n", 1, "4 columns"),
        (f"{FOX}  1 kit_fox\n", 1, "4 columns"),
        (f"{FOX} 1 kit_fox\n\n", 2, "1 columns"),
        ("kit_fox 1 fox\n", 1, "no wnid"),
        (f"{FOX} 0 kit_fox\n", 1, "no id"),
        (f"{FOX} one kit_fox\n", 1, "no id"),
        (f"{FOX} 1 kit_fox\n{FOX} 2 fox\n", 2, "has a line already"),
        (f"{FOX} 1 kit_fox\n{CAT} 1 tabby\n", 2, "that of line 1"),
        (f"{FOX} 1 kit_fox\n{CAT} 3 tabby\n", 2, "id 3 in a map of 2 lines"),
    ],
)
def test_a_fault_of_a_class_map_is_named_with_its_line(tmp_path, text, place, reason):
    path = tmp_path / "map_clsloc.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=reason) as raised:
        read_class_map(path)
    assert str(raised.value).startswith(f"{path}:{place}: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe1"])
def test_a_file_that_is_no_class_map_is_refused(tmp_path, content):
    path = tmp_path / "map.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"map\.txt: "):
        read_class_map(path)
