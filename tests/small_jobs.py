"""A small real job for tests: a catalog, templates, the command line, digests of the outcome."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner, Result

from isekai_gen.executors import LOCAL, ShardResult
from isekai_gen.records import PlannedImage
from isekai_gen.settings import Settings
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.generate import GenerateRequest
from isekai_gen.stages.plan_files import check_complete, read_plan_part
from isekai_gen.workspace import Workspace

GROUPS = [
    ("cactihog", "hedgehog with cactus spines", "hedgehog", "cactus"),
    ("mushroom haven", "house with a mushroom cap", "house", "mushroom"),
]
TEMPLATES = """schema: 1
lists:
  place: [in the snow, on a beach, at night, ""]
  size: [small, big]
templates:
  - id: plain
    text: "{a} {size} {short} {place}"
    negative: "blurry"
  - id: drawing
    text: "a drawing of {a} {size} {short} {place}"
"""
# One step at 32 x 32 pixels: milliseconds an image.
TINY = {"num_inference_steps": 1, "guidance_scale": 2.0, "width": 32, "height": 32}


@dataclass(frozen=True)
class Job:
    """Input files of a run.

    Attributes:
        folder: Where they lie.
        catalog: Catalog file.
        templates: Template file.
    """

    folder: Path
    catalog: Path
    templates: Path

    @property
    def request(self) -> GenerateRequest:
        return GenerateRequest(self.catalog, self.templates)


def catalog_text(groups: Sequence[tuple[str, str, str, str]]) -> str:
    lines = ["schema: 1", "name: small", "groups:"]
    for name, short, real, other in groups:
        lines += [
            "  - fictional:",
            f"      name: {name}",
            f"      short: {short}",
            f"      description: a {short}, seen from the side",
            f"      parents: [{real}, {other}]",
            "    real:",
            f"      name: {real}",
            f"      short: {real}",
            f"      description: a plain {real}",
        ]
    return "\n".join(lines) + "\n"


def write_job(folder: Path, groups: Sequence[tuple[str, str, str, str]] = GROUPS) -> Job:
    catalog, templates = folder / "catalog.yaml", folder / "the-templates.yaml"
    catalog.write_text(catalog_text(groups))
    templates.write_text(TEMPLATES)
    return Job(folder, catalog, templates)


def arguments(job: Job, model: Path, workspace: Path, images: int = 4) -> list[str]:
    """`generate` with a tiny model, for `run_cli`."""
    given = {
        "--concepts": job.catalog,
        "--templates": job.templates,
        "--model": model,
        "-w": workspace,
        "-n": images,
        **{f"--{key.replace('_', '-')}": value for key, value in TINY.items()},
    }
    return ["generate", *(str(part) for pair in given.items() for part in pair)]


def command(args: Sequence[str | Path]) -> list[str]:
    return [sys.executable, "-m", "isekai_gen", *map(str, args)]


def run_cli(args: Sequence[str | Path], **extra) -> subprocess.CompletedProcess[str]:
    """Run a command as people do, in a process of its own."""
    return subprocess.run(
        command(args), capture_output=True, text=True, env=environment(), check=False, **extra
    )


def environment() -> dict[str, str]:
    own = {key: value for key, value in os.environ.items() if not key.startswith("ISEKAI_GEN_")}
    root = str(Path(__file__).resolve().parent.parent)
    return {**own, "PYTHONPATH": root, "HF_HUB_OFFLINE": "1"}


def digests(
    workspace: Path, folders: Sequence[str] = ("images", "records", "plan", "done")
) -> dict[str, str]:
    """Every file below the folders to its SHA-256; files left by atomic writes too."""
    return {
        path.relative_to(workspace).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in folders
        for path in sorted((workspace / folder).rglob("*"))
        if path.is_file()
    }


@dataclass
class Recorder:
    """A reporter that remembers what it was told.

    Attributes:
        notes: Every note.
        tasks: Title to steps done.
    """

    notes: list[str] = field(default_factory=list)
    tasks: dict[str, int] = field(default_factory=dict)

    def note(self, message: str) -> None:
        self.notes.append(message)

    @contextmanager
    def task(self, title, total):
        del total
        self.tasks[title] = 0

        def advance(images, failed=0, device=""):
            del failed, device
            self.tasks[title] += images

        yield advance


def call(*args: object, expect: int = 0, **environment: str) -> Result:
    """Run a command in this process; a fault of ours is raised, another exit code a failure."""
    from isekai_gen.cli import command_line

    result = CliRunner(env=environment).invoke(command_line, [str(arg) for arg in args])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == expect, result.output
    return result


def read_plan(workspace: Workspace) -> list[PlannedImage]:
    """Every planned image, in order; a part that is missing or changed is an error."""
    check_complete(workspace)
    return [image for part in workspace.parts("plan") for image in read_plan_part(workspace, part)]


def make_context(root: Path, model: Path, force: bool = False, **generate) -> StageContext:
    """A context for calling stages in this process."""
    overrides = {"generate": {"model": str(model), **TINY, **generate}}
    settings = Settings().with_overrides(overrides)
    return StageContext(Workspace(root), settings, Recorder(), force=force)


class _NoParent:
    """`Control` of a worker that runs in the caller's own process."""

    def __init__(self, on_progress):
        self.advance = on_progress

    def check(self):
        return


def run_serially(worker, parts, devices, on_progress, engine=LOCAL) -> list[ShardResult]:
    """The contract of `executors.run_shards` in this process: the oracle for the real one."""
    assert engine == LOCAL
    work_on = worker.setup(devices[0])
    return [work_on(part, _NoParent(on_progress)) for part in parts]
