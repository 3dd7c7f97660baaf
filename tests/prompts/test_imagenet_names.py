"""ImageNet's names as timm carries them, found however a catalog spells them."""

import subprocess
import sys

import pytest

from isekai_gen.errors import MissingDependencyError
from isekai_gen.prompts import imagenet_names
from isekai_gen.prompts.imagenet_names import contains_words, name_forms, read_imagenet_names
from tests.small_jobs import environment


@pytest.fixture(scope="module")
def imagenet():
    return read_imagenet_names()


def test_agrees_with_timm_about_every_class(imagenet):
    from timm.data.imagenet_info import ImageNetInfo

    info = ImageNetInfo("imagenet-1k")
    assert imagenet.classes_1k == set(info.label_names())
    for wnid in info.label_names():
        assert ", ".join(imagenet.lemmas[wnid]) == info.label_name_to_description(wnid)
    larger = ImageNetInfo("imagenet-21k-goog")
    assert set(larger.label_names()) <= imagenet.lemmas.keys() == imagenet.definitions.keys()


@pytest.mark.parametrize(
    "name", ["ice cream", "Ice Cream", "ice-cream", "icecream", "ICE  CREAMS", "Ice-Creams"]
)
def test_spelling_does_not_hide_a_name(imagenet, name):
    assert "n07614500" in imagenet.wnids_of(name)


@pytest.mark.parametrize(
    ("plural", "wnid"),
    [
        ("wolves", "n02114100"),
        ("strawberries", "n07745940"),
        ("boxes", "n02883344"),
        ("teapots", "n04398044"),
        ("sunglass", "n04356056"),  # there it is called "sunglasses"
        ("Café", "n02935658"),
    ],
)
def test_plurals_and_accents_do_not_hide_a_name(imagenet, plural, wnid):
    assert wnid in imagenet.wnids_of(plural)


def test_an_invented_word_is_nobodys_name(imagenet):
    for name in ("cactihog", "octopus vacuum", "", "!?"):
        assert imagenet.wnids_of(name) == ()


def test_the_thousand_classes_come_first(imagenet):
    found = imagenet.wnids_of("hedgehog")
    assert found == ("n02346627", "n01893825")
    assert imagenet.title(found[0]) == "n02346627 (porcupine, hedgehog; ImageNet-1k)"
    assert imagenet.title(found[1]).endswith("ImageNet-21k)")


def test_a_class_speaks_of_a_thing_by_name_or_by_definition(imagenet):
    assert imagenet.speaks_of("n02415577", "sheep")  # bighorn sheep
    assert imagenet.speaks_of("n03773504", "rocket")  # missile: "a rocket carrying a warhead"
    assert not imagenet.speaks_of("n03773504", "rock")


@pytest.mark.parametrize(
    ("text", "name", "there"),
    [
        ("a bunch of Vacuum-Cleaners", "vacuum cleaner", True),
        ("cleaner vacuum", "vacuum cleaner", False),
        ("catapult", "cat", False),
        ("", "cat", False),
        ("cat", "", False),
    ],
)
def test_words_are_found_whole_and_in_order(text, name, there):
    assert contains_words(text, name) == there


def test_short_words_and_double_s_are_no_plurals():
    assert name_forms("gas") == {"gas"}
    assert name_forms("glass") == {"glass"}


def test_reading_them_imports_neither_timm_nor_torch():
    code = (
        "import sys; from isekai_gen.prompts.imagenet_names import read_imagenet_names; "
        "read_imagenet_names(); print(sorted({'timm', 'torch'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_without_timm_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(imagenet_names, "find_spec", lambda name: None)
    read_imagenet_names.cache_clear()
    with pytest.raises(MissingDependencyError, match="pip install"):
        read_imagenet_names()
    read_imagenet_names.cache_clear()
