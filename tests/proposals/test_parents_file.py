"""The user's own list of parents: short if they like, and every fault at once with its line."""

from pathlib import Path

import pytest

from isekai_gen.errors import InputError
from isekai_gen.prompts.imagenet_names import read_imagenet_names
from isekai_gen.proposals import parents as parents_module
from isekai_gen.proposals.constraints import choose_parents
from isekai_gen.proposals.parents import read_parents
from isekai_gen.proposals.traits import Traits


@pytest.fixture
def read(tmp_path):
    def read_text(text):
        path = tmp_path / "own.yaml"
        path.write_text(text, encoding="utf-8")
        return read_parents(path, read_imagenet_names())

    return read_text


def faults_of(read, text):
    with pytest.raises(InputError) as told:
        read(text)
    return [line.rpartition("own.yaml:")[2] for line in str(told.value).splitlines()]


def test_a_name_that_imagenet_knows_is_enough(read):
    (hammerhead,) = read("- name: hammerhead\n")
    assert hammerhead.wnids == ("n01494475",)
    assert hammerhead.key == "n01494475"
    assert hammerhead.domain == "fish"
    assert "shark" in hammerhead.kinds
    assert "shark" in hammerhead.definition
    assert hammerhead.traits_of == "hammerhead"
    assert hammerhead.traits.head


def test_a_kind_without_traits_has_those_of_the_nearest_kind(read):
    (tiger_shark,) = read("- name: tiger shark\n")
    assert tiger_shark.traits_of == "shark"
    (wren,) = read("- name: wren\n")
    assert (wren.domain, wren.traits_of) == ("birds", "birds")


def test_all_that_is_written_stands(read):
    (own,) = read(
        "- name: hurdy-gurdy\n"
        "  domain: instruments\n"
        "  wnids: [n03549897]\n"
        "  definition: a crank-driven fiddle\n"
        "  kinds: [fiddle]\n"
        "  traits:\n"
        "    limbs: [one small crank, three taut strings]\n"
        "    material: varnished pear wood\n"
    )
    assert own.traits == Traits(
        limbs=("one small crank", "three taut strings"), material=("varnished pear wood",)
    )
    assert own.traits_of == "itself"
    assert own.definition == "a crank-driven fiddle"
    assert own.wnids == ("n03549897",)
    assert own.kinds[0] == "fiddle"


def test_a_thing_imagenet_has_not_is_known_by_its_name(read):
    (own,) = read("- name: lava lamp\n  domain: household-objects\n")
    assert (own.key, own.wnids) == ("own:lava-lamp", ())
    assert own.traits_of == "household-objects"


def test_of_several_meanings_the_domain_chooses(read):
    (bird,) = read("- name: crane\n  domain: birds\n")
    (machine,) = read("- name: crane\n  domain: tools\n")
    assert bird.wnids == ("n02012849",)
    assert machine.wnids == ("n03126707",)


def test_the_list_works_with_constraints(read):
    own = read("- name: kestrel\n- {name: lava lamp, domain: household-objects}\n")
    choice = choose_parents(own, from_=["birds"], with_=["lava lamps"])
    assert [p.name for p in choice.bodies] == ["kestrel"]
    assert [p.name for p in choice.lenders] == ["lava lamp"]


def test_every_fault_is_told_with_its_line(read):
    text = (
        "- nam: hedgehog\n"
        "- name: owl\n"
        "  domain: brids\n"
        "  wnids: [n01, n99999999, n10366966]\n"
        "  traits:\n"
        "    surface: a coat of feathers\n"
        "    smell: old books\n"
        "- name: Owl\n"
        "- 7\n"
    )
    told = faults_of(read, text)
    assert [line.split(":")[0] for line in told] == [
        "1",
        "1",
        "3",
        "4",
        "4",
        "4",
        "6",
        "7",
        "8",
        "9",
    ]
    said = "\n".join(told)
    for words in (
        "unknown key 'nam'",
        "lacks the key 'name'",
        "did you mean 'birds'",
        "'n01' is no wnid",
        "n99999999 is no class",
        "is a person; people are never parents",
        "begins with an article",
        "unknown key 'smell'",
        "'Owl' is already in line 2",
        "must be a mapping",
    ):
        assert words in said


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- name: nurse\n", "people are never parents"),
        ("- name: gizmotron\n", "write 'domain: ...', one of animals"),
        ("- name: '!!'\n  domain: toys\n", "choose a name with ASCII letters"),
        ("- name: 鯨\n  domain: mammals\n", "1: "),
        ("- name: pig\n- name: hog\n", "'hog' is what line 1 has; keep one"),
        ("[]\n", "is an empty list"),
        ("", "the file is empty"),
        ("- name: !!python/object:os.system x\n", "YAML tag"),
        ("- name: owl\n  traits: {}\n", "'traits' is empty"),
        ("- name: owl\n  traits: [wings]\n", "must be a mapping"),
    ],
)
def test_what_cannot_be_used_is_told(read, text, told):
    assert any(told in line for line in faults_of(read, text))


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_parents(tmp_path / "none.yaml", read_imagenet_names())


def test_the_packages_own_list_is_a_list_like_the_users():
    shipped = Path(parents_module.__file__).parent / "shipped" / "traits.yaml"
    imagenet = read_imagenet_names()
    read_as_own = read_parents(shipped, imagenet)
    shipped_parents = read_parents(None, imagenet)
    assert read_as_own[0] == shipped_parents[0]
    assert len(read_as_own) < len(shipped_parents)
