"""The command `release push`, on a release that was built."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from isekai_gen.cli import command_line
from isekai_gen.release.publishing.push import PushRequest, plan_push
from tests.release.hub_server import connected_hub
from tests.release.hub_stand_in import Hub

# huggingface_hub 2.4 uploads in a way that httpx2 is about to give up.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

REPOSITORY = "ada/isekai-test"


@pytest.fixture
def hub(monkeypatch):
    with connected_hub(monkeypatch) as found:
        yield found


def test_a_plan_lists_every_file_of_a_verified_release(built: Path):
    plan = plan_push(built, PushRequest(REPOSITORY))
    on_disk = [path for path in built.rglob("*") if path.is_file()]
    assert [file.path for file in plan.files] == sorted(
        path.relative_to(built).as_posix() for path in on_disk
    )
    assert plan.size == sum(path.stat().st_size for path in on_disk)
    assert (plan.tag, plan.message) == ("v1.0.0", "isekai-test 1.0.0")


def test_the_command_pushes_a_built_release(hub: Hub, built: Path):
    done = CliRunner().invoke(command_line, ["release", "push", str(built), REPOSITORY, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["url"] == f"{hub.url}/datasets/{REPOSITORY}/tree/v1.0.0"
    assert hub.files(REPOSITORY, told["commit"]) == {
        path.relative_to(built).as_posix(): path.read_bytes()
        for path in built.rglob("*")
        if path.is_file()
    }


def test_a_dry_run_lists_files_and_asks_nobody(hub: Hub, built: Path, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    command = ["release", "push", str(built), REPOSITORY, "--dry-run"]
    done = CliRunner().invoke(command_line, command)
    assert done.exit_code == 0, done.output
    assert "metadata.jsonl" in done.stdout
    assert "Nothing was sent" in done.stdout
    told = json.loads(CliRunner().invoke(command_line, [*command, "--json"]).stdout)
    assert told["size"] == sum(file["size"] for file in told["files"])
    assert not hub.requests


def test_a_release_that_does_not_verify_is_not_pushed(hub: Hub, built: Path, tmp_path):
    broken = shutil.copytree(built, tmp_path / "broken")
    (broken / "README.md").write_text("changed")
    done = CliRunner().invoke(command_line, ["release", "push", str(broken), REPOSITORY])
    assert done.exit_code == 2
    assert "does not verify" in done.stderr
    assert not hub.requests
