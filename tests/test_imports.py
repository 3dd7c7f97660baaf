"""Importing the package loads no heavy library, writes nothing, and runs downwards only."""

import subprocess
import sys

import pytest

from tests.small_jobs import environment

HEAVY = ("torch", "diffusers", "transformers", "open_clip", "faiss", "ray", "pandas", "pyarrow")
# Training scripts are programs of their own and need torch from their first line.
IMPORT_ALL = """
import pkgutil, importlib, sys
import isekai_gen
for module in pkgutil.walk_packages(isekai_gen.__path__, "isekai_gen."):
    if ".starter" not in module.name and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


def heavy_after(code, folder):
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nprint(*sys.modules)"],
        env=environment(),
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return {name.partition(".")[0] for name in done.stdout.split()} & set(HEAVY)


def test_importing_every_module_loads_nothing_heavy_and_writes_nothing(tmp_path):
    assert heavy_after(IMPORT_ALL, tmp_path) == set()
    assert list(tmp_path.iterdir()) == []


def test_that_check_can_fail(tmp_path):
    assert heavy_after("import sys, pyarrow", tmp_path) == {"pyarrow"}


@pytest.mark.parametrize("args", [["--help"], ["generate", "--help"]])
def test_the_module_runs_as_the_command(args):
    done = subprocess.run(
        [sys.executable, "-m", "isekai_gen", *args],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("Usage: isekai-gen")
