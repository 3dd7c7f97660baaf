"""How easily a made-up word is said."""

import random

import pytest

from isekai_gen.prompts.imagenet_names import read_imagenet_names
from isekai_gen.proposals.pronounceable import Pronounceability


def lemmas():
    names = {name.lower() for names in read_imagenet_names().lemmas.values() for name in names}
    return sorted(name for name in names if name.isascii() and name.isalpha())


@pytest.fixture(scope="module")
def sayable():
    return Pronounceability(lemmas())


@pytest.mark.parametrize("word", ["cactihog", "snailpot", "strawbunny", "icemic", "clockrab"])
def test_the_names_of_the_shipped_catalog_are_as_easy_as_they_look(sayable, word):
    assert sayable.ease(word) > sayable.ease("cthgrwpb") + 1


@pytest.mark.parametrize("word", ["xqzvbt", "hgcactk", "teaposnl", "rrrrrr"])
def test_heaps_of_consonants_cannot_be_said(sayable, word):
    assert not sayable.is_sayable(word)


def test_the_limits_keep_the_stated_share_of_real_words_and_of_noise():
    words = [word for word in lemmas() if 5 <= len(word) <= 12]
    held_out = words[::5]
    model = Pronounceability(sorted(set(lemmas()) - set(held_out)))
    letters, chance = "".join(words), random.Random(0)
    noise = ["".join(chance.choice(letters) for _ in word) for word in held_out]
    assert sum(map(model.is_sayable, held_out)) / len(held_out) == pytest.approx(0.84, abs=0.02)
    assert sum(map(model.is_sayable, noise)) / len(noise) < 0.035


def test_no_words_are_no_teacher():
    with pytest.raises(ValueError, match="no word of letters"):
        Pronounceability(["1", "é"])
