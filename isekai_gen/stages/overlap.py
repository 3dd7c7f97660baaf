"""Judge images by their overlap with the real world, and whether they are what they claim.

Fictional images: three verdicts, by name, by single real images and by real classes. All images:
alignment with their own concept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from isekai_gen.filters.alignment import AlignmentFilter
from isekai_gen.filters.base import Evidence, ImageFilter
from isekai_gen.filters.class_overlap import ClassOverlapFilter
from isekai_gen.filters.name_overlap import NameOverlapFilter
from isekai_gen.hashing import digest_of
from isekai_gen.models.encoder_files import identify_encoder
from isekai_gen.neighbors.reference import reference_digest
from isekai_gen.neighbors.reference_set import ReferenceSet
from isekai_gen.settings import ClassOverlapSettings, Settings
from isekai_gen.stages.alignment import find_distractors
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.curate import Facts, gather_facts, make_filter, with_context
from isekai_gen.stages.embed import encoder_spec
from isekai_gen.stages.embedding_files import read_concept_names
from isekai_gen.stages.judging import VerdictReport, decide, judge_by_records
from isekai_gen.stages.name_overlap import name_evidence
from isekai_gen.stages.reference_copies import (
    StoredMatches,
    copies_of,
    copy_filter,
    find_matches,
)
from isekai_gen.stages.reference_sets import (
    check_references,
    open_image_references,
    open_reference,
)

FILTER = ClassOverlapFilter.name


@dataclass(frozen=True)
class OverlapReport:
    """What the filters of real-world overlap decided.

    Attributes:
        verdicts: One report for each filter that judged, in their declared order.
    """

    verdicts: tuple[VerdictReport, ...]

    @property
    def decided(self) -> bool:
        """Whether anything was decided anew."""
        return any(report.decided for report in self.verdicts)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {"verdicts": [report.to_json() for report in self.verdicts]}


class LazyEvidence(Mapping[str, Evidence]):
    """Evidence that is gathered when it is first looked at: verdicts that stand need none."""

    def __init__(self, gather: Callable[[], Mapping[str, Evidence]]) -> None:
        self._gather = gather

    @cached_property
    def _found(self) -> Mapping[str, Evidence]:
        return self._gather()

    def __getitem__(self, key: str) -> Evidence:
        return self._found[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


@dataclass(frozen=True, eq=False)
class OverlapFacts:
    """What real-world overlap is judged and reported by.

    Attributes:
        facts: Images, embeddings and all evidence in their context.
        reference: The classes.
        matches: Where the most similar reference images are, for each set with images.
        filters: The filters with their limits, in their declared order.
        inputs: Digests of what the verdicts depend on beside images and decisions.
    """

    facts: Facts
    reference: ReferenceSet
    matches: tuple[StoredMatches, ...]
    filters: tuple[ImageFilter, ...]
    inputs: Mapping[str, Any]


def overlap_filter(settings: ClassOverlapSettings) -> ImageFilter:
    """The class-overlap filter with its limits; InputError if one is out of range."""
    limits = {"max_margin": settings.max_margin, "own_quantile": settings.own_quantile}
    return make_filter(FILTER, limits)


def check_overlap(context: StageContext) -> None:
    """Refuse at once what would be refused after hours of drawing.

    Raises:
        InputError: If a limit is out of range, or a reference set that settings name is not there.
    """
    _filters_without_search(context.settings)
    copy_filter(context, identify_encoder(encoder_spec(context.settings.embed.encoder)))
    check_references(context)


def judge_overlap(context: StageContext) -> OverlapReport:
    """Verdicts of all filters of real-world overlap and of those by records; embeds if needed.

    The caller holds the workspace's lock.

    Raises:
        InputError: If limits are out of range, or a reference set is of another encoder.
    """
    return judge_facts(context, gather_overlap(context))


def gather_overlap(context: StageContext) -> OverlapFacts:
    """Everything that overlap is judged by; embeds and searches what is not done yet.

    Raises:
        InputError: If limits are out of range, or a reference set is of another encoder.
    """
    settings = context.settings
    others = _filters_without_search(settings)
    facts = gather_facts(context)
    copies = copy_filter(context, facts.embedded.digest)
    reference = open_reference(context, facts.embedded)
    sets = open_image_references(context, facts.embedded)
    matches = tuple(find_matches(context, facts, sets, copies.review_similarity))
    classes = [reference, *(entry.reference for entry in sets)]
    parts = [part for part, images in facts.images.items() if images]
    complete = with_context(
        facts,
        reference=reference,
        names=LazyEvidence(lambda: _names(context, facts, classes)),
        copies=LazyEvidence(lambda: copies_of(context.workspace, parts, matches)),
        distractors=LazyEvidence(lambda: _distractors(facts)),
    )
    judging = sorted([copies, *others], key=lambda one: one.order)
    return OverlapFacts(
        complete,
        reference,
        matches,
        tuple(judging),
        {
            "reference": reference_digest(reference),
            "encoder": facts.embedded.digest,
            "images_of": [entry.digest for entry in sets],
            "concepts": digest_of([each.to_json() for each in facts.context.concepts.values()]),
        },
    )


def judge_facts(context: StageContext, gathered: OverlapFacts) -> OverlapReport:
    """Verdicts by what was gathered."""
    judge_by_records(context, gathered.facts)
    reports = [
        decide(context, gathered.facts, judging, gathered.inputs) for judging in gathered.filters
    ]
    context.remember_settings("name_overlap", "reference_copy", "class_overlap", "alignment")
    # A filter that never had anything to judge by is not spoken of.
    return OverlapReport(tuple(report for report in reports if report.judged))


def _filters_without_search(settings: Settings) -> list[ImageFilter]:
    named = {"max_similarity": settings.name_overlap.max_similarity}
    aligned = {"min_margin": settings.alignment.min_margin}
    return [
        make_filter(NameOverlapFilter.name, named),
        overlap_filter(settings.class_overlap),
        make_filter(AlignmentFilter.name, aligned),
    ]


def _names(
    context: StageContext, facts: Facts, references: list[ReferenceSet]
) -> dict[str, Evidence]:
    embedded = facts.embedded
    names = read_concept_names(context.workspace, embedded.encoder, embedded.digest)
    return name_evidence(list(facts.context.concepts.values()), names, references)


def _distractors(facts: Facts) -> dict[str, Evidence]:
    embeddings, own_text = facts.context.embeddings, facts.context.own_text
    if embeddings is None or own_text is None:
        raise ValueError("facts without embeddings")
    return find_distractors(facts.all_images, embeddings, own_text)
