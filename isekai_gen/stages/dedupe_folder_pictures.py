"""Pictures to compare: looked at once by every encoder, those with the same pixels as one.

A picture with the same pixels as another is compared through it alone: ten thousand copies of a
blank page would otherwise be fifty million pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.errors import InputError
from isekai_gen.models.spec import EncoderSpec
from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.similarity import IndexArray
from isekai_gen.neighbors.vectors import ArrayVectors, Vectors
from isekai_gen.settings import Tier
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.embed_pictures import EmbeddedPictures, embed_pictures
from isekai_gen.stages.picture_sources import PictureSource


@dataclass(frozen=True, eq=False)
class SelectedVectors:
    """Some rows of a matrix, which stays where it is.

    Attributes:
        array: float32, shape (n, d), perhaps memory-mapped.
        rows: int64, shape (m,).
    """

    array: FloatArray
    rows: IndexArray

    @property
    def shape(self) -> tuple[int, int]:
        """(m, d)."""
        return len(self.rows), self.array.shape[1]

    def block(self, start: int, stop: int) -> FloatArray:
        return self.take(np.arange(start, min(stop, len(self.rows)), dtype=np.int64))

    def take(self, rows: IndexArray) -> FloatArray:
        taken: FloatArray = np.asarray(self.array[self.rows[rows]])
        return taken


@dataclass(frozen=True, eq=False)
class ComparedPictures:
    """The pictures of one source, ready to be compared.

    Attributes:
        seen: What is known of each; row i is picture i.
        embeddings: Tier to the embeddings of its encoder, and that encoder's identity.
        priority: int64: rows, most wanted first: more pixels, then a larger file, then the key.
        first: int64, ascending: of each class of pictures with the same pixels the most wanted one.
        class_of: int64: place in `first` of each picture's class.
    """

    seen: EmbeddedPictures
    embeddings: Mapping[Tier, tuple[FloatArray, str]]
    priority: IndexArray
    first: IndexArray
    class_of: IndexArray

    @property
    def copies(self) -> IndexArray:
        """Rows of pictures that are compared through another one with the same pixels."""
        alone = np.zeros(len(self.class_of), dtype=bool)
        alone[self.first] = True
        return np.flatnonzero(~alone)

    def vectors(self, tier: Tier) -> Vectors:
        """Embeddings of one picture of each class."""
        array = self.embeddings[tier][0]
        if len(self.first) == len(array):
            return ArrayVectors(array)
        return SelectedVectors(array, self.first)

    def equal_pairs(self) -> PairList:
        """Every copy with the picture that it is compared through."""
        copies = self.copies
        firsts = self.first[self.class_of[copies]]
        row_a, row_b = np.minimum(copies, firsts), np.maximum(copies, firsts)
        order = np.lexsort((row_b, row_a))
        return PairList(row_a[order], row_b[order], np.ones(len(copies), dtype=np.float32))


@dataclass(frozen=True)
class LookPlan:
    """What is looked at, and by what.

    Attributes:
        encoders: Tier to its encoder.
        hashes: Whether perceptual hashes are compared.
        exact: Whether pictures with the same pixels count as one.
    """

    encoders: Mapping[Tier, EncoderSpec]
    hashes: bool
    exact: bool


def look_at_source(
    context: StageContext, source: PictureSource, plan: LookPlan, out: Path
) -> ComparedPictures:
    """Everything that comparisons need to know of a source's pictures.

    Args:
        context: Reporter, devices, engine.
        source: The pictures.
        plan: What to look for.
        out: Folder whose `work` keeps what was seen.

    Raises:
        InputError: If no picture can be used, or pictures change meanwhile.
    """
    embeddings: dict[Tier, tuple[FloatArray, str]] = {}
    seen: EmbeddedPictures | None = None
    for tier, spec in plan.encoders.items():
        hashes = plan.hashes and seen is None
        looked = embed_pictures(context, source, spec, out, hashes=hashes)
        if looked.vectors is not None:
            embeddings[tier] = (looked.vectors, looked.encoder)
        if seen is not None and looked.rows != seen.rows:
            raise InputError(
                f"{source.path}: pictures changed while they were looked at; run again"
            )
        seen = seen or looked
    if seen is None:
        seen = embed_pictures(context, source, None, out, hashes=plan.hashes)
    width, height, size = seen.sizes.T
    # Keys ascend with rows, so the last of the criteria is the row itself.
    priority = np.lexsort((np.arange(len(seen.keys)), -size, -width * height))
    first, class_of = _classes(seen.pixel_sha256 if plan.exact else seen.keys, priority)
    return ComparedPictures(seen, embeddings, priority, first, class_of)


def _classes(names: Sequence[str], priority: IndexArray) -> tuple[IndexArray, IndexArray]:
    """The most wanted row of each class of equal names, ascending, and each row's class."""
    first_of: dict[str, int] = {}
    for row in priority.tolist():
        first_of.setdefault(names[row], row)
    first = np.array(sorted(first_of.values()), dtype=np.int64)
    place = {row: number for number, row in enumerate(first.tolist())}
    class_of = np.array([place[first_of[name]] for name in names], dtype=np.int64)
    return first, class_of
