"""What needs no model runs where no model library is installed; all else says what to install."""

import subprocess
import sys

import pytest

from isekai_gen.optional import INSTALL_BY_MODULE, as_missing_dependency
from tests.small_jobs import environment

# As in an environment with the base dependencies alone.
BLOCKED = (*INSTALL_BY_MODULE, "datasets", "mlcroissant", "pandas", "webdataset")
START = f"""
import sys
from importlib.machinery import PathFinder
class Present(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        absent = name.partition(".")[0] in {BLOCKED!r}
        return None if absent else super().find_spec(name, path, target)
sys.meta_path[sys.meta_path.index(PathFinder)] = Present
from isekai_gen.cli import main
sys.argv = ["isekai-gen", *sys.argv[1:]]
main()
"""


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-c", START, *map(str, arguments)],
        env=environment(),
        capture_output=True,
        text=True,
    )


def test_help_verify_gate_and_diff_need_no_model_library(built, built_tars):
    assert run("--help").returncode == 0
    for folder in (built, built_tars):
        done = run("release", "verify", folder)
        assert (done.returncode, done.stdout) == (0, f"{folder}: verified\n"), done.stderr
    assert run("release", "gate", built, "--min-kept", 1).returncode == 0
    assert run("release", "diff", built, built).returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [("demo", "-w", "new"), ("dedupe", "--images", ".", "--out", "found")],
)
def test_a_command_that_needs_models_says_what_to_install(small, arguments, monkeypatch):
    monkeypatch.chdir(small.workspace.root)
    done = run(*arguments)
    assert done.returncode == 2
    assert "isekai-gen[cpu]" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_doctor_looks_at_everything_and_says_what_to_install(tmp_path):
    done = run("doctor", "-w", tmp_path)
    assert done.returncode == 1, done.stderr
    assert "isekai-gen[cpu]" in done.stdout
    assert "disk" in done.stdout


def test_a_module_of_ours_that_is_missing_is_no_missing_dependency():
    assert as_missing_dependency(ModuleNotFoundError("no", name="isekai_gen.bees")) is None
    assert as_missing_dependency(ModuleNotFoundError("no")) is None


@pytest.mark.parametrize("name", ["torch.nn", "ImageHash", "open-clip-torch"])
def test_modules_and_distributions_are_known_by_either_name(name):
    error = as_missing_dependency(ModuleNotFoundError("no", name=name))
    assert "pip install 'isekai-gen[cpu]'" in str(error)
