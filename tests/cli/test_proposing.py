"""`concepts propose` as people use it."""

import json

import pytest

from isekai_gen.prompts.catalog import load_catalog
from tests.small_jobs import call


@pytest.fixture(scope="module")
def proposed(tmp_path_factory):
    """A catalog of five groups and what was said."""
    path = tmp_path_factory.mktemp("propose") / "creatures.yaml"
    said = call("concepts", "propose", path, "--n", 5, "--from", "animals", "--with", "plants")
    return path, said


def test_a_catalog_comes_out_and_the_numbers_add_up(proposed):
    path, said = proposed
    catalog = load_catalog(path)
    assert len(catalog.groups) == 5
    assert catalog.name == "creatures"
    assert all(group.fictional.name in said.stdout for group in catalog.groups)
    row = next(line for line in said.stdout.splitlines() if line.startswith("proposed "))
    total, accepted, refused = (int(word) for word in row.split(" (")[0].split() if word.isdigit())
    assert total == accepted + refused
    assert accepted == 5


@pytest.mark.slow
def test_what_comes_out_stands_the_checks_without_a_warning(proposed):
    path, _ = proposed
    assert "no warning" in call("concepts", "check", path, "--strict").stdout
    assert "no warning" in call("concepts", "check", path, "--deep", "--strict").stdout


def test_the_same_command_again_has_nothing_to_do(proposed):
    path, _ = proposed
    before = path.read_bytes()
    said = call(
        "concepts", "propose", path, "--n", 5, "--from", "animals", "--with", "plants", "--json"
    )
    outcome = json.loads(said.stdout)
    assert outcome["accepted"] == 5
    assert outcome["proposed"] == outcome["accepted"] + outcome["refused"]
    assert path.read_bytes() == before
    quiet = call(
        "concepts", "propose", path, "--n", 5, "--from", "animals", "--with", "plants", "--quiet"
    )
    assert quiet.stdout.startswith("Nothing to do")  # results are told all the same
    assert quiet.stderr == ""


def test_other_options_are_refused_with_what_differs(proposed):
    path, _ = proposed
    said = call("concepts", "propose", path, "--n", 6, "--from", "animals", expect=2)
    assert "--n was 5, now 6; --with was ['plants'], now not given" in said.stderr


@pytest.mark.slow
def test_too_few_parents_end_with_what_was_found_and_why(tmp_path):
    path = tmp_path / "few.yaml"
    said = call(
        "concepts", "propose", path, "--n", 9, "--from", "hedgehog", "--with", "cactus", expect=3
    )
    assert "7 of 9 groups were not found" in said.stderr
    assert "the engine offline has nothing more to propose" in said.stderr
    # To ImageNet, a porcupine is a hedgehog, too.
    reals = {group.real.name for group in load_catalog(path).groups}
    assert reals == {"hedgehog", "porcupine"}


def test_a_domain_that_is_none_leaves_nothing_behind(tmp_path):
    path = tmp_path / "a.yaml"
    said = call("concepts", "propose", path, "--from", "wizzards", expect=2)
    assert "wizzards" in said.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "needs"),
    [
        (("--max-calls", 3), "--max-calls needs --llm"),
        (("--look-rounds", 3), "--look-rounds needs --look"),
        (("--model", "starter"), "--model needs --look"),
    ],
)
def test_options_that_would_do_nothing_are_refused(tmp_path, options, needs):
    said = call("concepts", "propose", tmp_path / "a.yaml", *options, expect=2)
    assert needs in said.stderr


def test_an_address_that_is_none_is_refused_at_once(tmp_path):
    said = call("concepts", "propose", tmp_path / "a.yaml", "--llm", "mistral", expect=2)
    assert "openai:" in said.stderr
    assert list(tmp_path.iterdir()) == []
