"""What is doubtful in a catalog, though nothing forbids it.

Faults stop a catalog from loading (`prompts.catalog`); warnings say what would make a benchmark
weaker: names that exist, descriptions that are the same, labels that the metric cannot tell apart.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from isekai_gen.manifests.names import check_label, check_label_pair, normalize_label
from isekai_gen.prompts.catalog import Catalog, Group
from isekai_gen.prompts.imagenet_names import ImageNetNames, read_imagenet_names
from isekai_gen.prompts.likeness import alike_texts
from isekai_gen.proposals.catalog_text import proposals_of
from isekai_gen.proposals.checks_counterpart import parents_findings, titles, wnids_findings
from isekai_gen.proposals.records import Finding, Proposal
from isekai_gen.proposals.slate_checks import AlikeLimits
from isekai_gen.records import Concept


@dataclass(frozen=True)
class CatalogWarning:
    """Something to look at.

    Attributes:
        file: The catalog.
        line: 1-based.
        code: "name_in_imagenet", "alike_descriptions", "label_breaks_metric",
            "labels_break_metric", "parents_without_counterpart", "unknown_wnid",
            "wnids_of_other_things" or "wnids_missing"; of a deep check also those of
            `proposals.checks`.
        message: "what is doubtful; what to do".
    """

    file: str
    line: int
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message} [{self.code}]"

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return asdict(self)


def check_catalog(catalog: Catalog, path: Path) -> tuple[CatalogWarning, ...]:
    """All warnings, in the order of lines.

    Args:
        catalog: As read from `path` by `load_catalog`.
        path: As the user named it.

    Raises:
        MissingDependencyError: If timm, which has ImageNet's names, is not installed.
    """
    found = _Checks(catalog, str(path), read_imagenet_names())
    warnings = [
        *(
            warning
            for group, proposal in zip(catalog.groups, proposals_of(catalog), strict=True)
            for warning in found.of_group(group, proposal)
        ),
        *found.alike_descriptions(),
        *found.labels(),
    ]
    return tuple(sorted(warnings, key=lambda warning: (warning.line, warning.code)))


def warning_of(finding: Finding, group: Group, catalog: Catalog, file: str) -> CatalogWarning:
    """A finding about a group of the catalog, at its line."""
    concept = group.fictional if finding.part == "fictional" else group.real
    line = catalog.line_of(concept.slug, finding.field)
    return CatalogWarning(file, line, finding.code, f"{finding.message}; {finding.suggestion}")


@dataclass(frozen=True, eq=False)
class _Checks:
    catalog: Catalog
    file: str
    imagenet: ImageNetNames

    def of_group(self, group: Group, proposal: Proposal) -> Iterator[CatalogWarning]:
        """About the two concepts of a group and ImageNet."""
        yield from self._fictional_name(group.fictional)
        for finding in (
            *parents_findings(proposal, self.imagenet),
            *wnids_findings(proposal.real, self.imagenet),
        ):
            yield warning_of(finding, group, self.catalog, self.file)

    def alike_descriptions(self) -> Iterator[CatalogWarning]:
        """About concepts that are described nearly as one before them; each is told once."""
        concepts, others = self.catalog.concepts, Counter[int]()
        nearest: dict[int, tuple[float, int, float]] = {}
        limits = AlikeLimits()
        texts = [concept.description for concept in concepts]
        lowest = min(limits.in_group, limits.across_groups)
        for first, second, similarity in alike_texts(texts, lowest):
            same_group = concepts[first].group == concepts[second].group
            limit = limits.in_group if same_group else limits.across_groups
            if similarity >= limit:
                others[second] += 1
                # Of equals, the first one.
                nearest[second] = max(
                    nearest.get(second, (0.0, 0, 0.0)), (similarity, -first, limit)
                )
        for second, (similarity, first, limit) in nearest.items():
            a, b = concepts[-first], concepts[second]
            line = self.catalog.line_of(a.slug, "description")
            more = f", and like {others[second] - 1} more" if others[second] > 1 else ""
            yield self._warning(
                b,
                "description",
                "alike_descriptions",
                f"the description of {b.name!r} is much like that of {a.name!r} in line {line} "
                f"(similarity {similarity:.2f}, from {limit:g} on told){more}; say what differs",
            )

    def labels(self) -> Iterator[CatalogWarning]:
        """About labels that the metric cannot judge, alone and in the pairs manifests make.

        A fictional concept meets its counterpart (ISEKAI-10) and every other fictional concept
        (ISEKAI-pair), but never the counterpart of another.
        """
        labels = {c.slug: normalize_label(c.name) for c in self.catalog.concepts}
        faults = {slug: check_label(label) for slug, label in labels.items()}
        for concept in self.catalog.concepts:
            for fault in faults[concept.slug]:
                message = f"{fault}; choose another name"
                yield self._warning(concept, "name", "label_breaks_metric", message)
        groups = self.catalog.groups
        pairs = [
            *((group.fictional, group.real) for group in groups),
            *itertools.combinations([group.fictional for group in groups], 2),
        ]
        for a, b in pairs:
            if not faults[a.slug] and not faults[b.slug]:
                for fault in check_label_pair(labels[a.slug], labels[b.slug]):
                    yield self._warning(b, "name", "labels_break_metric", fault)

    def _fictional_name(self, concept: Concept) -> Iterator[CatalogWarning]:
        wnids = self.imagenet.wnids_of(concept.name)
        if wnids:
            yield self._warning(
                concept,
                "name",
                "name_in_imagenet",
                f"{concept.name!r} is the name of something real in ImageNet: "
                f"{titles(wnids, self.imagenet)}; invent another name",
            )

    def _warning(self, concept: Concept, key: str, code: str, message: str) -> CatalogWarning:
        return CatalogWarning(self.file, self.catalog.line_of(concept.slug, key), code, message)
