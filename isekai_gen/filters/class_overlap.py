"""Drop images of fictional concepts that look more like a real class than like their concept.

Two heads: the class's name (text), and, where the reference set has real images, the class's
prototype, with a bar of its own for every class: how similar its real images are to it. Both must
agree on one class. Copies of single reference images are `reference_copy`'s to find.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from isekai_gen.embeddings import EmbeddingTable
from isekai_gen.filters.base import (
    FilterContext,
    Need,
    check_images,
    concept_of,
    needed,
    register_filter,
    select_rows,
)
from isekai_gen.neighbors.nearest import nearest_rows
from isekai_gen.neighbors.reference_set import OWN_QUANTILES, ReferenceSet
from isekai_gen.neighbors.similarity import ScoreArray, pair_similarities
from isekai_gen.records import ImageRecord, Verdict


@register_filter
@dataclass(frozen=True)
class ClassOverlapFilter:
    """Keep an image of a fictional concept unless it looks like a class of the reference set.

    An image looks like a class if its similarity to the class's name exceeds its similarity to its
    own concept's text by more than `max_margin`, that class being the most similar one; and, if the
    reference has prototypes, the same class's prototype is the nearest and as similar to it as to
    the class's own images (at or above their `own_quantile`). Images of real concepts are kept.

    Attributes:
        max_margin: Largest excess of the class's name over the concept's own text, in [-2, 2].
        own_quantile: 0.05, 0.25 or 0.5; lower drops more.
    """

    name: ClassVar[str] = "class_overlap"
    order: ClassVar[int] = 10
    needs: ClassVar[frozenset[Need]] = frozenset(
        {Need.EMBEDDINGS, Need.REFERENCE, Need.CONCEPTS, Need.OWN_TEXT}
    )
    max_margin: float = 0.0
    own_quantile: float = 0.25

    def __post_init__(self) -> None:
        if not (math.isfinite(self.max_margin) and -2.0 <= self.max_margin <= 2.0):
            raise ValueError(f"max_margin must be in [-2, 2], got {self.max_margin}")
        if self.own_quantile not in OWN_QUANTILES:
            raise ValueError(f"own_quantile must be one of {OWN_QUANTILES}: {self.own_quantile}")

    def judge(self, images: Sequence[ImageRecord], context: FilterContext) -> Iterator[Verdict]:
        """One verdict per image; see `ImageFilter.judge`."""
        check_images(images, self.name)
        fictional = [
            image for image in images if concept_of(image, context, self.name).kind == "fictional"
        ]
        judged = {
            verdict.image_id: verdict for verdict in self._judge_fictional(fictional, context)
        }
        for image in images:
            yield judged.get(image.image_id) or Verdict(
                image.image_id, by=self.name, keep=True, reason="real_concept"
            )

    def _judge_fictional(
        self, images: Sequence[ImageRecord], context: FilterContext
    ) -> Iterator[Verdict]:
        reference = needed(context.reference, Need.REFERENCE, self.name)
        text = reference.text
        if text is None:
            raise ValueError(f"filter {self.name!r} needs a reference with text embeddings")
        embeddings = select_rows(
            needed(context.embeddings, Need.EMBEDDINGS, self.name),
            [image.image_id for image in images],
            Need.EMBEDDINGS,
            self.name,
        )
        own = self._own_similarities(images, embeddings, context)
        rows, similarities = nearest_rows(embeddings, text, 1)
        confirmed = self._like_class_images(embeddings, reference)
        for place, image in enumerate(images):
            key = text.ids[rows[place, 0]]
            margin = float(similarities[place, 0] - own[place])
            over = margin > self.max_margin
            drop = over and (confirmed is None or confirmed[place] == key)
            reason = "unlike_class_images" if over else "within_limit"
            yield Verdict(
                image.image_id,
                by=self.name,
                keep=not drop,
                reason="looks_like_class" if drop else reason,
                measured=margin,
                limit=self.max_margin,
                reference=f"{reference.name}/{key}",
            )

    def _own_similarities(
        self, images: Sequence[ImageRecord], embeddings: EmbeddingTable, context: FilterContext
    ) -> ScoreArray:
        """Similarity of each image to its own concept's text, float64 [n]."""
        own_text = needed(context.own_text, Need.OWN_TEXT, self.name)
        if own_text.encoder != embeddings.encoder:
            raise ValueError(
                f"filter {self.name!r} has own_text of encoder {own_text.encoder!r} and "
                f"embeddings of {embeddings.encoder!r}"
            )
        slugs = list(dict.fromkeys(image.concept for image in images))
        known = select_rows(own_text, slugs, Need.OWN_TEXT, self.name)
        row_of = {slug: row for row, slug in enumerate(slugs)}
        rows = np.array([row_of[image.concept] for image in images], dtype=np.int64)
        return pair_similarities(embeddings.vectors, known.vectors[rows])

    def _like_class_images(
        self, embeddings: EmbeddingTable, reference: ReferenceSet
    ) -> list[str] | None:
        """Key of the class whose images each image resembles, or ""; None without prototypes."""
        if reference.prototypes is None:
            return None
        rows, similarities = nearest_rows(embeddings, reference.prototypes, 1)
        keys = [reference.prototypes.ids[row] for row in rows[:, 0]]
        return [
            key if similarity >= reference.own_quantile(key, self.own_quantile) else ""
            for key, similarity in zip(keys, similarities[:, 0], strict=True)
        ]
