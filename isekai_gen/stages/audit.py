"""Have people check a sample of the verdicts: draw it, and say what the answers mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from isekai_gen.errors import ChecksumError, InputError
from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.records import Decision, ImageRecord
from isekai_gen.stages.audit_answers import new_decisions, read_answers
from isekai_gen.stages.audit_page import audit_page
from isekai_gen.stages.audit_population import gather_questions
from isekai_gen.stages.audit_result import AuditResult, evaluate_answers, write_result
from isekai_gen.stages.audit_sample import draw_questions, read_sample, write_sample
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.curate import gather_records
from isekai_gen.stages.decisions import append_decisions, read_decisions
from isekai_gen.stages.embed_shard import open_recorded
from isekai_gen.storage import write_atomically
from isekai_gen.workspace import Workspace


@dataclass(frozen=True)
class SampleReport:
    """What is asked.

    Attributes:
        questions: Number of questions.
        strata: Stratum to (verdicts in it, questions drawn from it).
        files: The sample and the page.
    """

    questions: int
    strata: Mapping[str, tuple[int, int]]
    files: Sequence[Path]

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "questions": self.questions,
            "strata": {
                name: {"size": size, "asked": asked} for name, (size, asked) in self.strata.items()
            },
            "files": [str(path) for path in self.files],
        }


@dataclass(frozen=True)
class AnswerReport:
    """What the answers say.

    Attributes:
        result: Precision and recall.
        decisions: What was appended to decisions.jsonl.
        files: The reports.
    """

    result: AuditResult
    decisions: Sequence[Decision]
    files: Sequence[Path]

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "result": self.result.to_json(),
            "decisions": [decision.to_json() for decision in self.decisions],
            "files": [str(path) for path in self.files],
        }


def draw_audit(context: StageContext, number: int, seed: int) -> SampleReport:
    """Draw questions about the verdicts on disk, and write the page that asks them.

    The caller holds the workspace's lock.

    Args:
        context: The workspace.
        number: Questions at most.
        seed: Of the sample.

    Raises:
        InputError: If nothing was judged, or there is nothing to ask about.
        ChecksumError: If an image is not what its record says.
    """
    workspace = context.workspace
    strata = gather_questions(context)
    questions = draw_questions(strata, number, seed)
    if not questions:
        raise InputError(
            "there is nothing to ask: no filter dropped an image or kept one near its limit, but "
            "for those that people decided about"
        )
    records = {image.image_id: image for image in gather_records(workspace).all_images}
    with context.reporter.task("Making the page", len(questions)) as advance:

        def open_image(image_id: str) -> Image.Image:
            return _open(workspace, records[image_id])

        page = audit_page(questions, open_image, load_catalog(workspace.catalog_file).name)
        advance(len(questions))
    index = workspace.reports / "audit" / "index.html"
    write_atomically(index, page.encode())
    sample = write_sample(workspace, questions)
    asked = {name: 0 for name in strata}
    for question in questions:
        asked[question.stratum] += 1
    sizes = {name: (len(members), asked[name]) for name, members in strata.items()}
    return SampleReport(len(questions), sizes, (index, sample))


def _open(workspace: Workspace, record: ImageRecord) -> Image.Image:
    image, reason = open_recorded(workspace, record)
    if image is None:
        raise ChecksumError(f"{record.path}: {reason}; run `isekai-gen generate` to restore it")
    return image


def apply_answers(context: StageContext, path: Path, decide_by: str | None) -> AnswerReport:
    """Say what the answers mean, and decide by them if somebody signs for it.

    The caller holds the workspace's lock.

    Args:
        context: The workspace, with the sample that was answered.
        path: The answers.
        decide_by: Who decides; None to decide nothing.

    Raises:
        InputError: If there is no sample, or answers are wrong; every fault with file:line.
    """
    workspace = context.workspace
    questions = read_sample(workspace)
    answers = read_answers(path, questions)
    result = evaluate_answers(questions, answers)
    files = write_result(workspace, result)
    decisions: list[Decision] = []
    if decide_by is not None:
        before = read_decisions(workspace)
        decisions = list(new_decisions(questions, answers, before, decide_by))
        if decisions:
            append_decisions(workspace, decisions)
    return AnswerReport(result, decisions, files)
