"""Wildcard files: what they mean, and that they stay inside of their folder."""

from fractions import Fraction
from pathlib import Path

import pytest

from isekai_gen.errors import TemplateError
from isekai_gen.prompts.expansion import count_prompts, expand_prompts
from isekai_gen.prompts.templates import TemplateSet, load_templates
from isekai_gen.records import Concept

HOG = Concept("hog", "hog", "real", "hog", "hog", "a hog")


def write(folder: Path, **files: str) -> Path:
    """Files below wildcards/; "__" in a name is "/", "_txt" its suffix."""
    for name, content in files.items():
        path = (
            folder
            / "wildcards"
            / name.replace("__", "/").replace("_txt", ".txt").replace("_yaml", ".yaml")
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return folder / "wildcards"


def load(folder: Path, text: str) -> TemplateSet:
    path = folder / "templates.yaml"
    path.write_text(f"schema: 1\ntemplates:\n  - id: t\n    text: '{text}'\n", encoding="utf-8")
    wildcards = folder / "wildcards"
    return load_templates(path, wildcards if wildcards.exists() else None)


def texts_of(folder: Path, text: str) -> list[str]:
    templates = load(folder, text)
    count = count_prompts(templates, HOG)
    return [prompt.text for prompt in expand_prompts(templates, HOG, range(count), 0, "exhaustive")]


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(TemplateError) as error:
        load(folder, text)
    return [line.removeprefix(f"{folder}/") for line in str(error.value).splitlines()]


def weights(templates: TemplateSet, name: str) -> dict[str, Fraction]:
    return {value.text: value.weight for value in templates.wildcards.values[name]}


def test_a_line_of_a_text_file_is_a_value(tmp_path):
    write(tmp_path, pet_txt="# pets\ncat\n\n  dog \r\n3::{red|green} fish\n\\# seven\n")
    assert texts_of(tmp_path, "__pet__") == ["cat", "dog", "red fish", "green fish", "# seven"]
    assert weights(load(tmp_path, "__pet__"), "pet")["{red|green} fish"] == 3


def test_files_lie_in_folders_and_name_each_other(tmp_path):
    write(tmp_path, a__b__pet_txt="cat\n__size__ dog\n", size_txt="big\nsmall\n")
    assert texts_of(tmp_path, "__a/b/pet__") == ["cat", "big dog", "small dog"]


def test_yaml_collections_are_named_by_their_keys(tmp_path):
    beasts = "animals:\n  big: [lion, '2::bear']\n  small:\n    wild: [vole]\n"
    write(tmp_path, beasts_yaml=beasts, zoo__x_yaml="cage:\n  - '{tin|iron} cage'\n")
    write(tmp_path, zoo__plain_yaml="- one\n- two\n")
    text = "__animals/big__ __animals/small/wild__ __zoo/cage__ __zoo/plain__"
    assert texts_of(tmp_path, text)[:2] == [
        "lion vole tin cage one",
        "lion vole tin cage two",
    ]
    assert weights(load(tmp_path, text), "animals/big") == {"lion": 1, "bear": 2}


def test_a_glob_takes_all_files_that_match_and_adds_up_weights(tmp_path):
    write(tmp_path, colors_txt="red\nred\nblue\n", colors2_txt="2::blue\ngray\n")
    write(tmp_path, deep__colors_txt="never\n", other_yaml="colors3: [gray]\n")
    assert weights(load(tmp_path, "__colors*__"), "colors*") == {"red": 2, "blue": 3, "gray": 2}


def test_only_files_that_are_used_are_read(tmp_path):
    folder = write(tmp_path, pet_txt="cat\n", broken_txt="{", deep__broken_yaml="{", b_yaml="[")
    templates = load(tmp_path, "__pet__")
    assert templates.wildcards.files == (folder / "pet.txt",)
    assert load(tmp_path, "no wildcard").wildcards.folder is None


def test_an_unknown_wildcard_is_told_with_its_place(tmp_path):
    write(tmp_path, pet_txt="cat\n  a __pte__\n")
    assert faults(tmp_path, "x __pet__ __pett__") == [
        "templates.yaml:4:22: unknown wildcard __pett__; did you mean 'pet'?",
        "wildcards/pet.txt:2:5: unknown wildcard __pte__; did you mean 'pet'?",
    ]


def test_a_wildcard_without_a_folder_is_told_with_the_remedy(tmp_path):
    (fault,) = faults(tmp_path, "x __pet__")
    assert fault.startswith(
        "templates.yaml:4:14: wildcard __pet__ needs a folder of wildcard files"
    )
    assert "--wildcards" in fault
    (tmp_path / "wildcards").mkdir()
    assert "has no .txt or .yaml file" in faults(tmp_path, "x __pet__")[0]


def test_every_fault_of_every_file_is_told_at_once(tmp_path):
    write(tmp_path, pet_txt="cat\n  big {dog\n0::cow\n", size_yaml="size:\n  - big\n  - a {|b}\n")
    assert [":".join(fault.split(":")[:3]) for fault in faults(tmp_path, "__pet__ __size__")] == [
        "wildcards/pet.txt:2:7",
        "wildcards/pet.txt:3:1",
        "wildcards/size.yaml:3:8",
    ]


def test_wildcards_that_lead_back_to_themselves_are_refused(tmp_path):
    write(tmp_path, a_txt="x\n{y|__b__}\n", b_txt="__c__\n", c_txt="z __a__\n", d_txt="__a__\n")
    found = faults(tmp_path, "__d__")
    assert [fault.split(": ")[0] for fault in found] == [
        "wildcards/a.txt:2:4",
        "wildcards/b.txt:1:1",
        "wildcards/c.txt:1:3",
    ]
    assert "__b__ leads back to __a__, without end" in found[0]


@pytest.mark.parametrize("content", ["", "# only\n\n"])
def test_a_file_without_values_is_refused(tmp_path, content):
    write(tmp_path, pet_txt=content)
    assert faults(tmp_path, "__pet__") == [
        "wildcards/pet.txt: there is no value; write one in each line"
    ]


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    folder = write(tmp_path, cat_txt="cat\n")
    secret = tmp_path / "secret"
    secret.write_text("password\n")
    (folder / "pet.txt").symlink_to(secret)
    (folder / "pets.yaml").symlink_to(secret)
    (fault,) = faults(tmp_path, "__pet__")
    assert fault.startswith("wildcards/pet.txt: this leads out of")
    assert any(
        "wildcards/pets.yaml: this leads out of" in line for line in faults(tmp_path, "__x__")
    )


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../secret", "."])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path, name):
    write(tmp_path, cat_txt="cat\n")
    (tmp_path / "secret.txt").write_text("password\n")
    (fault,) = faults(tmp_path, f"__{name}__")
    assert "does not name a file below the wildcards folder" in fault


def test_two_lists_of_one_name_are_refused_and_a_text_file_goes_first(tmp_path):
    write(tmp_path, a_yaml="pet: [cat]\n", b_yaml="pet: [dog]\n")
    (fault,) = faults(tmp_path, "__pet__")
    assert fault.startswith("wildcards/b.yaml:1: wildcard __pet__ is also in")
    write(tmp_path, pet_txt="cow\n")
    assert texts_of(tmp_path, "__pet__") == ["cow"]


def test_yaml_that_runs_code_is_refused(tmp_path):
    witness = tmp_path / "ran"
    write(tmp_path, a_yaml=f"pet: [!!python/object/apply:os.mkdir ['{witness}']]\n")
    assert "YAML tag" in "".join(faults(tmp_path, "__pet__"))
    assert not witness.exists()


def test_lines_with_refused_characters_and_lengths_are_faults(tmp_path):
    write(tmp_path, pet_txt="cat\nd\u202eog\n" + "x" * 2001 + "\n")
    found = faults(tmp_path, "__pet__")
    assert found[0].startswith("wildcards/pet.txt:2: a value of wildcard __pet__ has the control")
    assert found[1].startswith("wildcards/pet.txt:3: a value of wildcard __pet__ has 2001")


def test_a_wildcard_of_ten_thousand_weighted_lines_is_balanced_and_quick(tmp_path):
    lines = "".join(f"{1 + i % 2}::w{i}\n" for i in range(10_000))
    write(tmp_path, many_txt=lines)
    templates = load(tmp_path, "{red|blue} {short} __many__ __many__")
    assert count_prompts(templates, HOG) == 2 * 10_000**2
    prompts = expand_prompts(templates, HOG, range(1000), 0)
    assert len({(prompt.slots["many"], prompt.slots["many#2"]) for prompt in prompts}) == 1000
    heavy = sum(int(prompt.slots["many"][1:]) % 2 for prompt in prompts)
    assert 600 < heavy < 733
