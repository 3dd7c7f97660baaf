"""All verdicts that an audit may ask about, in strata.

Of what filters dropped: every drop, by filter, tier and reason, and by how far beyond the limit it
lies. Of what they kept: near-duplicate pairs of kept images in the review band and as far below it
again; of every other filter as many kept images as it dropped, those nearest to its limit (at least
10, at most a tenth). What people have decided already is not asked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from isekai_gen.errors import InputError
from isekai_gen.filters.near_duplicate import NearDuplicateFilter
from isekai_gen.hashing import digest_of
from isekai_gen.records import ImageRecord, Verdict, select_kept
from isekai_gen.stages.audit_near_pairs import NearPair, near_pairs
from isekai_gen.stages.audit_records import AuditQuestion
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.curate import gather_records, read_verdicts

_SAME = "Are these two pictures duplicates of each other?"
_BANDS = ("nearest the limit", "farther", "farthest")
_FEWEST_IN_BAND = 3
_NEAR_SHARE, _FEWEST_NEAR = 0.1, 10


@dataclass(frozen=True, eq=False)
class _Judged:
    """What filters and people said of the images there are.

    Attributes:
        record_of: Image id to its record.
        verdicts: Filter to image id to verdict.
        dropped_by: Id of every dropped image to what dropped it.
        decided: Images and pairs that people decided about.
    """

    record_of: Mapping[str, ImageRecord]
    verdicts: Mapping[str, Mapping[str, Verdict]]
    dropped_by: Mapping[str, str]
    decided: frozenset[tuple[str, ...]]


def gather_questions(context: StageContext) -> dict[str, list[AuditQuestion]]:
    """Stratum to every question that could be asked; strata and questions in a fixed order.

    Raises:
        InputError: If no filter has judged yet.
        ChecksumError: If verdicts or edges are not what was committed.
    """
    facts = gather_records(context.workspace)
    verdicts = read_verdicts(context.workspace)
    if not any(verdicts.values()):
        raise InputError(
            f"{context.workspace.root} has no verdicts to audit yet; run `isekai-gen dedupe` or "
            "`isekai-gen overlap` first"
        )
    images = facts.all_images
    kept, dropped_by = select_kept(images, verdicts, facts.context.decisions)
    choices = facts.context
    judged = _Judged(
        {image.image_id: image for image in images},
        verdicts,
        dropped_by,
        frozenset([*((one,) for one in choices.image_choices()), *choices.pair_choices()]),
    )
    strata: dict[str, list[AuditQuestion]] = {}
    for question in (*_drops(judged), *_kept_pairs(context, judged, kept), *_near_keeps(judged)):
        strata.setdefault(question.stratum, []).append(question)
    return {
        name: [replace(each, stratum_size=len(members)) for each in members]
        for name, members in sorted(strata.items())
    }


def _drops(judged: _Judged) -> Iterator[AuditQuestion]:
    groups: dict[str, list[AuditQuestion]] = {}
    for image_id, by in sorted(judged.dropped_by.items()):
        if by not in judged.verdicts:
            continue  # a person's drop
        verdict = judged.verdicts[by][image_id]
        if tuple(sorted((image_id, verdict.witness))) in judged.decided:
            continue
        name = "/".join(part for part in ("drop", by, verdict.tier, verdict.reason) if part)
        groups.setdefault(name, []).append(_about_verdict(judged, verdict, name))
    for name, questions in groups.items():
        yield from _in_bands(name, questions)


def _in_bands(name: str, questions: Sequence[AuditQuestion]) -> Iterator[AuditQuestion]:
    """The same questions in up to three strata of one size, by how far they are from the limit."""
    bands = min(len(_BANDS), len(questions) // _FEWEST_IN_BAND)
    if bands < 2 or any(math.isinf(_excess(question)) for question in questions):
        yield from questions
        return
    ordered = sorted(questions, key=lambda question: (_excess(question), question.id))
    for place, question in enumerate(ordered):
        band = _BANDS[place * bands // len(ordered)]
        yield replace(question, stratum=f"{name}/{band}")


def _excess(judgment: Verdict | AuditQuestion) -> float:
    """How far from the limit; infinite where nothing was compared."""
    if judgment.measured is None or judgment.limit is None:
        return math.inf
    return abs(judgment.measured - judgment.limit)


def _kept_pairs(
    context: StageContext, judged: _Judged, kept: Sequence[str]
) -> Iterator[AuditQuestion]:
    if not judged.verdicts[NearDuplicateFilter.name]:
        return
    for pair in near_pairs(context, [judged.record_of[image_id] for image_id in kept]):
        if pair.images not in judged.decided:
            yield _about_pair(judged, pair)


def _near_keeps(judged: _Judged) -> Iterator[AuditQuestion]:
    """Of every other filter, the kept images nearest to its limit."""
    for name, verdicts in judged.verdicts.items():
        if name == NearDuplicateFilter.name:
            continue
        measured = [
            verdict
            for image_id, verdict in verdicts.items()
            if image_id not in judged.dropped_by
            and (image_id,) not in judged.decided
            and not math.isinf(_excess(verdict))
        ]
        measured.sort(key=lambda verdict: (_excess(verdict), verdict.image_id))
        dropped = sum(by == name for by in judged.dropped_by.values())
        near = min(math.ceil(_NEAR_SHARE * len(measured)), max(_FEWEST_NEAR, dropped))
        for verdict in measured[:near]:
            yield _about_verdict(judged, verdict, f"keep/{name}/near the limit")


def _about_verdict(judged: _Judged, verdict: Verdict, stratum: str) -> AuditQuestion:
    images = (verdict.image_id, *([verdict.witness] if verdict.witness else []))
    name = judged.record_of[verdict.image_id].concept
    evidence = f" It was compared with {verdict.reference}." if verdict.reference else ""
    return AuditQuestion(
        id=_id_of("keep" if verdict.keep else "drop", verdict.by, verdict.tier, images),
        ask="duplicate" if verdict.witness else "drop",
        question=_SAME
        if verdict.witness
        else f"Should {verdict.by} drop this picture of {name}?{evidence}",
        verdict="keep" if verdict.keep else "drop",
        images=images,
        paths=tuple(judged.record_of[each].path for each in images),
        filter=verdict.by,
        tier=verdict.tier,
        reason=verdict.reason,
        measured=verdict.measured,
        limit=verdict.limit,
        reference=verdict.reference,
        stratum=stratum,
        stratum_size=0,
    )


def _about_pair(judged: _Judged, pair: NearPair) -> AuditQuestion:
    name = NearDuplicateFilter.name
    return AuditQuestion(
        id=_id_of("keep", name, pair.tier, pair.images),
        ask="duplicate",
        question=_SAME,
        verdict="keep",
        images=pair.images,
        paths=tuple(judged.record_of[each].path for each in pair.images),
        filter=name,
        tier=pair.tier,
        reason=pair.band.replace(" ", "_"),
        measured=pair.similarity,
        limit=pair.limit,
        reference="",
        stratum=f"keep/{name}/{pair.tier}/{pair.band}",
        stratum_size=0,
    )


def _id_of(verdict: str, by: str, tier: str, images: Sequence[str]) -> str:
    return digest_of([verdict, by, tier, *images])[:16]
