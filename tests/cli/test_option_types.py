"""What options take: defaults can be taken back, numbers are finite, files are files."""

from __future__ import annotations

import os
import shutil
import subprocess

import click
import pytest
from click.testing import CliRunner

from isekai_gen.cli.curation_options import overlap_options, release_options
from isekai_gen.cli.option_types import FiniteRange, InputFile, OutputFile
from isekai_gen.cli.options import overrides_from
from isekai_gen.prompts import shipped_catalog_path
from isekai_gen.settings import Settings
from tests.cli.test_help import COMMANDS
from tests.small_jobs import call, command, environment


def settings_after(*calls: list[str]) -> Settings:
    """What is remembered after commands with these options, one after the other."""
    kept = Settings()

    @click.command()
    @release_options
    @overlap_options
    def command(**options: object) -> None:
        nonlocal kept
        kept = kept.with_overrides(overrides_from(options))

    for said in calls:
        done = CliRunner().invoke(command, said)
        assert done.exit_code == 0, done.output
    return kept


def test_the_word_default_takes_a_remembered_value_back():
    said = ["--pair-shots", "3", "--max-copy-similarity", "0.8", "--min-margin", "0.1"]
    once = settings_after(said)
    assert (once.release.pair_shots, once.reference_copy.max_similarity) == (3, 0.8)
    words = [word if word.startswith("--") else "default" for word in said]
    assert settings_after(said, words) == Settings()


def test_a_value_that_equals_the_default_is_remembered_like_any_other():
    changed = ["--profile", "files", "--no-loose-images", "--split-seed", "4"]
    back = ["--profile", "hub", "--loose-images", "--split-seed", "0"]
    assert settings_after(changed).release.profile == "files"
    assert settings_after(changed, back) == Settings()


@pytest.mark.parametrize("value", ["-1", "none", "Default"])
def test_other_words_and_values_out_of_range_are_refused(value):
    command = release_options(click.Command("any", callback=lambda **_options: None))
    done = CliRunner().invoke(command, ["--pair-shots", value])
    assert done.exit_code == 2
    assert "--pair-shots" in done.output


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999"])
def test_what_is_no_finite_number_is_in_no_range(value):
    with pytest.raises(click.BadParameter):
        FiniteRange(min=0).convert(value, None, None)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_range_of_numbers_is_finite(path):
    ranges = [each.type for each in COMMANDS[path].params if each.type.name == "float range"]
    assert all(isinstance(each, FiniteRange) for each in ranges)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_no_command_reads_or_replaces_a_pipe_or_device(path):
    files = [each.type for each in COMMANDS[path].params if each.type.name == "file"]
    assert all(isinstance(each, InputFile if each.exists else OutputFile) for each in files)


def test_a_pipe_is_refused_before_anything_is_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    done = call("concepts", "check", tmp_path / "pipe", expect=2)
    assert f"'{tmp_path / 'pipe'}' is no regular file; name one" in done.stderr


def test_files_are_written_in_the_place_of_files_alone(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in (tmp_path / "pipe", "/dev/null", tmp_path, ""):
        with pytest.raises(click.BadParameter):
            OutputFile().convert(str(name), None, None)
    (tmp_path / "there").touch()
    for name in ("there", "new"):
        assert OutputFile().convert(str(tmp_path / name), None, None) == tmp_path / name


def test_a_name_that_is_no_text_is_printed_as_it_is(tmp_path):
    name = os.fsencode(tmp_path) + b"/\xff.yaml"
    shutil.copy(shipped_catalog_path(), os.fsdecode(name))
    done = subprocess.run(
        [*command(["concepts", "check"]), name],
        env={**environment(), "PYTHONIOENCODING": "utf-8:strict"},
        capture_output=True,
        check=False,
    )
    assert done.stdout.startswith(name + b": 20 groups"), done.stderr


def test_a_name_that_is_no_text_and_would_be_recorded_is_refused_in_one_line(tmp_path):
    odd = os.fsdecode(b"caf\xe9")
    done = call("concepts", "propose", tmp_path / "c.yaml", "--encoder", odd, expect=2)
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ")
    assert "caf\\udce9" in line
    assert line.endswith("is no UTF-8 text and cannot be recorded; rename it")
