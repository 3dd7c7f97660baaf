"""Which real classes lie nearest to each concept, and a spread of classes over all ranks.

Two tables that are easily mistaken for each other, so every row says its table:

* nearest: the `nearest` most similar classes, for showing how new a concept is and as hard
  negatives; as many as there are classes give all of them;
* rank-stratified: all classes sorted by falling similarity, cut into bins, one class drawn from
  each, as Link-Context Learning made its training neighbors.

Similarities are those of `class_similarity`; `similarity_kind` says which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.errors import InputError
from isekai_gen.manifests.class_similarity import (
    ClassSimilarity,
    ConceptEmbeddings,
    Similarities,
    class_similarity,
    percentiles,
)
from isekai_gen.manifests.neighbor_tables_files import open_table, table_files
from isekai_gen.neighbors.class_features import ClassFeatures, Similarity
from isekai_gen.neighbors.class_ranks import stratified_ranks
from isekai_gen.neighbors.image_classes import ImageClass
from isekai_gen.records import Concept

NEAREST, RANK_STRATIFIED = "nearest", "rank-stratified"
NO_BIN = -1
TABLE_FILES = table_files(NEAREST, RANK_STRATIFIED)


@dataclass(frozen=True)
class TableSize:
    """How much of a ranking tables hold.

    Attributes:
        nearest: Rows for each concept (or class) in the nearest table, at least 1.
        bins: Classes sorted by similarity are cut into bins of ceil(n / bins); the last bins may
            stay empty when bins does not divide n.
        seed: Of the class drawn from each bin.
    """

    nearest: int
    bins: int
    seed: int = 0

    def check(self, available: int, whose: str) -> None:
        """Raise InputError if a ranking has fewer classes than are asked for."""
        if not 1 <= min(self.nearest, self.bins) <= max(self.nearest, self.bins) <= available:
            raise InputError(
                f"{self.nearest} neighbors and {self.bins} bins asked for, but there are "
                f"{available} classes for {whose}; ask for 1 to {available} of each with "
                "--nearest and --bins"
            )


@dataclass(frozen=True)
class NeighborRow:
    """One class in a concept's table.

    A percentile is the share of all classes that are no more similar to this concept: 1 for the
    most similar one.

    Attributes:
        table: "nearest" or "rank-stratified".
        concept: Slug.
        rank: 1 for the most similar of all classes.
        bin: 0-based bin the class was drawn from; -1 in the nearest table.
        class_key: Key within the dataset or reference set; names may repeat, keys do not.
        class_name: Display name.
        wnid: WordNet id, or "".
        ilsvrc_id: 1-based id of ILSVRC2012, or None.
        class_index: 0-based index of ImageNet-1k, torchvision's order, or None.
        similarity: What the rank goes by.
        similarity_kind: "lcl", "lcl-of-unit-means", "cosine-image" or "cosine-text".
        percentile: Of `similarity`.
        text_similarity: Cosine of concept text and class text, or None.
        text_percentile: Of `text_similarity`, or None.
        image_similarity: Cosine of the image means of concept and class, or None.
        image_percentile: Of `image_similarity`, or None.
    """

    table: str
    concept: str
    rank: int
    bin: int
    class_key: str
    class_name: str
    wnid: str
    ilsvrc_id: int | None
    class_index: int | None
    similarity: float
    similarity_kind: str
    percentile: float
    text_similarity: float | None
    text_percentile: float | None
    image_similarity: float | None
    image_percentile: float | None


@dataclass(frozen=True)
class NeighborTables:
    """Both tables, concepts in catalog order and ranks ascending."""

    nearest: tuple[NeighborRow, ...]
    rank_stratified: tuple[NeighborRow, ...]


def build_neighbor_tables(
    concepts: Sequence[Concept],
    embeddings: ConceptEmbeddings,
    classes: ClassFeatures,
    similarity: Similarity,
    size: TableSize,
) -> NeighborTables:
    """Rank every class for every concept.

    A concept's own class (by wnid, or by key equal to its slug) is left out: it is the thing
    itself, not a neighbor.

    Args:
        concepts: Fictional and real.
        embeddings: Of the concepts.
        classes: With text embeddings, image means or both.
        similarity: What ranks go by.
        size: Of the tables.

    Raises:
        InputError: If there are too few classes for `size`, or no embeddings in common.
        ValueError: If embeddings of different encoders would be compared.
    """
    nearest: list[NeighborRow] = []
    stratified: list[NeighborRow] = []
    for concept in concepts:
        found = class_similarity(concept.slug, embeddings, classes, similarity)
        ranking = _Ranking.of(concept, classes.classes, found)
        size.check(len(ranking.order), concept.slug)
        nearest += [ranking.row(NEAREST, rank, NO_BIN) for rank in range(size.nearest)]
        drawn = stratified_ranks(concept.slug, len(ranking.order), size.bins, size.seed)
        stratified += [ranking.row(RANK_STRATIFIED, rank, number) for number, rank in drawn]
    return NeighborTables(tuple(nearest), tuple(stratified))


def write_neighbor_tables(folder: Path, tables: NeighborTables) -> list[Path]:
    """Write each table as Parquet, CSV and JSON lines; returns the six paths, `TABLE_FILES`.

    Raises:
        StorageError: If the disk is full or read-only.
    """
    for name, rows in ((NEAREST, tables.nearest), (RANK_STRATIFIED, tables.rank_stratified)):
        with open_table(folder, name, NeighborRow) as sink:
            sink.add(rows)
    return [folder / name for name in TABLE_FILES]


@dataclass(frozen=True, eq=False)
class _Head:
    """One of a concept's similarities to the classes that are ranked, with its percentiles."""

    similarities: Similarities
    shares: Similarities

    @classmethod
    def of(cls, similarities: Similarities, rows: Sequence[int]) -> _Head:
        ranked = similarities[rows]
        return cls(ranked, percentiles(ranked))

    def at(self, place: int) -> tuple[float, float]:
        return float(self.similarities[place]), float(self.shares[place])


@dataclass(frozen=True, eq=False)
class _Ranking:
    """One concept's classes by falling similarity."""

    concept: Concept
    classes: Sequence[ImageClass]
    order: Sequence[int]
    kind: str
    combined: _Head
    text: _Head | None
    image: _Head | None

    @classmethod
    def of(
        cls, concept: Concept, classes: Sequence[ImageClass], found: ClassSimilarity
    ) -> _Ranking:
        rows = [
            row
            for row, entry in enumerate(classes)
            if entry.wnid not in concept.wnids and entry.key != concept.slug
        ]
        others = [classes[row] for row in rows]
        combined = _Head.of(found.combined, rows)
        falling = (-combined.similarities).tolist()
        return cls(
            concept,
            others,
            sorted(range(len(others)), key=lambda place: (falling[place], others[place].key)),
            found.kind,
            combined,
            None if found.text is None else _Head.of(found.text, rows),
            None if found.image is None else _Head.of(found.image, rows),
        )

    def row(self, table: str, rank: int, bin_number: int) -> NeighborRow:
        place = self.order[rank]
        entry = self.classes[place]
        similarity, share = self.combined.at(place)
        text, text_share = (None, None) if self.text is None else self.text.at(place)
        image, image_share = (None, None) if self.image is None else self.image.at(place)
        return NeighborRow(
            table=table,
            concept=self.concept.slug,
            rank=rank + 1,
            bin=bin_number,
            class_key=entry.key,
            class_name=entry.name,
            wnid=entry.wnid,
            ilsvrc_id=entry.ilsvrc_id,
            class_index=entry.class_index,
            similarity=similarity,
            similarity_kind=self.kind,
            percentile=share,
            text_similarity=text,
            text_percentile=text_share,
            image_similarity=image,
            image_percentile=image_share,
        )
