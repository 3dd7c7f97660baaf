import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.errors import ReleaseError
from isekai_gen.models.presets import PRESETS
from isekai_gen.release.documents.answers import Author, GeneratorTerms
from isekai_gen.release.documents.answers_check import is_placeholder
from isekai_gen.release.documents.answers_file import (
    KnownFacts,
    count_placeholders,
    read_answers,
    scaffold,
)
from isekai_gen.release.documents.answers_generators import KNOWN_TERMS
from isekai_gen.release.documents.answers_lines import line_by_path

STARTER = KnownFacts("Sea things", 20, 20, 320, ["starter"])
TEXTS = (
    "description", "contact", "purpose", "uses", "out_of_scope", "selection", "limitations",
    "biases", "personal_information", "social_impact", "maintenance",
)  # fmt: skip
COMPLETE = "".join(f'{key} = "text of {key}"\n' for key in TEXTS) + (
    '[[authors]]\nname = "Ada Lovelace"\norcid = "0000-0002-1825-0097"\n'
    '[generators."ada/model"]\nlicense = "MIT"\nrestrictions = "none"\n'
)


def written(tmp_path, text):
    path = tmp_path / "release.toml"
    path.write_text(text, encoding="utf-8")
    return path


def faults(tmp_path, text, generators=()):
    with pytest.raises(ReleaseError) as error:
        read_answers(written(tmp_path, text), generators)
    return [line.removeprefix(f"{tmp_path}/") for line in str(error.value).splitlines()]


def test_a_complete_file_is_read(tmp_path):
    answers = read_answers(written(tmp_path, COMPLETE), ["ada/model"])
    assert answers.purpose == "text of purpose"
    assert answers.authors == (Author("Ada Lovelace", orcid="0000-0002-1825-0097"),)
    assert answers.generators == {"ada/model": GeneratorTerms("MIT", "", "none")}
    assert answers.funding == ""


def test_a_new_file_leaves_to_the_authors_only_what_they_alone_know(tmp_path):
    path = written(tmp_path, scaffold(STARTER))
    left = faults(tmp_path, path.read_text(), ["starter"])
    assert [fault.partition("; ")[0].partition(": ")[2] for fault in left] == [
        "placeholder 'TODO: e-mail address or URL'",
        "placeholder 'TODO: why you made this dataset'",
        "placeholder 'TODO: who maintains the dataset, and how errors are corrected'",
        "placeholder 'TODO: your name'",
    ]
    assert count_placeholders(path) == 4


def test_faults_name_the_line_of_the_placeholder(tmp_path):
    text = scaffold(STARTER)
    for fault in faults(tmp_path, text):
        number = int(fault.split(":")[1])
        assert "TODO" in text.splitlines()[number - 1]


def test_a_new_file_whose_placeholders_are_replaced_is_complete(tmp_path):
    text = scaffold(STARTER).replace('"TODO: ', '"About ')
    assert read_answers(written(tmp_path, text), ["starter"]).authors == (
        Author("About your name"),
    )


def test_terms_of_an_unknown_generator_are_left_to_the_authors(tmp_path):
    known = KnownFacts("Sea things", 1, 1, 0, ['ada/"own" model'])
    path = written(tmp_path, scaffold(known))
    assert tomllib.loads(path.read_text())["generators"].keys() == {'ada/"own" model'}
    assert count_placeholders(path) == 6


def test_the_terms_of_every_preset_are_known():
    assert {preset.model for preset in PRESETS.values()} <= KNOWN_TERMS.keys()


@given(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=40),
    st.lists(
        st.text(st.characters(exclude_categories=("Cs",)), min_size=1), min_size=1, unique=True
    ),
)
def test_a_new_file_is_toml_whatever_the_dataset_is_called(title, generators):
    tree = tomllib.loads(scaffold(KnownFacts(title, 1, 2, 3, generators)))
    assert list(tree["generators"]) == generators


def test_all_faults_are_said_at_once_each_with_its_line(tmp_path):
    text = COMPLETE.replace('purpose = "text of purpose"', 'porpose = "x"')
    text = text.replace('uses = "text of uses"', "uses = 3").replace("0097", "0098")
    assert faults(tmp_path, text, ["ada/model", "starter"]) == [
        "release.toml:1: 'purpose' is missing: Why it was made: the question it is to answer, the "
        "gap it fills.",
        "release.toml:3: unknown key 'porpose'; did you mean 'purpose'? known here: description, "
        "contact, purpose, uses, out_of_scope, selection, limitations, biases, "
        "personal_information, social_impact, maintenance, funding, homepage, repository, doi",
        "release.toml:4: 'uses' must be a text in quotes, not int",
        "release.toml:14: 'orcid' '0000-0002-1825-0098' has a typing error: its last digit differs",
        "release.toml:15: images were drawn by 'starter', whose terms are missing; add "
        "[generators.'starter'] with license, url and restrictions",
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("homepage", "www.example.org"),
        ("homepage", "https://example.org/a b"),
        ("repository", "no-owner"),
        ("doi", "https://doi.org/10.5281/zenodo.1"),
    ],
)
def test_an_address_in_another_form_is_refused(tmp_path, key, value):
    (fault,) = faults(tmp_path, f'{key} = "{value}"\n{COMPLETE}')
    assert fault.startswith(f"release.toml:1: '{key}' must be ")


@pytest.mark.parametrize("empty", ['""', '"  "', '"""\n\n"""'])
def test_an_empty_text_is_a_fault(tmp_path, empty):
    (fault,) = faults(tmp_path, COMPLETE.replace('"text of biases"', empty))
    assert "'biases' is empty: Known biases." in fault


@pytest.mark.parametrize(
    "text",
    [
        "TODO",
        "TODO: this",
        "  TODO: this",
        "First.\n\nTODO: second",
        "* TODO list this",
        "[More Information Needed]",
    ],
)
def test_a_paragraph_to_be_written_is_a_placeholder(text):
    assert is_placeholder(text)


def test_a_text_that_speaks_of_todo_lists_in_lower_case_is_none():
    assert not is_placeholder("Cartoons of todo lists, drawn by TODOR")


def test_authors_are_needed(tmp_path):
    text = COMPLETE.replace("[[authors]]", "[writers]")
    assert any("no author; give each a [[authors]]" in fault for fault in faults(tmp_path, text))


def test_a_table_in_place_of_a_list_of_authors_is_said(tmp_path):
    (fault,) = faults(tmp_path, COMPLETE.replace("[[authors]]", "[authors]"))
    assert fault.startswith("release.toml:12: no author")


def test_emoji_and_other_scripts_are_welcome(tmp_path):
    text = COMPLETE.replace("text of uses", "\U0001f469\u200d\U0001f52c\u00a0異世界")
    assert read_answers(written(tmp_path, text)).uses == "\U0001f469\u200d\U0001f52c\u00a0異世界"


def test_control_characters_are_refused(tmp_path):
    (fault,) = faults(tmp_path, COMPLETE.replace("text of uses", r"\u001b[31mred"))
    assert fault == "release.toml:4: 'uses' has control characters; remove them"


@pytest.mark.parametrize("text", ["a = ", "a = [1", '"""', "\x00", "a = 1\na = 2"])
def test_a_file_that_is_no_toml_is_one_line(tmp_path, text):
    (fault,) = faults(tmp_path, text)
    assert fault.startswith("release.toml is no TOML: ")


def test_a_missing_or_binary_file_is_one_line(tmp_path):
    with pytest.raises(ReleaseError, match="cannot be read"):
        read_answers(tmp_path / "release.toml")
    (tmp_path / "release.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ReleaseError, match="cannot be read"):
        count_placeholders(tmp_path / "release.toml")


def test_a_huge_file_is_refused_unread(tmp_path):
    (fault,) = faults(tmp_path, f"# {'x' * 200_000}\n")
    assert fault == "release.toml is over 200,000 bytes; shorten its texts"


def test_lines_are_found_through_all_forms_of_toml():
    text = (
        'a = 1\r\n\r\nb.c = """\r\n[not.a.header]\r\n"""\r\n[t] # note\r\nx = [\r\n'
        "  {y = 1},\r\n]\r\n"
        "[[list]]\r\nk = 1\r\n[[list]]\r\nk = 2\r\n"
    )
    lines = line_by_path(text)
    assert lines[("a",)] == 1
    assert lines[("b", "c")] == 3
    assert lines[("t",)] == 6
    assert lines[("t", "x", 0, "y")] == 7
    assert lines[("list", 0, "k")] == 11
    assert lines[("list", 1)] == 12
    assert lines[("list", 1, "k")] == 13
