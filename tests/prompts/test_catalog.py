import textwrap
from pathlib import Path

import pytest

from isekai_gen.errors import ConceptError
from isekai_gen.prompts.catalog import Catalog, load_catalog

GOOD = """\
schema: 1
name: two things
groups:
  - fictional:
      name: Cactihog
      short: hedgehog with cactus spines
      description: a small
        hedgehog
      parents: [hedgehog, cactus]
      attributes: {pose: [curled up, walking]}
      negative_prompt: quills
    real:
      name: hedgehog
      short: hedgehog
      description: a small brown hedgehog
      wnids: [n02346627]
"""


def load(folder: Path, text: str) -> Catalog:
    path = folder / "concepts.yaml"
    path.write_text(text, encoding="utf-8")
    return load_catalog(path)


def faults(folder: Path, text: str) -> list[str]:
    """The faults, each without the folder: "concepts.yaml:3: ..."."""
    with pytest.raises(ConceptError) as error:
        load(folder, text)
    lines = str(error.value).splitlines()
    assert all(line.startswith(f"{folder}/concepts.yaml:") for line in lines)
    return [line.removeprefix(f"{folder}/") for line in lines]


def only_fault(folder: Path, old: str, new: str) -> str:
    """The one fault after a replacement in the good catalog."""
    assert old in GOOD
    (fault,) = faults(folder, GOOD.replace(old, new, 1))
    return fault


def test_reads_groups_in_order_with_all_fields(tmp_path):
    catalog = load(tmp_path, GOOD)
    fictional, real = catalog.concepts
    assert catalog.name == "two things"
    assert [group.slug for group in catalog.groups] == ["cactihog"]
    assert (fictional.slug, fictional.name, fictional.kind) == ("cactihog", "Cactihog", "fictional")
    assert fictional.description == "a small hedgehog"
    assert fictional.parents == ("hedgehog", "cactus")
    assert fictional.attributes == {"pose": ("curled up", "walking")}
    assert fictional.negative_prompt == "quills"
    assert (real.slug, real.kind, real.group) == ("hedgehog", "real", "cactihog")
    assert real.wnids == ("n02346627",)
    assert catalog.concept("hedgehog") == real


def test_knows_the_line_of_every_field_and_takes_no_account_of_it(tmp_path):
    catalog = load(tmp_path, GOOD)
    assert catalog.line_of("cactihog", "description") == 7
    assert catalog.line_of("hedgehog", "wnids") == 16
    assert catalog.line_of("hedgehog", "negative_prompt") == 13  # it has none: its name's line
    moved = load(tmp_path, "# a comment\n" + GOOD)
    assert moved.line_of("hedgehog", "wnids") == 17
    assert moved == catalog


def test_asking_for_an_unknown_slug_is_a_wrong_call(tmp_path):
    with pytest.raises(KeyError):
        load(tmp_path, GOOD).concept("unicorn")


def test_tells_every_fault_at_once_in_the_order_of_lines(tmp_path):
    text = textwrap.dedent("""\
        schema: 2
        name: ""
        groups:
          - fictional:
              name: Cactihog
              shrt: hedgehog with cactus spines
              description: 42
              parents: []
            real:
              name: cactihog
              short: a hedgehog
              description: x
              wnids: [n0234662]
        """)
    lines = [int(fault.split(":")[1]) for fault in faults(tmp_path, text)]
    assert lines == [1, 2, 5, 6, 7, 8, 10, 11, 13]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("schema: 1", "schema: true", "concepts.yaml:1: schema must be 1"),
        ("schema: 1\n", "", "concepts.yaml:1: the catalog lacks the key 'schema'"),
        ("negative_prompt:", "negativ_prompt:", "did you mean 'negative_prompt'?"),
        ("      parents: [hedgehog, cactus]\n", "", "concepts.yaml:5: a fictional concept lacks"),
        ("[hedgehog, cactus]", "hedgehog", "concepts.yaml:9: 'parents' must be a list, not text"),
        ("[hedgehog, cactus]", "[]", "concepts.yaml:9: 'parents' is an empty list"),
        ("[hedgehog, cactus]", "[cactus, cactus]", "'cactus' is twice in 'parents'"),
        ("[hedgehog, cactus]", "[cactus, no]", "must be text, not true/false; put it in quotes"),
        ("name: Cactihog", "name: 茸", "concepts.yaml:5: '茸' has no ASCII letter or digit"),
        ("name: hedgehog", "name: CACTIHOG", "makes the slug 'cactihog', taken in line 5"),
        ("name: Cactihog", "name: " + "x" * 81, "concepts.yaml:5: 'name' has 81 characters"),
        ("short: hedgehog with", "short: A hedgehog with", "begins with an article"),
        ("negative_prompt: quills", "negative_prompt: ''", "'negative_prompt' is empty"),
        ("{pose: [curled up, walking]}", "{Pose: [walking]}", "'Pose' is no attribute name"),
        ("{pose: [curled up, walking]}", "{short: [walking]}", "is a slot of every concept"),
        ("{pose: [curled up, walking]}", "{pose: []}", "attribute 'pose' is an empty list"),
        ("{pose: [curled up, walking]}", "{}", "'attributes' must map names to lists"),
        ("n02346627", "n02346627, n02346627", "is twice in 'wnids'"),
        ("n02346627", "n0234662\u0667", "is no wnid"),
        ("wnids: [n02346627]", "parents: [x]", "unknown key 'parents' in a real concept"),
        ("name: two things", "name: one\nname: two", "concepts.yaml:3: duplicate key 'name'"),
        ("name: two things", 'name: "a\\u0007b"', "control character '\\x07'"),
        ("name: two things", 'name: "a\\u202eb"', "control character '\\u202e'"),
        ("name: two things", "name: [a]", "'name' must be text, not a list"),
        ("name: two things", "name:", "'name' must be text, not nothing; write some text"),
        ("name: two things", "name: ' TODO: name'", "concepts.yaml:2: placeholder ' TODO: name'"),
        ("[curled up, walking]", "[curled up, TODO]", "concepts.yaml:10: placeholder 'TODO'; "),
    ],
)
def test_names_the_fault_and_its_line(tmp_path, old, new, expected):
    assert expected in only_fault(tmp_path, old, new)


def test_a_misspelled_group_key_is_told_with_what_is_then_missing(tmp_path):
    found = faults(tmp_path, GOOD.replace("    real:", "    reel:"))
    assert [fault.split(": ", 1)[1] for fault in found] == [
        "a group lacks the key 'real'; add it",
        "unknown key 'reel' in a group; did you mean 'real'?",
    ]


def test_a_date_or_a_hexadecimal_number_is_text(tmp_path):
    catalog = load(tmp_path, GOOD.replace("Cactihog", "2024-13-45").replace("quills", "0x1F"))
    assert catalog.groups[0].slug == "2024-13-45"
    assert catalog.groups[0].fictional.negative_prompt == "0x1F"


def test_a_group_that_is_no_mapping_is_a_fault_beside_the_others(tmp_path):
    found = faults(tmp_path, GOOD + "  - snailpot\n  - [a]\n")
    assert [fault.split(": ")[0] for fault in found] == ["concepts.yaml:17", "concepts.yaml:18"]


def test_one_real_concept_cannot_serve_two_groups(tmp_path):
    again = GOOD[GOOD.index("  - fictional") :].replace("Cactihog", "Snailpot")
    (fault,) = faults(tmp_path, GOOD + again)
    assert "'hedgehog' makes the slug 'hedgehog', taken in line 13" in fault


@pytest.mark.parametrize("content", ["", "# nothing\n", "- a\n", "just words\n", "schema: [1\n"])
def test_a_file_that_is_no_catalog_is_one_fault(tmp_path, content):
    assert len(faults(tmp_path, content)) == 1


def test_a_syntax_error_names_its_line(tmp_path):
    (fault,) = faults(tmp_path, GOOD.replace("name: two things", "name: two: things"))
    assert fault.startswith("concepts.yaml:2: YAML syntax:")


def test_a_missing_file_is_named_with_its_reason(tmp_path):
    with pytest.raises(ConceptError, match=r"none\.yaml: the file cannot be read \(No such file"):
        load_catalog(tmp_path / "none.yaml")


def test_a_folder_is_no_catalog(tmp_path):
    with pytest.raises(ConceptError, match="not a regular file"):
        load_catalog(tmp_path)
