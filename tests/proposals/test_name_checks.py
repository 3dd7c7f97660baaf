"""Names that ImageNet has, or nearly has, are told apart from those that are free."""

import re

import pytest

from isekai_gen.prompts import shipped_catalog_path
from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.prompts.imagenet_names import read_imagenet_names
from isekai_gen.proposals import edit_similarity
from isekai_gen.proposals.edit_similarity import count_edits
from isekai_gen.proposals.name_checks import allowed_edits, are_near, name_stems, real_names


@pytest.fixture(scope="module")
def names():
    return real_names(read_imagenet_names())


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("Porcupines", "name_in_imagenet", "n02346627 (porcupine, hedgehog; ImageNet-1k)"),
        ("ice-cream", "name_in_imagenet", "ice cream"),
        ("hedgehogger", "name_stem_in_imagenet", "has the stem of 'hedgehog'"),
        ("hedgehogged", "name_stem_in_imagenet", "has the stem of 'hedgehog'"),
        ("telescoping", "name_stem_in_imagenet", "'telescope'"),
        ("hedgehug", "name_near_imagenet", "is 1 letter away from 'hedgehog'"),
        ("rhynocerus", "name_near_imagenet", "is 2 letters away from 'rhinoceros'"),
    ],
)
def test_a_name_that_something_real_nearly_has_is_told(names, name, code, said):
    near = names.nearest(name)
    assert near is not None
    assert near.code == code
    assert said in near.said


def test_two_edits_are_too_many_for_a_short_name(names):
    assert names.is_free("octapous")
    assert not names.is_free("octopous")


def test_the_invented_names_of_the_shipped_catalog_are_free(names):
    catalog = load_catalog(shipped_catalog_path())
    assert all(names.is_free(group.fictional.name) for group in catalog.groups)
    assert not any(names.is_free(g.real.name) for g in catalog.groups if g.real.wnids)


def test_no_name_that_is_called_free_collides_by_an_independent_check(names):
    """Plain sets and loops over timm's names, without an index."""
    letters = {
        re.sub(r"[^a-z0-9]", "", lemma.lower())
        for lemmas in names.imagenet.lemmas.values()
        for lemma in lemmas
        if lemma.isascii()
    }
    for name in ("clockrab", "petalfin", "flutterfin", "stagbeacon", "waxcrawler", "melonwing"):
        assert names.is_free(name)
        for ending in ("", "s", "es", "ing", "ed", "er"):
            assert name + ending not in letters
            assert name.removesuffix(ending) not in letters
        most = 2 if len(name) >= 10 else 1
        assert not [word for word in letters if within(name, word, most)]


def within(a: str, b: str, edits: int) -> bool:
    """Whether so many edits are enough, by trying each edit in turn."""
    if a == b:
        return True
    if edits == 0 or abs(len(a) - len(b)) > edits:
        return False
    if a and b and a[0] == b[0]:
        return within(a[1:], b[1:], edits)
    options = ((a[1:], b), (a, b[1:]), (a[1:], b[1:]))
    return any(within(x, y, edits - 1) for x, y in options if (x, y) != (a, b))


def test_longer_names_may_be_further_off(names):
    assert [allowed_edits("a" * letters) for letters in (5, 6, 9, 10, 20)] == [0, 1, 1, 2, 2]
    assert allowed_edits("a b c d e") == 0


def test_inflections_of_one_word_meet():
    assert name_stems("hopping") & name_stems("hopper")
    assert name_stems("baking") & name_stems("bake")
    assert not name_stems("king") & name_stems("k")
    assert not name_stems("cactihog") & name_stems("snailpot")


def test_two_invented_names_are_near_by_stem_or_spelling():
    assert are_near("cactihog", "Cacti-Hogs")
    assert are_near("cactihog", "cactohog")
    assert are_near("mushroom haven", "mushroom heaven")
    assert not are_near("cactihog", "cactisaur")


def test_a_name_is_compared_letter_by_letter_with_a_hundredth_of_imagenet(names, monkeypatch):
    compared = []

    def counted(a, b):
        compared.append(b)
        return count_edits(a, b)

    monkeypatch.setattr(edit_similarity, "count_edits", counted)
    made = [f"{a}{b}" for a in ("cacti", "snow", "lamp", "petal") for b in ("hog", "fin", "crab")]
    for name in made:
        names.nearest(name)
    real = {name for called in names.imagenet.lemmas.values() for name in called}
    assert 0 < len(compared) / len(made) < len(real) / 100
