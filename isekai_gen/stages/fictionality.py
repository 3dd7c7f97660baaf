"""Measure how new each fictional concept is: what its images look like, and what they do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isekai_gen.embeddings import EmbeddingTable, normalized
from isekai_gen.filters.base import Evidence
from isekai_gen.neighbors.nearest import nearest_rows
from isekai_gen.neighbors.reference_classes import NO_CLASS, class_totals, own_similarities
from isekai_gen.neighbors.reference_set import OWN_QUANTILES, ReferenceSet
from isekai_gen.neighbors.similarity import IndexArray, pair_similarities
from isekai_gen.neighbors.vectors import ArrayVectors
from isekai_gen.records import Concept, ImageRecord, Verdict
from isekai_gen.stages.alignment import best_others, rows_of
from isekai_gen.stages.fictionality_numbers import (
    ConceptFictionality,
    Confusion,
    NearClass,
    Share,
    share_of,
)

NEAREST_CLASSES = 5
# Float noise of another machine's matrix products must not change an order.
_DECIMALS = 6


@dataclass(frozen=True, eq=False)
class FictionalityFacts:
    """What the numbers are made from.

    Attributes:
        concepts: The fictional concepts.
        images: Generated images of these concepts.
        left_out: Ids of those that are not judged.
        embeddings: By image id.
        texts: The concepts' own texts, by slug.
        reference: The classes.
        verdicts: Filter name to image id to verdict.
        distractors: Image id to its margin.
    """

    concepts: Sequence[Concept]
    images: Sequence[ImageRecord]
    left_out: frozenset[str]
    embeddings: EmbeddingTable
    texts: EmbeddingTable
    reference: ReferenceSet
    verdicts: Mapping[str, Mapping[str, Verdict]]
    distractors: Mapping[str, Evidence]


def measure_fictionality(facts: FictionalityFacts) -> list[ConceptFictionality]:
    """The numbers of every fictional concept, in the order of the catalog."""
    judged = [image for image in facts.images if image.image_id not in facts.left_out]
    table = facts.embeddings.select([image.image_id for image in judged])
    texts = facts.texts.select([concept.slug for concept in facts.concepts])
    own_rows = rows_of([image.concept for image in judged], texts)
    levels = _levels_reached(table, facts.reference)
    by_text = _nearer_by_text(table, own_rows, texts)
    by_images = _nearer_by_images(table, own_rows, texts.ids)
    ids_by_slug: dict[str, list[str]] = {concept.slug: [] for concept in facts.concepts}
    for image in facts.images:
        ids_by_slug[image.concept].append(image.image_id)
    found = []
    for number, concept in enumerate(facts.concepts):
        mine = np.flatnonzero(own_rows == number)
        own = EmbeddingTable(
            tuple(table.ids[row] for row in mine), table.vectors[mine], table.encoder
        )
        over = {level: share_of(reached[mine]) for level, reached in levels.items()}
        confusions = (_confusion(by_text, mine), _confusion(by_images, mine))
        found.append(_measured(facts, concept, (ids_by_slug[concept.slug], own), over, confusions))
    return found


def _measured(
    facts: FictionalityFacts,
    concept: Concept,
    own: tuple[Sequence[str], EmbeddingTable],
    over: Mapping[str, Share],
    confusions: tuple[Confusion, Confusion],
) -> ConceptFictionality:
    """What there is to say of one concept.

    Args:
        facts: Of all concepts.
        concept: The concept.
        own: Ids of its images, and the embeddings of those that are judged.
        over: Its `over_quantile`.
        confusions: By text and by images.
    """
    ids, table = own
    reasons = {
        name: dict(sorted(Counter(judged[image_id].reason for image_id in ids).items()))
        for name, judged in facts.verdicts.items()
    }
    compared = facts.verdicts.get("reference_copy")
    copies = Counter(compared[image_id].reason for image_id in table.ids) if compared else {}
    margins = [facts.distractors[image_id].measured for image_id in table.ids]
    return ConceptFictionality(
        concept=concept.slug,
        name=concept.name,
        images=len(ids),
        judged=len(table),
        left_out=len(ids) - len(table),
        over_quantile=over,
        nearest=_nearest_classes(table, facts.reference),
        copies=copies.get("copy_of_reference_image", 0) if compared else None,
        near_copies=copies.get("near_reference_image", 0) if compared else None,
        same_name=_name_verdict(ids, facts.verdicts["name_overlap"]),
        by_text=confusions[0],
        by_images=confusions[1],
        mean_margin=round(float(np.mean(margins)), _DECIMALS) if margins else None,
        reasons=reasons,
    )


def _name_verdict(ids: Sequence[str], verdicts: Mapping[str, Verdict]) -> dict[str, Any]:
    """What was said of the concept's name; {} if it has no images."""
    if not ids:
        return {}
    said = verdicts[ids[0]]
    return {"reason": said.reason, "similarity": said.measured, "reference": said.reference}


def _levels_reached(table: EmbeddingTable, reference: ReferenceSet) -> dict[str, np.ndarray]:
    """Quantile to whether each image reaches it in its nearest class; {} without prototypes."""
    if reference.prototypes is None:
        return {}
    rows, similarities = nearest_rows(table, reference.prototypes, 1)
    keys = [reference.prototypes.ids[row] for row in rows[:, 0]]
    return {
        f"{level:g}": np.array(
            [
                similarity >= reference.own_quantile(key, level)
                for key, similarity in zip(keys, similarities[:, 0], strict=True)
            ],
            dtype=bool,
        )
        for level in OWN_QUANTILES
    }


def _nearest_classes(table: EmbeddingTable, reference: ReferenceSet) -> tuple[NearClass, ...]:
    classes = reference.prototypes if reference.prototypes is not None else reference.text
    if not len(table) or classes is None:
        return ()
    mean = table.vectors.mean(axis=0, dtype=np.float64)
    similarities = np.round(classes.vectors.astype(np.float64) @ mean, _DECIMALS)
    order = sorted(range(len(classes)), key=lambda row: (-similarities[row], classes.ids[row]))
    found = []
    for row in order[:NEAREST_CLASSES]:
        entry, similarity = reference.classes[row], float(similarities[row])
        known = reference.prototypes is not None
        percentile = round(reference.percentile(entry.key, similarity), 4) if known else None
        own_images = reference.own_images.get(entry.key)
        found.append(NearClass(entry.key, entry.name, similarity, percentile, own_images))
    return tuple(found)


_Nearer = list[str | None]
"""Of each image whom it is nearer to than to its own concept, "" for nobody; None if unknown."""


def _nearer_by_text(table: EmbeddingTable, own_rows: IndexArray, texts: EmbeddingTable) -> _Nearer:
    if len(texts) < 2 or not len(table):
        return [None] * len(table)
    own = pair_similarities(table.vectors, texts.vectors[own_rows])
    others, best = best_others(table, own_rows, texts)
    return [
        texts.ids[other] if nearer else "" for other, nearer in zip(others, best > own, strict=True)
    ]


def _nearer_by_images(table: EmbeddingTable, own_rows: IndexArray, slugs: Sequence[str]) -> _Nearer:
    """An image alone in its concept has no others to be compared with."""
    sizes = np.bincount(own_rows, minlength=len(slugs))
    drawn = np.flatnonzero(sizes)
    if len(drawn) < 2:
        return [None] * len(table)
    vectors = ArrayVectors(table.vectors)
    class_of = np.searchsorted(drawn, own_rows)
    totals = class_totals(vectors, class_of, len(drawn))
    alone = sizes[own_rows] == 1
    own = own_similarities(vectors, np.where(alone, NO_CLASS, class_of), totals)
    means = EmbeddingTable(
        tuple(slugs[row] for row in drawn.tolist()), normalized(totals), table.encoder
    )
    others, best = best_others(table, class_of, means)
    return [
        None if single else means.ids[other] if nearer else ""
        for other, nearer, single in zip(others, best > own, alone, strict=True)
    ]


def _confusion(nearer: _Nearer, mine: np.ndarray) -> Confusion:
    known = [nearer[row] for row in mine if nearer[row] is not None]
    whom = Counter(slug for slug in known if slug)
    most = min(whom, key=lambda slug: (-whom[slug], slug)) if whom else ""
    return Confusion(share_of(np.array([bool(slug) for slug in known], dtype=bool)), most)
