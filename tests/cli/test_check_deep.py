"""`concepts check --deep` as people use it."""

import subprocess
import sys

import pytest

from isekai_gen.prompts import shipped_catalog_path
from tests.proposals.remembered_texts import one_text_encoder
from tests.small_jobs import call, catalog_text


@pytest.fixture
def near_miss(tmp_path):
    """A catalog whose invented name only the deep check doubts."""
    path = tmp_path / "near.yaml"
    path.write_text(catalog_text([("octopous", "ball of green wool", "sheep", "cactus")]))
    return path


@one_text_encoder()
def test_what_only_the_deep_check_doubts_is_told_and_refused_by_strict(near_miss, tmp_path):
    assert "octopous" not in call("concepts", "check", near_miss).stderr
    templates = tmp_path / "templates.yaml"
    text = f"{{name}} {'very ' * 80} far"
    templates.write_text(f"schema: 1\ntemplates:\n  - {{id: long, text: '{text}'}}\n")
    options = ("--deep", "--strict", "--templates", templates)
    done = call("concepts", "check", near_miss, *options, expect=2)
    assert f"Warning: {near_miss}:5: 'octopous' is 1 letter away from 'octopus'" in done.stderr
    assert "; invent another name, such as '" in done.stderr
    assert "[name_near_imagenet]" in done.stderr
    assert f"Warning: {near_miss}:7: the longest prompt of 'octopous' (template 'long')" in (
        done.stderr
    )
    assert "The starter encoder knows few words" in done.stderr


def test_an_encoder_without_deep_is_refused(near_miss):
    done = call("concepts", "check", near_miss, "--encoder", "starter", expect=2)
    assert "needs --deep" in done.stderr


def test_an_encoder_that_is_not_there_is_one_line(near_miss, tmp_path):
    nowhere = tmp_path / "nowhere"
    done = call("concepts", "check", near_miss, "--deep", "--encoder", nowhere, expect=2)
    assert done.stderr.splitlines()[-1].startswith("Error: ")
    assert "nowhere" in done.stderr


def test_without_deep_nothing_heavy_is_loaded():
    program = (
        "import sys; from isekai_gen.cli import command_line\n"
        f"command_line(['concepts', 'check', {str(shipped_catalog_path())!r}],"
        " standalone_mode=False)\n"
        "print(sorted({'torch', 'open_clip', 'isekai_gen.proposals.checks'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
