"""What is doubtful in a catalog, though nothing forbids it.

Faults stop a catalog from loading (`prompts.catalog`); warnings say what would make a benchmark
weaker: names that exist, descriptions that are the same, labels that the metric cannot tell apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from isekai_gen.manifests.names import check_label, check_label_pair, normalize_label
from isekai_gen.prompts.catalog import Catalog, Group
from isekai_gen.prompts.imagenet_names import ImageNetNames, contains_words, read_imagenet_names
from isekai_gen.prompts.likeness import alike_texts
from isekai_gen.records import Concept

# Starting points, read off the shipped catalog: its most alike descriptions of two groups have
# 0.44, those of a fictional concept and its counterpart, which should look much the same, 0.60.
MIN_ALIKE = 0.6
MIN_ALIKE_IN_GROUP = 0.8
_SHOWN = 3


@dataclass(frozen=True)
class CatalogWarning:
    """Something to look at.

    Attributes:
        file: The catalog.
        line: 1-based.
        code: "name_in_imagenet", "alike_descriptions", "label_breaks_metric",
            "labels_break_metric", "parents_without_counterpart", "unknown_wnid",
            "wnids_of_other_things" or "wnids_missing".
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
        *(warning for group in catalog.groups for warning in found.of_group(group)),
        *found.alike_descriptions(),
        *found.labels(),
    ]
    return tuple(sorted(warnings, key=lambda warning: (warning.line, warning.code)))


@dataclass(frozen=True, eq=False)
class _Checks:
    catalog: Catalog
    file: str
    imagenet: ImageNetNames

    def of_group(self, group: Group) -> Iterator[CatalogWarning]:
        """About the two concepts of a group and ImageNet."""
        yield from self._fictional_name(group.fictional)
        yield from self._parents(group)
        yield from self._wnids(group.real)

    def alike_descriptions(self) -> Iterator[CatalogWarning]:
        """About concepts that are described in nearly the same words."""
        concepts = self.catalog.concepts
        texts = [concept.description for concept in concepts]
        for first, second, similarity in alike_texts(texts, MIN_ALIKE):
            a, b = concepts[first], concepts[second]
            limit = MIN_ALIKE_IN_GROUP if a.group == b.group else MIN_ALIKE
            if similarity >= limit:
                line = self.catalog.line_of(a.slug, "description")
                yield self._warning(
                    b,
                    "description",
                    "alike_descriptions",
                    f"the description of {b.name!r} is much like that of {a.name!r} in line {line} "
                    f"(similarity {similarity:.2f}, from {limit:g} on told); say what differs",
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
                f"{self._titles(wnids)}; invent another name",
            )

    def _parents(self, group: Group) -> Iterator[CatalogWarning]:
        fictional, real = group.fictional, group.real
        if not any(self._alike(parent, real.name) for parent in fictional.parents):
            yield self._warning(
                fictional,
                "parents",
                "parents_without_counterpart",
                f"no parent of {fictional.name!r} ({', '.join(fictional.parents)}) is like its "
                f"real counterpart {real.name!r}; add it, or choose a counterpart that is a parent",
            )

    def _alike(self, parent: str, name: str) -> bool:
        """Whether one contains the words of the other, or ImageNet has both names for one thing."""
        return (
            contains_words(parent, name)
            or contains_words(name, parent)
            or not set(self.imagenet.wnids_of(parent)).isdisjoint(self.imagenet.wnids_of(name))
        )

    def _wnids(self, concept: Concept) -> Iterator[CatalogWarning]:
        """About what a real concept says of its place in ImageNet."""
        called_so = self.imagenet.wnids_of(concept.name)
        hint = f"; so called: {self._titles(called_so)}" if called_so else ""
        for wnid in concept.wnids:
            if wnid not in self.imagenet.lemmas:
                yield self._warning(
                    concept,
                    "wnids",
                    "unknown_wnid",
                    f"{wnid} is no class of ImageNet-21k{hint}; correct it",
                )
        known = [wnid for wnid in concept.wnids if wnid in self.imagenet.lemmas]
        # Kinds of a thing seldom bear its name (a minivan is a car): one that does is enough.
        if known and not any(self.imagenet.speaks_of(wnid, concept.name) for wnid in known):
            yield self._warning(
                concept,
                "wnids",
                "wnids_of_other_things",
                f"neither name nor definition of {self._titles(known)} speaks of "
                f"{concept.name!r}{hint}; check the wnids",
            )
        own = [wnid for wnid in called_so if wnid in self.imagenet.classes_1k]
        if own and not concept.wnids:
            yield self._warning(
                concept,
                "name",
                "wnids_missing",
                f"{concept.name!r} is a class of ImageNet-1k: {self._titles(own)}; name it under "
                "'wnids' if it is the same thing, or it counts as the concept's own neighbor",
            )

    def _titles(self, wnids: list[str] | tuple[str, ...]) -> str:
        shown = ", ".join(self.imagenet.title(wnid) for wnid in wnids[:_SHOWN])
        more = len(wnids) - _SHOWN
        return f"{shown} and {more} more" if more > 0 else shown

    def _warning(self, concept: Concept, key: str, code: str, message: str) -> CatalogWarning:
        return CatalogWarning(self.file, self.catalog.line_of(concept.slug, key), code, message)
