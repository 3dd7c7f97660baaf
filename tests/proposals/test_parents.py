"""The package's own parents: who is among them, and who must never be."""

import itertools
import subprocess
import sys
from collections import Counter

import pytest

from isekai_gen.prompts.imagenet_names import name_forms
from isekai_gen.proposals.genus import family_of, kinds_of
from isekai_gen.proposals.parent_records import Parent
from isekai_gen.proposals.parents_rules import reason_to_leave_out
from isekai_gen.proposals.text_checks import Likeness
from isekai_gen.proposals.traits import Traits
from isekai_gen.proposals.wording_sentences import real_description_of
from tests.small_jobs import environment

# By reason; each is a class of ImageNet with a name that many know.
LEFT_OUT = {
    "people": "nurse, king, bride, soldier, farmer, ballerina, pirate, groom, scuba diver, pope",
    "bodies": "skull, human head, hand, beard, wig, tooth",
    "weapons": "rifle, revolver, cannon, missile, sword, dagger, guillotine, assault rifle, tank",
    "drugs": "cigarette, cigar, syringe, pill bottle, beer bottle, red wine, marijuana",
    "faiths": "church, mosque, altar, stupa, crucifix, rosary, monastery, totem pole, cassock",
    "peoples": "abaya, kimono, sombrero, sari, turban, tepee, igloo",
    "brands": "iPod, Polaroid camera, Band Aid, Model T",
    "ailments": "crutch, stretcher, coffin, gas mask, neck brace",
    "the intimate": "brassiere, bikini, diaper, maillot",
    "groups": "herd, swarm, flock",
    "what is too small": "amoeba, bacteria, tick, louse",
    "the abstract": "structure, device, act, web site",
    "breeds": "Chihuahua, beagle, pug, golden retriever, tabby, Persian cat, toy poodle",
    "the obscure": "gyromitra, indri, vizsla, dhole, hartebeest, isopod, dowitcher",
}


@pytest.fixture(scope="module")
def parents(real_parents):
    return real_parents


def test_there_are_hundreds_and_most_have_traits_of_their_own(parents):
    assert len(parents) >= 760
    assert sum(parent.traits_of == "itself" for parent in parents) >= 750


def test_no_two_parents_share_a_key_or_a_name(parents):
    for told in ([p.key for p in parents], [p.name.casefold() for p in parents]):
        assert [value for value, count in Counter(told).items() if count > 1] == []


@pytest.mark.parametrize("why", LEFT_OUT)
def test_leaves_out(parents, why):
    names = {form for parent in parents for form in name_forms(parent.name)}
    assert [name for name in LEFT_OUT[why].split(", ") if name_forms(name) & names] == []


def test_nobody_is_a_parent(parents):
    wnids = {wnid for parent in parents for wnid in parent.wnids}
    assert {family_of(wnid) for wnid in wnids} == {
        "animal",
        "artifact",
        "food",
        "nature",
        "plant",
    } | {
        # WordNet files traffic lights under communication.
        "other"
    }
    assert [wnid for wnid in wnids if family_of(wnid) == "other"] == ["n06874185"]


def test_every_class_exists_and_bears_the_name(parents, imagenet):
    for parent in parents:
        assert imagenet.lemmas.keys() >= set(parent.wnids), parent.name
        if parent.wnids:
            called_so = set(imagenet.wnids_of(parent.name)) & set(parent.wnids)
            assert called_so or imagenet.speaks_of(parent.wnids[0], parent.name), parent.name
            assert parent.key == parent.wnids[0]
            assert parent.definition
        else:
            assert parent.key.startswith("own:")
            assert parent.definition, parent.name


def test_few_have_no_class_of_imagenet(parents):
    assert sum(not parent.wnids for parent in parents) <= 0.08 * len(parents)


def test_a_parent_without_traits_has_those_of_its_kind_and_says_so(parents):
    by_name = {parent.name: parent for parent in parents}
    assert by_name["wallaby"].traits_of == "kangaroo"
    assert by_name["wallaby"].traits == by_name["kangaroo"].traits
    assert by_name["chickadee"].traits_of == "birds"
    assert "feathers" in by_name["chickadee"].traits.surface[0]


def test_every_parent_has_enough_to_lend(parents):
    for parent in parents:
        assert parent.traits.habitat, parent.name
        assert parent.traits.build, parent.name
        assert parent.traits.colors, parent.name
        assert parent.traits.surface, parent.name


def test_no_two_with_traits_of_their_own_are_described_alike(parents):
    """From 0.58 on, the offline engine would never take both as counterparts."""
    alike = Likeness()
    own = [(p.name, real_description_of(p)) for p in parents if p.traits_of == "itself"]
    pairs = itertools.combinations(own, 2)
    assert [(a, b) for (a, one), (b, other) in pairs if alike(one, other) >= 0.58] == []


def test_kinds_never_lead_into_another_domain(parents):
    for name, foreign in {"bucket": "vehicle", "wardrobe": "weapon", "sock": "building"}.items():
        kinds = next(parent.kinds for parent in parents if parent.name == name)
        assert foreign not in kinds


def test_definitions_lead_from_kind_to_kind(imagenet):
    (hammerhead,) = imagenet.wnids_of("hammerhead shark")
    chain = [imagenet.lemmas[wnid][0] for wnid in kinds_of(hammerhead, imagenet)]
    assert chain[:2] == ["shark", "fish"]


def test_a_class_is_never_of_its_own_kind(imagenet):
    for wnid in sorted(imagenet.classes_1k):
        chain = kinds_of(wnid, imagenet)
        assert wnid not in chain
        assert len(chain) == len(set(chain))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Chihuahua", "named after a person or a place"),
        ("tabby", "breed"),
        ("monarch", "means something else"),
        ("tick", "parasite"),
        ("drake", "one sex or age"),
        ("gazelle", None),
    ],
)
def test_says_why_an_animal_is_left_out(imagenet, name, reason):
    wnid = next(wnid for wnid in imagenet.wnids_of(name) if family_of(wnid) == "animal")
    assert reason_to_leave_out(wnid, imagenet) == reason


def test_the_same_parents_whatever_the_hash_seed_and_without_a_heavy_library():
    code = (
        "import hashlib, sys\n"
        "from isekai_gen.prompts.imagenet_names import read_imagenet_names\n"
        "from isekai_gen.proposals.parents import read_parents\n"
        "parents = read_parents(None, read_imagenet_names())\n"
        "print(hashlib.sha256(repr(parents).encode()).hexdigest())\n"
        "print(sorted({'torch', 'open_clip', 'timm', 'transformers'} & sys.modules.keys()))\n"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**environment(), "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert said.pop().splitlines()[1] == "[]"


def test_a_parent_is_refused_a_commonness_out_of_range():
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        Parent("own:x", "x", "", "toys", (), Traits(), commonness=1.5)
