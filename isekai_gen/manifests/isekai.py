"""ISEKAI-10 and ISEKAI-pair: two-way queries with frozen support lists.

Both formats are blocks of two labels, positive and negative. A block of A and B has, for
i = 0, 1, ..., a row that asks for an image of A and then a row that asks for an image of B, until
one side has no more images: labels alternate and are balanced, as the upstream metric wants.

* ISEKAI-10: one block a group: the fictional concept (positive) and its real counterpart.
* ISEKAI-pair: one block for every two fictional concepts, so that images of each are paired with
  images of all others; the first in the order of `groups` is the positive one.

A support list is a seeded shuffle, cut at `shots`, that depends on its query and its candidates
only: another concept in the catalog, or another order of images, changes nothing.
(Tai et al., Link-Context Learning, CVPR 2024, describes the sets; how examples were chosen was
never published.)
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from isekai_gen.errors import ManifestError
from isekai_gen.manifests.check import check_manifest
from isekai_gen.manifests.isekai_labels import refuse_bad_labels
from isekai_gen.manifests.names import normalize_label
from isekai_gen.manifests.paths import check_relative_path
from isekai_gen.manifests.upstream_draws import draw
from isekai_gen.records import Concept


@dataclass(frozen=True)
class KeptImage:
    """An image that a manifest may name.

    Attributes:
        image_id: Its id.
        concept: Slug.
        path: Relative to the image folder, with forward slashes.
    """

    image_id: str
    concept: str
    path: str

    def __post_init__(self) -> None:
        faults = check_relative_path(self.path)
        if faults:
            raise ValueError(f"image {self.image_id}: {faults[0]}")


@dataclass(frozen=True)
class ManifestRequest:
    """What to build a manifest of.

    Attributes:
        kept: Concept slug to its kept images; a concept without any may be absent.
        groups: (fictional concept, its real counterpart).
        shots: Images in each support list, at least 1. (The paper counts both sides.)
        seed: Of the support lists and of the choice and order of queries.
        duplicate_groups: Ids of images that are near-duplicates of each other; no such group
            ever has one image as a query and another in its support lists.
    """

    kept: Mapping[str, Sequence[KeptImage]]
    groups: Sequence[tuple[Concept, Concept]]
    shots: int
    seed: int
    duplicate_groups: Sequence[frozenset[str]] = ()

    def __post_init__(self) -> None:
        if self.shots < 1:
            raise ValueError(f"shots must be at least 1, got {self.shots}")
        owned: dict[str, str] = {}
        for slug, images in self.kept.items():
            for image in images:
                if image.concept != slug or image.image_id in owned:
                    raise ValueError(f"image {image.image_id} is listed twice or under {slug!r}")
                owned[image.image_id] = slug


@dataclass(frozen=True)
class Manifest:
    """Rows in the upstream format.

    Attributes:
        name: "ISEKAI-10" or "ISEKAI-pair".
        rows: Even in number (0 if every concept was skipped), in file order.
        shots: Length of every support list.
        skipped: Slug of a fictional concept that has no row, to the reason.
    """

    name: str
    rows: tuple[dict[str, Any], ...]
    shots: int
    skipped: Mapping[str, str] = field(default_factory=dict)


def build_isekai_10(request: ManifestRequest) -> Manifest:
    """Every fictional concept against its real counterpart.

    Raises:
        ManifestError: If labels break a rule of the metric; names every one.
    """
    refuse_bad_labels(request.groups)
    draws = _Draw(request)
    blocks, skipped = [], {}
    for fictional, real in request.groups:
        reason = draws.reason_to_skip((fictional, real))
        if reason:
            skipped[fictional.slug] = reason
        else:
            blocks.append((fictional, real))
    return draws.manifest("ISEKAI-10", blocks, skipped)


def build_isekai_pair(request: ManifestRequest) -> Manifest:
    """Every fictional concept against every other.

    Raises:
        ManifestError: If labels break a rule of the metric; names every one.
    """
    fictional = [pair[0] for pair in request.groups]
    refuse_bad_labels(list(itertools.combinations(fictional, 2)))
    draws = _Draw(request)
    reasons = {concept.slug: draws.reason_to_skip((concept,)) for concept in fictional}
    usable = [concept for concept in fictional if not reasons[concept.slug]]
    skipped = {slug: reason for slug, reason in reasons.items() if reason}
    if len(usable) == 1:
        skipped[usable[0].slug] = "no other fictional concept has enough kept images"
    return draws.manifest("ISEKAI-pair", list(itertools.combinations(usable, 2)), skipped)


def largest_shots(request: ManifestRequest) -> dict[str, int]:
    """Slug of every concept in `groups` to the longest support list that it can always give.

    One image is set aside as the query, and with it the images of its duplicate group, for
    whichever kept image of the request needs the most of this concept set aside.
    """
    draws = _Draw(request)
    return {
        concept.slug: draws.largest_shots(concept) for pair in request.groups for concept in pair
    }


class _Draw:
    """One request's draws; knows for every image which others must not support it."""

    def __init__(self, request: ManifestRequest) -> None:
        self._request = request
        self._barred: dict[str, set[str]] = {}
        for group in request.duplicate_groups:
            for image_id in group:
                self._barred.setdefault(image_id, set()).update(group)
        kept_ids = {image.image_id for images in request.kept.values() for image in images}
        self._queries_with_duplicates = sorted(kept_ids & self._barred.keys())

    def largest_shots(self, concept: Concept) -> int:
        candidates = {image.image_id for image in self._kept(concept)}
        if not candidates:
            return 0
        barred = [len(candidates & self._barred[query]) for query in self._queries_with_duplicates]
        return len(candidates) - max(1, *barred) if barred else len(candidates) - 1

    def reason_to_skip(self, concepts: Iterable[Concept]) -> str:
        """Why a block of these concepts cannot be built, or "" if it can."""
        for concept in concepts:
            possible = self.largest_shots(concept)
            if possible < self._request.shots:
                return (
                    f"{concept.slug} has {len(self._kept(concept))} kept images: enough for "
                    f"{possible} shots, not for {self._request.shots}"
                )
        return ""

    def manifest(
        self, name: str, blocks: Iterable[tuple[Concept, Concept]], skipped: Mapping[str, str]
    ) -> Manifest:
        rows = tuple(row for block in blocks for row in self._rows(*block))
        faults = check_manifest(rows) if rows else []
        if faults:
            raise ManifestError(f"{name} would break its own rules: {'; '.join(faults[:3])}")
        return Manifest(name, rows, self._request.shots, skipped)

    def _rows(self, positive: Concept, negative: Concept) -> Iterable[dict[str, Any]]:
        queries = [
            self._shuffled(f"queries {side.slug}", self._kept(side))
            for side in (positive, negative)
        ]
        for pair in zip(*queries, strict=False):
            for query, side in zip(pair, (positive, negative), strict=True):
                # Legacy spelling: ISEKAI's published files and its evaluator read "promt".
                yield {
                    "image_name": query.path,
                    "positive_list": self._support(query, positive),
                    "negative_list": self._support(query, negative),
                    "positive_promt": normalize_label(positive.name),
                    "negative_promt": normalize_label(negative.name),
                    "label_name": normalize_label(side.name),
                }

    def _support(self, query: KeptImage, concept: Concept) -> list[str]:
        barred = self._barred.get(query.image_id, {query.image_id})
        candidates = [image for image in self._kept(concept) if image.image_id not in barred]
        key = f"support {query.image_id} {concept.slug}"
        drawn = self._shuffled(key, candidates, self._request.shots)
        return [image.path for image in drawn]

    def _shuffled(
        self, key: str, images: Iterable[KeptImage], count: int | None = None
    ) -> list[KeptImage]:
        """The first `count` images (None: all) of a shuffle fixed by the seed and `key`."""
        ordered = sorted(images, key=lambda image: image.image_id)
        wanted = len(ordered) if count is None else count
        return draw(self._request.seed, key, ordered, wanted)

    def _kept(self, concept: Concept) -> Sequence[KeptImage]:
        return self._request.kept.get(concept.slug, ())
