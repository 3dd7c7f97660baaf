"""Every command explains itself, at once."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from isekai_gen.cli import command_line
from isekai_gen.cli.reference import cli_reference
from tests.small_jobs import environment

HEAVY = ("torch", "diffusers", "transformers", "open_clip", "pyarrow", "pydantic", "numpy", "rich")


def all_commands(group=command_line, path=()):
    for name, found in group.commands.items():
        yield (*path, name), found
        if isinstance(found, click.Group):
            yield from all_commands(found, (*path, name))


COMMANDS = dict(all_commands())


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example_of_itself(path):
    found = COMMANDS[path]
    assert found.help
    assert f"Example: isekai-gen {' '.join(path)}" in " ".join(found.help.split())


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_is_explained_and_has_an_environment_twin(path):
    for parameter in COMMANDS[path].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            takes_a_value = not parameter.is_flag or parameter.secondary_opts
            if takes_a_value and parameter.name not in ("limit", "formats", "out"):
                assert str(parameter.envvar).startswith("ISEKAI_GEN_"), parameter.name


def test_environment_twins_are_not_shared_by_different_settings():
    named: dict[str, str] = {}
    for found in COMMANDS.values():
        for parameter in found.params:
            if isinstance(parameter, click.Option) and parameter.envvar:
                assert named.setdefault(str(parameter.envvar), parameter.name) == parameter.name


def output_of(statement: str) -> str:
    """What a process prints that runs a statement; the last line names what it imported."""
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    return subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    ).stdout


def imported_by(statement: str) -> set[str]:
    return modules_in(output_of(statement))


def modules_in(output: str) -> set[str]:
    return {name.partition(".")[0] for name in output.splitlines()[-1].split()}


@pytest.mark.parametrize("args", [["--help"], ["generate", "--help"], ["release", "build", "-h"]])
def test_help_waits_for_nothing_heavy(args):
    statement = f"from isekai_gen.cli import main\nsys.argv[1:] = {args}\ntry: main()"
    statement += "\nexcept SystemExit: pass"
    done = output_of(statement)
    assert "Example" in done
    assert not modules_in(done).intersection(HEAVY)


def test_the_command_line_imports_nothing_heavy():
    assert not imported_by("import isekai_gen.cli").intersection(HEAVY)


def test_that_check_can_fail():
    assert {"numpy"} & imported_by("import numpy").intersection(HEAVY)


def test_the_reference_in_docs_is_up_to_date():
    path = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
    assert path.read_text(encoding="utf-8") == cli_reference(), (
        "run: python -m isekai_gen.cli.reference docs/cli.md"
    )
