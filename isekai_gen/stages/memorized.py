"""Prompts that give nearly the same picture whatever the seed: a sign of a memorized picture.

Carlini et al., "Extracting Training Data from Diffusion Models" (USENIX Security 2023), find
memorized training pictures as cliques of near-identical outputs of one prompt. Here the pairs are
those that dedupe lists anyway; no training set is needed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isekai_gen.neighbors.edges import EdgeList
from isekai_gen.records import SCHEMA, ImageRecord

FEWEST = 3
"""So many different seeds must give the picture; two may be chance."""


@dataclass(frozen=True)
class MemorizedPrompt:
    """Images of one prompt and different seeds, pairwise above the semantic limit.

    Attributes:
        concept: Slug.
        prompt: The text.
        images: Ids, ascending.
        seeds: The images' seeds, in their order.
        drawn: Images of this concept and prompt that were compared.
    """

    concept: str
    prompt: str
    images: tuple[str, ...]
    seeds: tuple[int, ...]
    drawn: int

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict with every field and `schema`."""
        return {"schema": SCHEMA, **self.__dict__}


def memorized_prompts(
    images: Iterable[ImageRecord], edges: EdgeList, max_similarity: float
) -> list[MemorizedPrompt]:
    """For each prompt the largest set found of three or more images of different seeds.

    The sets are cliques, found greedily: images are taken in the order of their number of similar
    ones, each if it is similar to all those taken before. A larger clique may exist.

    Args:
        images: Generated images, dropped ones too; those that `edges` does not know are left out.
        edges: Listed down to `max_similarity` at least.
        max_similarity: Pairs strictly above it are similar.

    Returns:
        In the order of concept and prompt.
    """
    record_by_id = {image.image_id: image for image in images}
    records = [record_by_id.get(image_id) for image_id in edges.ids]
    keys = [None if one is None else (one.concept, one.planned.prompt) for one in records]
    drawn = Counter(key for key in keys if key is not None)
    found = []
    for key, similar in sorted(_similar_by_prompt(records, edges, max_similarity).items()):
        members = sorted(_greedy_clique(similar))
        if len(members) >= FEWEST:
            seeds = tuple(record_by_id[image_id].planned.seed for image_id in members)
            found.append(MemorizedPrompt(*key, tuple(members), seeds, drawn[key]))
    return found


def _similar_by_prompt(
    records: Sequence[ImageRecord | None], edges: EdgeList, max_similarity: float
) -> dict[tuple[str, str], dict[str, set[str]]]:
    """(concept, prompt) to image to the images of other seeds that it is similar to.

    `records` are those of the edges' ids, None for images that do not count.
    """
    number_of: dict[tuple[str, str], int] = {}
    prompt = np.full(len(records), -1, dtype=np.int64)
    seed = np.zeros(len(records), dtype=np.int64)
    for row, record in enumerate(records):
        if record is not None:
            key = (record.concept, record.planned.prompt)
            prompt[row] = number_of.setdefault(key, len(number_of))
            seed[row] = record.planned.seed
    keys = list(number_of)
    a, b = edges.pairs.row_a, edges.pairs.row_b
    above = edges.pairs.similarity.astype(np.float64) > max_similarity
    wanted = above & (prompt[a] == prompt[b]) & (prompt[a] >= 0) & (seed[a] != seed[b])
    found: defaultdict[tuple[str, str], defaultdict[str, set[str]]]
    found = defaultdict(lambda: defaultdict(set))
    for one, other in zip(a[wanted].tolist(), b[wanted].tolist(), strict=True):
        similar = found[keys[prompt[one]]]
        similar[edges.ids[one]].add(edges.ids[other])
        similar[edges.ids[other]].add(edges.ids[one])
    return {key: dict(similar) for key, similar in found.items()}


def _greedy_clique(similar: Mapping[str, set[str]]) -> list[str]:
    """Images that are all similar to each other, begun with the one similar to most."""
    taken: list[str] = []
    for image_id in sorted(similar, key=lambda one: (-len(similar[one]), one)):
        if all(image_id in similar[other] for other in taken):
            taken.append(image_id)
    return taken
