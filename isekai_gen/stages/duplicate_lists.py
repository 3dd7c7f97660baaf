"""What people look through after dedupe: groups, pairs in a review band, memorized prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.filters.duplicates_groups import group_duplicates
from isekai_gen.filters.near_duplicate import DecidedImages, ReviewPair, review_pairs
from isekai_gen.neighbors.groups import DuplicateGroup
from isekai_gen.neighbors.similarity import IndexArray
from isekai_gen.neighbors.vectors import Vectors
from isekai_gen.stages.dedupe_facts import DuplicateFacts
from isekai_gen.stages.limits import DuplicateLimits
from isekai_gen.stages.memorized import MemorizedPrompt, memorized_prompts


@dataclass(frozen=True, eq=False)
class DuplicateLists:
    """What people look through.

    Attributes:
        decided: What the groups' rows are.
        groups: Images that duplicates connect.
        review: Pairs of kept images in a review band.
        memorized: Prompts that give nearly the same picture whatever the seed; none are looked for
            without the semantic tier.
    """

    decided: DecidedImages
    groups: Sequence[DuplicateGroup]
    review: Sequence[ReviewPair]
    memorized: Sequence[MemorizedPrompt]


def gather_lists(
    known: DuplicateFacts, decided: DecidedImages, limits: DuplicateLimits
) -> DuplicateLists:
    """The lists that go with a decision."""
    memorized: Sequence[MemorizedPrompt] = ()
    if "semantic" in known.stored:
        edges = known.stored["semantic"].edges
        memorized = memorized_prompts(known.facts.all_images, edges, limits.max_similarity)
    return DuplicateLists(
        decided=decided,
        groups=group_duplicates(decided.request, decided.decision, _vectors(known, decided)),
        review=review_pairs(decided),
        memorized=memorized,
    )


@dataclass(frozen=True, eq=False)
class _ReorderedVectors:
    """Rows of a matrix in another order, without a copy of it."""

    matrix: FloatArray
    order: IndexArray

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.order), self.matrix.shape[1]

    def block(self, start: int, stop: int) -> FloatArray:
        return self.take(np.arange(start, min(stop, len(self.order)), dtype=np.int64))

    def take(self, rows: IndexArray) -> FloatArray:
        taken: FloatArray = self.matrix[self.order[rows]]
        return taken


def _vectors(known: DuplicateFacts, decided: DecidedImages) -> Vectors | None:
    """What diameters of groups are measured by: the embeddings of the semantic tier, or the first.

    None if the first tier has no embeddings.
    """
    tiers = sorted(known.stored, key=lambda tier: tier != "semantic")
    if not tiers or tiers[0] not in known.encoded:
        return None
    table = known.encoded[tiers[0]].table
    row_of = {image_id: row for row, image_id in enumerate(table.ids)}
    order = np.array([row_of[image_id] for image_id in decided.ids], dtype=np.int64)
    return _ReorderedVectors(table.vectors, order)
