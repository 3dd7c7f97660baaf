"""`concepts new` and `concepts check` as people use them."""

import json

import pytest

from isekai_gen.prompts import shipped_catalog_path
from tests.small_jobs import call, catalog_text


@pytest.fixture
def doubtful(tmp_path):
    """A catalog without fault whose invented name is a real thing's."""
    path = tmp_path / "doubtful.yaml"
    path.write_text(catalog_text([("porcupine", "ball of green wool", "sheep", "cactus")]))
    return path


def test_a_new_catalog_waits_for_its_author(tmp_path):
    path = tmp_path / "sub" / "animals.yaml"
    said = call("concepts", "new", path, "--concept", "cactihog=hedgehog", "--groups", 2).stdout
    assert "2 group(s)" in said
    assert f"concepts check {path}" in said
    done = call("concepts", "check", path, expect=2)
    assert "animals.yaml:" in done.stderr
    assert "placeholder 'TODO: invented name 2'" in done.stderr
    assert 'name: "animals"' in path.read_text()


def test_what_is_there_is_never_overwritten(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("my work\n")
    assert "never overwritten" in call("concepts", "new", path, expect=2).stderr
    assert path.read_text() == "my work\n"
    (tmp_path / "link.yaml").symlink_to(tmp_path / "nowhere.yaml")
    call("concepts", "new", tmp_path / "link.yaml", expect=2)
    assert not (tmp_path / "nowhere.yaml").exists()


@pytest.mark.parametrize("pair", ["cactihog", "=hedgehog", "cactihog= "])
def test_a_pair_that_is_none_is_refused_and_nothing_written(tmp_path, pair):
    done = call("concepts", "new", tmp_path / "a.yaml", "--concept", pair, expect=2)
    assert "NAME=REAL" in done.stderr
    assert not (tmp_path / "a.yaml").exists()


def test_too_few_groups_are_refused_in_one_line(tmp_path):
    pairs = ["--concept", "a1=b1", "--concept", "a2=b2"]
    done = call("concepts", "new", tmp_path / "a.yaml", *pairs, "--groups", 1, expect=2)
    assert done.stderr == "Error: 1 groups for 2 named pair(s); ask for 2 to 1000\n"


def test_the_name_can_be_given(tmp_path):
    call("concepts", "new", tmp_path / "a.yaml", "--name", "odd animals")
    assert 'name: "odd animals"' in (tmp_path / "a.yaml").read_text()


def test_warnings_are_told_with_their_line_and_are_no_faults(doubtful):
    done = call("concepts", "check", doubtful)
    assert f"Warning: {doubtful}:" in done.stderr
    assert "[name_in_imagenet]" in done.stderr
    assert "no fault, 1 warning(s)" in done.stdout
    assert call("concepts", "check", doubtful, "--quiet").output == ""


def test_strict_refuses_warnings(doubtful):
    for quiet in ((), ("--quiet",)):
        done = call("concepts", "check", doubtful, "--strict", *quiet, expect=2)
        assert "[name_in_imagenet]" in done.stderr
    call("concepts", "check", shipped_catalog_path(), "--strict")


@pytest.mark.parametrize(("strict", "code"), [((), 0), (("--strict",), 2)])
def test_json_lists_warnings(doubtful, strict, code):
    shown = json.loads(call("concepts", "check", doubtful, "--json", *strict, expect=code).stdout)
    assert shown["faults"] == []
    (warning,) = shown["warnings"]
    assert warning["file"] == str(doubtful)
    assert warning["code"] == "name_in_imagenet"
    line = doubtful.read_text().splitlines()[warning["line"] - 1]
    assert line.strip() == "name: porcupine"


def test_templates_are_checked_with_their_wildcard_files(doubtful, tmp_path):
    templates, folder = tmp_path / "templates.yaml", tmp_path / "words"
    templates.write_text('schema: 1\ntemplates:\n  - {id: a, text: "{a} {name} __place__"}\n')
    folder.mkdir()
    (folder / "place.txt").write_text("in the snow\non a beach\n")
    given = ("concepts", "check", doubtful, "--templates", templates)
    assert "place" in call(*given, expect=2).stderr
    call(*given, "--wildcards", folder)
    alone = call("concepts", "check", doubtful, "--wildcards", folder, expect=2)
    assert "--wildcards: needs --templates" in alone.stderr
