import subprocess
import venv
from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.release.documents.answers import Author
from isekai_gen.release.documents.citation import bibtex, citation_cff, escape_bibtex, unwrapped
from isekai_gen.release.documents.citation_check import check_citation
from isekai_gen.release.documents.citation_licenses import spdx_id
from isekai_gen.release.documents.citation_names import split_name
from tests.release.conftest import ANSWERS, OPTIONS, make_small
from tests.release.facts import small_facts

ORCID = "0000-0002-1825-0097"


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    return small_facts(make_small(tmp_path_factory.mktemp("citation") / "workspace"))


def told(facts, **answers):
    return replace(facts, answers=replace(ANSWERS, **answers))


def titled(facts, title):
    return replace(facts, options=replace(OPTIONS, title=title))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Ada Lovelace", ("Ada", "", "Lovelace")),
        ("Vincent van Gogh", ("Vincent", "van", "Gogh")),
        ("Guido van der Berg", ("Guido", "van der", "Berg")),
        ("Gabriel García Márquez", ("Gabriel García", "", "Márquez")),
        ("García Márquez, Gabriel", ("Gabriel", "", "García Márquez")),
        ("de la Cruz, Ana", ("Ana", "de la", "Cruz")),
        ("The Isekai Team", None),
        ("Example University", None),
        ("DeepDream", None),
    ],
)
def test_people_have_given_and_family_names_and_groups_have_neither(name, parts):
    found = split_name(Author(name))
    assert (found and (found.given, found.particle, found.family)) == parts


def test_who_has_an_orcid_is_a_person_whatever_the_name():
    assert split_name(Author("Jane Institute", orcid=ORCID)).family == "Institute"
    assert split_name(Author("Sukarno", orcid=ORCID)).family == "Sukarno"


def test_the_citation_file_has_what_is_known(facts):
    value = yaml.safe_load(citation_cff(told(facts, doi="10.5281/zenodo.1")))
    assert value["type"] == "dataset"
    assert (value["title"], value["version"]) == (OPTIONS.title, OPTIONS.version)
    assert value["date-released"] == "2026-01-31"
    assert value["license"] == "CC0-1.0"
    assert value["doi"] == "10.5281/zenodo.1"
    assert value["authors"] == [
        {
            "given-names": "Ada",
            "family-names": "Lovelace",
            "affiliation": "Analytical Society",
            "orcid": f"https://orcid.org/{ORCID}",
        }
    ]
    paper = value["references"][0]
    assert [author["family-names"] for author in paper["authors"]] == [
        "Tai", "Fan", "Zhang", "Liu",
    ]  # fmt: skip
    assert "2308.07891" in paper["identifiers"][0]["value"]


def test_what_is_not_known_is_left_out(facts):
    own = replace(OPTIONS, license_id="our-license", license_text="Be kind.")
    value = yaml.safe_load(citation_cff(replace(facts, date=None, options=own)))
    assert not {"date-released", "license", "doi", "url", "repository"} & value.keys()
    assert "year" not in bibtex(replace(facts, date=None))


def test_licenses_are_known_by_the_hubs_names():
    assert spdx_id("cc-by-sa-4.0") == "CC-BY-SA-4.0"
    assert spdx_id("odbl") == "ODbL-1.0"
    assert spdx_id("creativeml-openrail-m") is None


def test_bibtex_names_version_year_and_place(facts):
    entry = bibtex(
        told(
            facts,
            authors=(Author("Vincent van Gogh"), Author("The 100% Team")),
            repository="ada/isekai_test",
        )
    )
    assert entry == (
        "@misc{isekai-test-1.0.0,\n"
        "  title = {{Isekai test}},\n"
        "  author = {van Gogh, Vincent and {The 100\\% Team}},\n"
        "  year = {2026},\n"
        "  version = {1.0.0},\n"
        "  note = {Dataset, version 1.0.0},\n"
        "  howpublished = {\\url{https://huggingface.co/datasets/ada/isekai_test}}\n"
        "}\n"
    )


def test_line_breaks_that_only_wrap_lines_are_taken_out():
    text = "One\ntwo.\n\nThree:\n- four\n- five\nsix\n"
    assert unwrapped(text) == "One two.\n\nThree:\n- four\n- five six"


@given(st.text())
def test_no_title_can_end_a_bibtex_field_early(title):
    escaped = escape_bibtex(title)
    depth = 0
    for before, char in zip(f" {escaped}", escaped, strict=False):
        if before != "\\":
            depth += {"{": 1, "}": -1}.get(char, 0)
        assert depth >= 0
    assert depth == 0
    assert "\n" not in escaped


PRINTABLE = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1)


@given(title=PRINTABLE, name=PRINTABLE, description=PRINTABLE)
def test_whatever_authors_write_comes_back_from_yaml(facts, title, name, description):
    changed = titled(
        told(facts, authors=(Author(name, orcid=ORCID),), description=description), title
    )
    text = citation_cff(changed)
    assert check_citation(text, title=title, version=OPTIONS.version) == []
    assert yaml.safe_load(text)["abstract"] == description
    (author,) = yaml.safe_load(text)["authors"]
    assert all(part in name for part in (author["family-names"], author.get("given-names", "")))


def faults(text):
    return check_citation(text, title=OPTIONS.title, version=OPTIONS.version)


@pytest.mark.parametrize(
    ("fault", "change"),
    [
        ("version must be '1.0.0', but is '2.0.0'", {"version": "2.0.0"}),
        ("title must be 'Isekai test', but is 'Other'", {"title": "Other"}),
        ("type must be 'dataset', but is 'software'", {"type": "software"}),
        ("cff-version must be '1.2.0', but is NoneType", {"cff-version": None}),
        ("message must be a text", {"message": " "}),
        ("unknown key 'writers'", {"writers": []}),
        ("authors must be a list of at least one", {"authors": []}),
        ("authors: number 1 has no name", {"authors": [{"email": "a@b.c"}]}),
        ("date-released must be a date", {"date-released": "soon"}),
        ("date-released must be a date", {"date-released": "2026-02-31"}),
        ("url must be a web address", {"url": "javascript:alert(1)"}),
        ('doi must be like "10.5281/zenodo.1"', {"doi": "zenodo.1"}),
        ("references must be a list", {"references": "none"}),
        ("reference 1 must be a mapping", {"references": ["none"]}),
        ("reference 1: title must be a text", {"references": [{"type": "article"}]}),
    ],
)
def test_what_is_wrong_with_a_citation_file_is_named(facts, fault, change):
    value = yaml.safe_load(citation_cff(facts)) | change
    assert any(fault in each for each in faults(yaml.safe_dump(value)))


@pytest.mark.parametrize(
    "text",
    ["", "- a", "{", "!!timestamp x", "!!int ''", "!!float ''", "!!bool x", "? [a]\n: b",
     "&a [*a]", "\x00", f"version: 0x{'f' * 9000}", f"0x{'f' * 9000}: 1", "[" * 5000,
     "a: 0001-01-01T00:00:00+23:59"],
)  # fmt: skip
def test_hostile_yaml_gives_faults_and_no_exception(text):
    assert faults(text)


@given(st.text())
def test_any_text_gives_faults_and_no_exception(text):
    assert faults(text)


@pytest.mark.long
def test_cffconvert_takes_what_is_written(facts, tmp_path):
    """In an environment of its own: cffconvert 2.0.0 needs older libraries than ours."""
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "cffconvert==2.0.0"]
    installed = subprocess.run(pip, capture_output=True, text=True, check=False)
    if installed.returncode:
        pytest.skip(f"cffconvert could not be installed: {installed.stderr[-200:]}")
    own = replace(OPTIONS, license_id="our-license", license_text="Be kind.")
    group = told(
        facts, authors=(Author("The Isekai Team", email="a@b.org"), Author("Vincent van Gogh"))
    )
    placed = told(facts, homepage="https://example.org", repository="ada/x", doi="10.5281/zenodo.1")
    for number, case in enumerate((facts, replace(group, date=None, options=own), placed)):
        file = tmp_path / f"{number}.cff"
        file.write_text(citation_cff(case))
        command = [environment / "bin" / "cffconvert", "--validate", "--infile", file]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    broken = tmp_path / "broken.cff"
    broken.write_text(citation_cff(facts).replace("type: dataset", "type: picture"))
    refused = [environment / "bin" / "cffconvert", "--validate", "--infile", broken]
    assert subprocess.run(refused, capture_output=True, check=False).returncode != 0
