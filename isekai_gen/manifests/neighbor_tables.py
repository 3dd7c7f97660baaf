"""Which real classes lie nearest to each concept, and a spread of classes over all ranks.

Two tables that are easily mistaken for each other, so every row says its table:

* nearest: the `k` most similar classes, for showing how new a concept is;
* rank-stratified: all classes sorted by falling similarity, cut into bins, one class drawn from
  each, as Link-Context Learning made its training neighbors.

Similarities are those of `class_similarity`; `similarity_kind` says which.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from isekai_gen.embeddings import EmbeddingTable
from isekai_gen.errors import InputError
from isekai_gen.manifests.class_similarity import class_similarity
from isekai_gen.neighbors.reference import ReferenceClass, ReferenceSet
from isekai_gen.records import Concept
from isekai_gen.shards import encode_lines
from isekai_gen.storage import write_atomically

TABLE_FILES = tuple(
    f"{table}.{form}"
    for table in ("nearest", "rank-stratified")
    for form in ("parquet", "csv", "jsonl")
)


@dataclass(frozen=True)
class NeighborRow:
    """One class in a concept's table.

    Attributes:
        table: "nearest" or "rank-stratified".
        concept: Slug.
        rank: 1 for the most similar of all classes.
        bin: 0-based bin the class was drawn from; -1 in the nearest table.
        class_key: Key within the reference set; names may repeat, keys do not.
        class_name: Display name.
        wnid: WordNet id, or "".
        similarity: What the rank goes by.
        similarity_kind: "text-and-image", "text-only" or "image-only".
        text_similarity: Cosine of concept text and class text, or None.
        image_similarity: Cosine of concept images' mean and class prototype, or None.
    """

    table: str
    concept: str
    rank: int
    bin: int
    class_key: str
    class_name: str
    wnid: str
    similarity: float
    similarity_kind: str
    text_similarity: float | None
    image_similarity: float | None


@dataclass(frozen=True)
class NeighborTables:
    """Both tables, rows by concept (in the order given) and rising rank."""

    nearest: tuple[NeighborRow, ...]
    rank_stratified: tuple[NeighborRow, ...]


def build_neighbor_tables(
    concepts: Sequence[Concept],
    image_means: EmbeddingTable | None,
    text: EmbeddingTable,
    reference: ReferenceSet,
    k: int,
    bins: int,
    *,
    seed: int = 0,  # one parameter over budget: the first six are positional in the stage
) -> NeighborTables:
    """Rank every class of a reference set for every concept.

    A real concept's own class (by wnid, or by key equal to its slug) is left out: it is the thing
    itself, not a neighbor.

    Args:
        concepts: Fictional and real.
        image_means: Slug to the mean embedding of its kept images; a concept may be missing.
        text: Slug to text embedding; every concept.
        reference: Classes with text embeddings, image prototypes or both.
        k: Rows for each concept in the nearest table, at least 1.
        bins: Classes sorted by similarity are cut into bins of ceil(n / bins); the last bins may
            stay empty when bins does not divide n.
        seed: Of the class drawn from each bin.

    Raises:
        InputError: If the reference set has too few classes for `k` or `bins`, or no embeddings.
        ValueError: If embeddings of different encoders would be compared.
    """
    nearest: list[NeighborRow] = []
    stratified: list[NeighborRow] = []
    for concept in concepts:
        ranked = _ranked_classes(concept, image_means, text, reference)
        if not 1 <= min(k, bins) <= max(k, bins) <= len(ranked):
            raise InputError(
                f"{k} neighbors and {bins} bins asked for, but reference set {reference.name!r} "
                f"has {len(ranked)} classes for {concept.slug}; ask for 1 to {len(ranked)} of each"
            )
        nearest += [_row("nearest", concept, ranked[index], index, -1) for index in range(k)]
        stratified += _stratified_rows(concept, ranked, bins, seed)
    return NeighborTables(tuple(nearest), tuple(stratified))


def _stratified_rows(
    concept: Concept, ranked: Sequence[_RankedClass], bins: int, seed: int
) -> list[NeighborRow]:
    size = -(-len(ranked) // bins)
    rows = []
    for number, start in enumerate(range(0, len(ranked), size)):
        width = min(size, len(ranked) - start)
        digest = hashlib.sha256(f"{seed} {concept.slug} {number}".encode()).digest()
        index = start + int.from_bytes(digest) % width
        rows.append(_row("rank-stratified", concept, ranked[index], index, number))
    return rows


def write_neighbor_tables(folder: Path, tables: NeighborTables) -> list[Path]:
    """Write each table as Parquet, CSV and JSON lines; returns the six paths, `TABLE_FILES`.

    Raises:
        StorageError: If the disk is full or read-only.
    """
    contents = [
        content
        for rows in (tables.nearest, tables.rank_stratified)
        for content in (_as_parquet(rows), _as_csv(rows), encode_lines(map(asdict, rows)))
    ]
    paths = [folder / name for name in TABLE_FILES]
    for path, content in zip(paths, contents, strict=True):
        write_atomically(path, content)
    return paths


def _as_csv(rows: Sequence[NeighborRow]) -> bytes:
    buffer = io.StringIO(newline="")
    columns = [column.name for column in fields(NeighborRow)]
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return buffer.getvalue().encode()


def _as_parquet(rows: Sequence[NeighborRow]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    types = {"int": pyarrow.int64(), "str": pyarrow.string(), "float": pyarrow.float64()}
    schema = pyarrow.schema(
        # Annotations are text here ("float | None"): the first word is the type.
        [(column.name, types[str(column.type).split()[0]]) for column in fields(NeighborRow)]
    )
    buffer = io.BytesIO()
    table = pyarrow.Table.from_pylist([asdict(row) for row in rows], schema=schema)
    pyarrow.parquet.write_table(table, buffer)
    return buffer.getvalue()


@dataclass(frozen=True)
class _RankedClass:
    entry: ReferenceClass
    similarity: float
    kind: str
    text: float | None
    image: float | None


def _ranked_classes(
    concept: Concept,
    image_means: EmbeddingTable | None,
    text: EmbeddingTable,
    reference: ReferenceSet,
) -> list[_RankedClass]:
    found = class_similarity(concept.slug, image_means, text, reference)
    ranked = [
        _RankedClass(
            entry,
            float(found.combined[index]),
            found.kind,
            None if found.text is None else float(found.text[index]),
            None if found.image is None else float(found.image[index]),
        )
        for index, entry in enumerate(reference.classes)
        if entry.wnid not in concept.wnids and entry.key != concept.slug
    ]
    return sorted(ranked, key=lambda each: (-each.similarity, each.entry.key))


def _row(
    table: str, concept: Concept, ranked: _RankedClass, index: int, bin_number: int
) -> NeighborRow:
    return NeighborRow(
        table=table,
        concept=concept.slug,
        rank=index + 1,
        bin=bin_number,
        class_key=ranked.entry.key,
        class_name=ranked.entry.name,
        wnid=ranked.entry.wnid,
        similarity=ranked.similarity,
        similarity_kind=ranked.kind,
        text_similarity=ranked.text,
        image_similarity=ranked.image,
    )
