"""Judge real-world overlap, and report how new every fictional concept is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from isekai_gen.filters.name_overlap import NameOverlapFilter
from isekai_gen.hashing import digest_of, file_sha256
from isekai_gen.neighbors.reference import reference_digest
from isekai_gen.shards import DoneMarker, read_marker, write_marker
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.curate import dropped_before, verdicts_of
from isekai_gen.stages.fictionality import FictionalityFacts, measure_fictionality
from isekai_gen.stages.fictionality_files import as_csv, as_json, as_markdown
from isekai_gen.stages.fictionality_numbers import ConceptFictionality
from isekai_gen.stages.fingerprints import fingerprint_of, forget_shard
from isekai_gen.stages.overlap import OverlapFacts, OverlapReport, gather_overlap, judge_facts
from isekai_gen.stages.overlap_neighbors import FILE_NAME, write_image_neighbors
from isekai_gen.storage import write_atomically
from isekai_gen.workspace import Workspace

_STAGE = "fictionality"
_SCHEMA = 1
REPORT_FILES = tuple(f"fictionality.{form}" for form in ("json", "csv", "md"))


@dataclass(frozen=True, eq=False)
class OverlapOutcome:
    """Verdicts of real-world overlap and the report on them.

    Attributes:
        overlap: What the filters decided.
        files: The reports and the table of neighbors.
        written: Whether they were written anew.
    """

    overlap: OverlapReport
    files: tuple[Path, ...]
    written: bool

    @property
    def worked(self) -> bool:
        """Whether anything was left to do."""
        return self.written or self.overlap.decided

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        files = [str(path) for path in self.files]
        return {**self.overlap.to_json(), "files": files, "worked": self.worked}


def judge_and_report(context: StageContext) -> OverlapOutcome:
    """Verdicts of all filters of real-world overlap, reports/fictionality.* and the neighbors.

    Nothing is written that is up to date. The caller holds the workspace's lock.

    Raises:
        InputError: As `overlap.judge_overlap`.
    """
    workspace = context.workspace
    gathered = gather_overlap(context)
    report = judge_facts(context, gathered)
    left_out = dropped_before(gathered.facts, workspace, NameOverlapFilter.name)
    files = _files(workspace)
    fingerprint = _fingerprint(gathered, left_out)
    marker = read_marker(workspace, _STAGE, 0)
    if (
        marker is not None
        and marker.fingerprint == fingerprint
        and all(path.is_file() for path in files)
        and marker.digest == _digest(files)
    ):
        return OverlapOutcome(report, files, written=False)
    forget_shard(workspace, _STAGE, 0)
    rows = measure_fictionality(_facts(workspace, gathered, report, left_out))
    header = _header(gathered)
    contents = (as_json(header, rows), as_csv(rows), as_markdown(header, rows))
    for path, content in zip(files, contents, strict=False):
        write_atomically(path, content)
    write_image_neighbors(workspace, gathered.facts, gathered.reference, gathered.matches)
    counts = {"concepts": len(rows), "images": _images(rows)}
    write_marker(workspace, DoneMarker(_STAGE, 0, fingerprint, counts, _digest(files)))
    return OverlapOutcome(report, files, written=True)


def _files(workspace: Workspace) -> tuple[Path, ...]:
    reports = (workspace.reports / name for name in REPORT_FILES)
    return (*reports, workspace.neighbors / FILE_NAME)


def _digest(files: Sequence[Path]) -> str:
    return digest_of([file_sha256(path) for path in files])


def _images(rows: Sequence[ConceptFictionality]) -> int:
    return sum(row.images for row in rows)


def _fingerprint(gathered: OverlapFacts, left_out: frozenset[str]) -> str:
    limits = {one.name: asdict(one) for one in gathered.filters}  # type: ignore[call-overload]
    images = [image.image_id for image in gathered.facts.all_images]
    return fingerprint_of(
        [_SCHEMA, dict(gathered.inputs), limits], [digest_of(images), sorted(left_out)]
    )


def _facts(
    workspace: Workspace,
    gathered: OverlapFacts,
    report: OverlapReport,
    left_out: frozenset[str],
) -> FictionalityFacts:
    known = gathered.facts.context
    if known.embeddings is None or known.own_text is None or known.distractors is None:
        raise ValueError("facts without embeddings")
    concepts = [concept for concept in known.concepts.values() if concept.kind == "fictional"]
    slugs = {concept.slug for concept in concepts}
    compared = {one.by for one in report.verdicts if gathered.matches or one.by != "reference_copy"}
    return FictionalityFacts(
        concepts=concepts,
        images=[image for image in gathered.facts.all_images if image.concept in slugs],
        left_out=left_out,
        embeddings=known.embeddings,
        texts=known.own_text,
        reference=gathered.reference,
        verdicts={name: verdicts_of(workspace, name) for name in sorted(compared)},
        distractors=known.distractors,
    )


def _header(gathered: OverlapFacts) -> dict[str, Any]:
    reference = gathered.reference
    grid = reference.quantile_grid
    return {
        "schema": _SCHEMA,
        "encoder": gathered.facts.embedded.encoder,
        "encoder_digest": gathered.facts.embedded.digest,
        "reference": {
            "name": reference.name,
            "digest": reference_digest(reference),
            "classes": len(reference.classes),
        },
        "percentiles_known": [grid[0], grid[-1]] if grid else None,
        "compared": [
            {
                "name": stored.reference.reference.name,
                "digest": stored.reference.digest,
                "images": getattr(stored.reference.reference.images, "count", 0),
            }
            for stored in gathered.matches
        ],
        "limits": {one.name: asdict(one) for one in gathered.filters},  # type: ignore[call-overload]
    }
