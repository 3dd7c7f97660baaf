"""Workspaces under review, for tests: written directly, or drawn and judged for real."""

from __future__ import annotations

from pathlib import Path

from isekai_gen.review.source import Saying
from isekai_gen.settings import Settings
from isekai_gen.stages.audit_records import Ask, AuditQuestion
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.review import WorkspaceReview, open_review
from isekai_gen.workspace import Workspace
from tests.small_jobs import catalog_text
from tests.stages.test_status import write_drawn, write_plan

ANIMALS = [("ant", "red ant", "bat", "cat"), ("cat", "blue cat", "dog", "ant")]


def open_at(root: Path, by: str = "ada", **references: Path) -> WorkspaceReview:
    return open_review(StageContext(Workspace(root), Settings()), by, references)


def write_workspace(root: Path, counts: dict[str, int], shard_size: int = 4) -> Workspace:
    """Planned and drawn images without pictures; verdicts are the test's own."""
    workspace = Workspace(root)
    write_plan(workspace, counts, shard_size)
    workspace.catalog_file.write_text(catalog_text(ANIMALS))
    for part in workspace.parts("plan"):
        write_drawn(workspace, part, set(), 0, "now")
    return workspace


def said(choice: str, *images: str, **more: str) -> Saying:
    return Saying(images, choice, **more)


def left(summary, name: str) -> tuple[int, int]:
    """(left, decided) of a queue."""
    found = next(queue for queue in summary["queues"] if queue["name"] == name)
    return found["left"], found["decided"]


def question(key: str, ask: Ask, images: tuple[str, ...]) -> AuditQuestion:
    paths = tuple(f"images/ant/{image}.png" for image in images)
    about = ("near_duplicate", "semantic", "in_review_band", 0.94, 0.95, "", "s", 3)
    return AuditQuestion(key, ask, "Same?", "keep", images, paths, *about)
