"""Draw the questions of an audit: evenly from all strata, and at random within each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from isekai_gen.errors import InputError
from isekai_gen.shards import read_records, write_records
from isekai_gen.stages.audit_records import AuditQuestion
from isekai_gen.stages.random_sample import draw_sample
from isekai_gen.workspace import Workspace


def sample_file(workspace: Workspace) -> Path:
    """reports/audit/sample.jsonl."""
    return workspace.reports / "audit" / "sample.jsonl"


def draw_questions(
    strata: Mapping[str, Sequence[AuditQuestion]], number: int, seed: int
) -> list[AuditQuestion]:
    """Up to `number` questions, in an order that does not tell what the filters said.

    The same seed draws the same ones.

    Raises:
        InputError: If there are more strata than questions: what is said of all verdicts would
            leave some out.
    """
    if number < len(strata):
        raise InputError(
            f"{number} question(s) are too few for {len(strata)} strata of verdicts; ask at least "
            "one about each, such as --n 200"
        )
    shares = even_shares([len(members) for members in strata.values()], number)
    drawn = [
        members[place]
        for members, share in zip(strata.values(), shares, strict=True)
        for place in draw_sample([question.id for question in members], share, seed)
    ]
    return sorted(drawn, key=lambda question: question.id)


def even_shares(sizes: Sequence[int], number: int) -> list[int]:
    """How many to draw from strata of these sizes: as evenly as the sizes allow.

    What does not divide evenly goes to the largest strata.
    """
    shares = [0] * len(sizes)
    left = min(number, sum(sizes))
    while left:
        open_ = [place for place, size in enumerate(sizes) if shares[place] < size]
        open_.sort(key=lambda place: (shares[place], -sizes[place], place))
        each = max(1, left // len(open_))
        for place in open_[:left]:
            given = min(each, sizes[place] - shares[place])
            shares[place] += given
            left -= given
    return shares


def write_sample(workspace: Workspace, questions: Sequence[AuditQuestion]) -> Path:
    """Replace reports/audit/sample.jsonl; returns its path."""
    path = sample_file(workspace)
    write_records(path, questions)
    return path


def read_sample(workspace: Workspace) -> list[AuditQuestion]:
    """The questions that were drawn last.

    Raises:
        InputError: If none were.
        ChecksumError: If a line is no question.
    """
    questions = read_records(sample_file(workspace), AuditQuestion)
    if not questions:
        raise InputError(
            f"{sample_file(workspace)}: there are no questions to answer yet; draw them with "
            "`isekai-gen audit`"
        )
    return questions
