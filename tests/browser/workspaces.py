"""Workspaces for the review page: made once, by the commands a person would run."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from isekai_gen.prompts import shipped_catalog_path
from isekai_gen.records import Decision
from isekai_gen.stages import embed, generate, looks, plan_worker, tile_search
from isekai_gen.stages.decisions import read_decisions
from isekai_gen.workspace import Workspace
from tests.small_jobs import call, run_serially

# Drawn in two steps, pictures of one concept are much alike: enough for every queue.
LIMITS = ("--max-similarity", "0.6", "--review-similarity", "0.4")


def make_demo(root: Path) -> None:
    """The demo's first two groups, from concepts to an audit sample."""
    catalog = yaml.safe_load(shipped_catalog_path().read_text())
    catalog["groups"] = catalog["groups"][:2]
    root.mkdir(parents=True)
    words = root.parent / "two-groups.yaml"
    words.write_text(yaml.safe_dump(catalog, sort_keys=False))
    drawn = ["--concepts", words, "-n", "6", "--num-inference-steps", "2"]
    with in_this_process():
        call("generate", "-w", root, "--quiet", *drawn)
        call("overlap", "-w", root, "--quiet")
        call("dedupe", "-w", root, "--quiet", *LIMITS)
        call("audit", "-w", root, "--quiet", "--n", "6")


@contextmanager
def in_this_process() -> Iterator[None]:
    """Workers run here: starting processes would take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        for stage in (generate, embed, looks, plan_worker, tile_search):
            patch.setattr(stage, "run_shards", run_serially)
        yield


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """What `make` makes, shared by the processes of one test run."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.with_suffix(".made").exists():
            make(folder)
            folder.with_suffix(".made").touch()
    return folder


def copy_of(workspace: Path, target: Path) -> Path:
    """One to change."""
    return Path(shutil.copytree(workspace, target))


def put_back(workspace: Path, made: Path) -> None:
    """Undo whatever was done to a copy; a server that runs on it sees that."""
    before = {path.relative_to(made): path for path in made.rglob("*") if path.is_file()}
    for path in workspace.rglob("*"):
        name = path.relative_to(workspace)
        if path.is_file() and name not in before and name.parts[0] != ".review":
            path.unlink()
    for name, path in before.items():
        if _stamp(path) != _stamp(workspace / name):
            shutil.copy2(path, workspace / name)


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def decisions_in(root: Path) -> list[Decision]:
    return read_decisions(Workspace(root))


def status_of(root: Path) -> dict:
    """`isekai-gen status --json`."""
    return json.loads(call("status", "-w", root, "--json").stdout)


def pairs_for_people(root: Path) -> list[dict]:
    """Pairs in the review band, as `dedupe` left them."""
    lines = (root / "reports" / "duplicates" / "review.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]
