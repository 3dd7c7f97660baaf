"""What overlap and dedupe share: the facts filters judge by, and verdicts on disk.

Verdicts are cheap to decide again from stored embeddings and edges, so they follow their inputs:
when limits, embeddings, earlier verdicts or people's decisions change, they are re-decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from isekai_gen.errors import InputError
from isekai_gen.filters import FilterContext, all_filters
from isekai_gen.filters.base import ImageFilter
from isekai_gen.hashing import digest_of, file_sha256
from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.records import Decision, ImageRecord, Verdict, select_kept
from isekai_gen.shards import (
    DoneMarker,
    read_marker,
    read_records,
    repair_tail,
    write_marker,
    write_records,
)
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.drawn import read_drawn_part
from isekai_gen.stages.embed import EmbedReport, embed, load_embeddings
from isekai_gen.stages.embedding_files import read_concept_texts
from isekai_gen.stages.fingerprints import fingerprint_of
from isekai_gen.workspace import Workspace


@dataclass(frozen=True)
class VerdictReport:
    """What a filter decided.

    Attributes:
        by: The filter's name.
        judged: Images judged.
        dropped: Of these, dropped by this filter.
        reasons: Reason to number of images.
        decided: Whether anything was decided anew.
    """

    by: str
    judged: int
    dropped: int
    reasons: Mapping[str, int]
    decided: bool


@dataclass(frozen=True, eq=False)
class Facts:
    """Everything filters judge by that does not depend on the filter.

    Attributes:
        embedded: The encoder used.
        context: Embeddings, concepts, own texts, alignment, people's decisions.
        images: Shard number to its generated images.
    """

    embedded: EmbedReport
    context: FilterContext
    images: Mapping[int, Sequence[ImageRecord]]

    @property
    def all_images(self) -> list[ImageRecord]:
        """All generated images, in shard order."""
        return [image for part in sorted(self.images) for image in self.images[part]]


def gather_facts(context: StageContext) -> Facts:
    """Embed what is not embedded yet, and read what filters need.

    Raises:
        InputError: If there are no images, or some could not be opened.
    """
    workspace = context.workspace
    embedded = embed(context)
    if embedded.failures:
        raise InputError(
            f"{len(embedded.failures)} image(s) could not be opened, such as "
            f"{next(iter(embedded.failures))}; run `isekai-gen generate` to restore them"
        )
    if not embedded.embedded:
        raise InputError(f"{workspace.root} has no generated images to judge; run generate first")
    embeddings = load_embeddings(context, embedded)
    images = {
        part: [record for record in read_drawn_part(workspace, part) if record.generated]
        for part in workspace.parts("records")
    }
    facts = FilterContext(
        embeddings=embeddings.table,
        concepts={c.slug: c for c in load_catalog(workspace.catalog_file).concepts},
        own_text=read_concept_texts(workspace, embedded.encoder, embedded.digest),
        alignment=embeddings.alignment,
        decisions=read_decisions(workspace),
    )
    return Facts(embedded, facts, images)


def read_decisions(workspace: Workspace) -> list[Decision]:
    """People's decisions in the order they were made."""
    repair_tail(workspace.decisions_file)
    return read_records(workspace.decisions_file, Decision)


def read_verdicts(workspace: Workspace) -> dict[str, dict[str, Verdict]]:
    """Filter name to image id to verdict, filters in their declared order.

    Raises:
        ChecksumError: If a part is damaged; deciding again replaces it.
    """
    return {name: _verdicts_of(workspace, name) for name in all_filters()}


def _verdicts_of(workspace: Workspace, name: str) -> dict[str, Verdict]:
    """One filter's verdicts on the shards there are; a plan that was replaced had others."""
    folder = workspace.verdicts(name)
    return {
        verdict.image_id: verdict
        for part in workspace.parts("records")
        for verdict in read_records(workspace.part(folder, part), Verdict)
    }


def make_filter(name: str, limits: Mapping[str, Any]) -> ImageFilter:
    """The filter of that name with its limits.

    Raises:
        InputError: If a limit is out of range.
    """
    try:
        return all_filters()[name](**limits)
    except ValueError as error:
        raise InputError(f"{name}: {error}") from error


def dropped_before(facts: Facts, workspace: Workspace, name: str) -> frozenset[str]:
    """Images dropped by people, or by filters declared before `name`."""
    order = all_filters()[name].order
    earlier = {
        other: _verdicts_of(workspace, other)
        for other, judging in all_filters().items()
        if judging.order < order
    }
    _, dropped = select_kept(facts.all_images, earlier, facts.context.decisions)
    return frozenset(dropped)


def decide(
    context: StageContext, facts: Facts, judging: ImageFilter, inputs: Mapping[str, Any]
) -> VerdictReport:
    """Run a filter over all images and write its verdicts, unless nothing changed.

    Args:
        context: The workspace.
        facts: What to judge by, complete for this filter.
        judging: The filter.
        inputs: Digests of what the verdicts depend on beside limits, images and decisions.
    """
    workspace = context.workspace
    images = facts.all_images
    fingerprint = fingerprint_of(
        {"filter": judging.name, "limits": _limits(judging), **inputs},
        {
            "images": digest_of([image.image_id for image in images]),
            "dropped": sorted(facts.context.already_dropped),
            "decisions": [decision.to_json() for decision in facts.context.decisions],
        },
    )
    stale = [
        part for part in facts.images if not _is_current(workspace, judging, part, fingerprint)
    ]
    if stale:
        with context.reporter.task(f"Judging: {judging.name}", len(images)) as advance:
            verdicts = list(judging.judge(images, facts.context))
            advance(len(images))
        _write(workspace, facts, judging, verdicts, fingerprint)
    return _report(workspace, judging.name, decided=bool(stale))


def with_context(facts: Facts, **fields: Any) -> Facts:  # noqa: ANN401 - fields of FilterContext
    """The same facts with more in their context."""
    return replace(facts, context=replace(facts.context, **fields))


def _limits(judging: ImageFilter) -> dict[str, Any]:
    return asdict(judging)  # type: ignore[call-overload, no-any-return]


def _is_current(workspace: Workspace, judging: ImageFilter, part: int, fingerprint: str) -> bool:
    marker = read_marker(workspace, workspace.verdicts(judging.name), part)
    path = workspace.part(workspace.verdicts(judging.name), part)
    return (
        marker is not None
        and marker.fingerprint == fingerprint
        and path.exists()
        and marker.digest == file_sha256(path)
    )


def _write(
    workspace: Workspace,
    facts: Facts,
    judging: ImageFilter,
    verdicts: Sequence[Verdict],
    fingerprint: str,
) -> None:
    """One part of verdicts for each part of records."""
    by_id = {verdict.image_id: verdict for verdict in verdicts}
    folder = workspace.verdicts(judging.name)
    for part, images in facts.images.items():
        rows = [by_id[image.image_id] for image in images]
        path = workspace.part(folder, part)
        write_records(path, rows)
        counts = {"judged": len(rows), "dropped": sum(not row.keep for row in rows)}
        write_marker(workspace, DoneMarker(folder, part, fingerprint, counts, file_sha256(path)))


def _report(workspace: Workspace, name: str, *, decided: bool) -> VerdictReport:
    verdicts = _verdicts_of(workspace, name).values()
    reasons: dict[str, int] = {}
    for verdict in verdicts:
        reasons[verdict.reason] = reasons.get(verdict.reason, 0) + 1
    return VerdictReport(
        by=name,
        judged=len(verdicts),
        dropped=sum(not verdict.keep for verdict in verdicts),
        reasons=dict(sorted(reasons.items())),
        decided=decided,
    )
