"""What the card tells people to type is run here, as it stands in a built release."""

import os
import re
import subprocess
import sys

import pytest

from isekai_gen.release.building.build import build_release
from isekai_gen.release.building.request import BuildPlan
from tests.release.conftest import make_small

PROFILES = pytest.mark.parametrize("profile", ["built", "built_files", "built_tars"])


def blocks(release, language):
    """Blocks of code in the card, in its order."""
    card = (release / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", card, re.M | re.S)


def run(command, folder, tmp_path):
    here = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(tmp_path / "hub"),
        "HF_DATASETS_CACHE": str(tmp_path / "cache"),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PATH": os.pathsep.join([str(tmp_path), os.environ["PATH"]]),
    }
    done = subprocess.run(
        command, cwd=folder, env=here, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def program(tmp_path):
    """`isekai-gen` on the path, also where the package is not installed."""
    path = tmp_path / "isekai-gen"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m isekai_gen "$@"\n')
    path.chmod(0o755)


@pytest.mark.slow
@PROFILES
def test_the_python_of_the_card_runs(request, tmp_path, profile):
    release = request.getfixturevalue(profile)
    commands = blocks(release, "python")
    assert [
        re.search(r"(load_dataset|Image|WebDataset|mlcroissant)\b", each)[0] for each in commands
    ] == [
        "load_dataset",
        "WebDataset" if profile == "built_tars" else "Image",
        "mlcroissant",
    ]
    # One process for all of a card: starting Python with these libraries is what takes time.
    shown = run([sys.executable, "-c", "\n".join(commands)], release, tmp_path)
    assert shown.count("cactihog") >= 2


@PROFILES
def test_the_checks_of_the_card_run(request, tmp_path, profile, program):
    release = request.getfixturevalue(profile)
    checks = [each for each in blocks(release, "shell") if "sha256sum" in each]
    assert len(checks) == 1
    run(["sh", "-ec", checks[0]], release, tmp_path)


@pytest.mark.long
def test_the_evaluation_of_the_card_runs(built, tmp_path, program):
    (command,) = [each for each in blocks(built, "shell") if "evaluate" in each]
    elsewhere = command.replace("--out ../results", f"--out {tmp_path}/results")
    run(["sh", "-ec", elsewhere], built, tmp_path)
    assert any((tmp_path / "results").iterdir())


def test_images_that_travel_in_tables_alone_are_unpacked_as_the_card_says(tmp_path, program):
    small = make_small(tmp_path / "workspace")
    plan = BuildPlan(loose_images=False)
    release = build_release(small.request(tmp_path / "release", plan)).folder
    card = (release / "README.md").read_text(encoding="utf-8")
    command = re.search(r"`(isekai-gen release unpack [^`]*)`", card)[1]
    run(["sh", "-ec", command.replace("FOLDER", str(tmp_path / "out"))], release, tmp_path)
    assert len(list((tmp_path / "out" / "images").rglob("*.png"))) == 14
