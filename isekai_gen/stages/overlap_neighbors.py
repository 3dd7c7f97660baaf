"""neighbors/images.parquet: for every image, what of the real world is most like it.

Columns: image_id, rank (from 1), kind ("image", "class" by prototype, "text" by name), reference,
key, wnid, similarity, percentile (of "class" alone: `ReferenceSet.percentile`). Up to ten rows of
each kind and reference set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from isekai_gen.embeddings import EmbeddingTable
from isekai_gen.neighbors.nearest import nearest_rows
from isekai_gen.neighbors.reference_set import ReferenceSet
from isekai_gen.stages.curate import Facts
from isekai_gen.stages.reference_copies import StoredMatches
from isekai_gen.stages.reference_matches import NEAREST, read_nearest
from isekai_gen.storage import streamed_file
from isekai_gen.workspace import Workspace

FILE_NAME = "images.parquet"
_WNID = re.compile(r"n\d{8}")


def write_image_neighbors(
    workspace: Workspace, facts: Facts, reference: ReferenceSet, matches: Sequence[StoredMatches]
) -> Path:
    """Write the table, shard by shard, whole or not at all.

    Args:
        workspace: Where.
        facts: Images and their embeddings.
        reference: The classes.
        matches: The most similar images of reference sets.

    Raises:
        StorageError: If the disk is full or read-only.
    """
    import pyarrow.parquet

    path = workspace.neighbors / FILE_NAME
    schema = _schema()
    with streamed_file(path) as written, pyarrow.parquet.ParquetWriter(written, schema) as writer:
        for part, images in facts.images.items():
            asked = _embeddings(facts, [image.image_id for image in images])
            for table in _tables(workspace, part, asked, reference, matches):
                writer.write_table(table.select(schema.names).cast(schema))
    return path


def _embeddings(facts: Facts, ids: Sequence[str]) -> EmbeddingTable:
    if facts.context.embeddings is None:
        raise ValueError("facts without embeddings")
    return facts.context.embeddings.select(ids)


def _schema() -> Any:  # noqa: ANN401 - an Arrow schema
    import pyarrow

    text, number = pyarrow.string(), pyarrow.float32()
    return pyarrow.schema(
        [
            ("image_id", text),
            ("rank", pyarrow.int32()),
            ("kind", text),
            ("reference", text),
            ("key", text),
            ("wnid", text),
            ("similarity", number),
            ("percentile", number),
        ]
    )


def _tables(
    workspace: Workspace,
    part: int,
    asked: EmbeddingTable,
    reference: ReferenceSet,
    matches: Sequence[StoredMatches],
) -> Iterator[Any]:
    """Arrow tables with all rows of one shard's images."""
    if not len(asked):
        return
    for stored in matches:
        path = workspace.part(stored.folder, part, ".parquet")
        yield _of_images(read_nearest(path), stored.reference.reference.name)
    if reference.prototypes is not None:
        yield _of_classes(asked, reference, reference.prototypes, "class")
    if reference.text is not None:
        yield _of_classes(asked, reference, reference.text, "text")


def _of_images(found: Any, name: str) -> Any:  # noqa: ANN401 - Arrow tables
    import pyarrow

    labels = found["class"].to_pylist()
    count = found.num_rows
    return (
        found.append_column("kind", pyarrow.repeat("image", count))
        .append_column("reference", pyarrow.repeat(name, count))
        .append_column("wnid", [[each if _WNID.fullmatch(each) else "" for each in labels]])
        .append_column("percentile", pyarrow.nulls(count, pyarrow.float32()))
    )


def _of_classes(
    asked: EmbeddingTable, reference: ReferenceSet, classes: EmbeddingTable, kind: str
) -> Any:  # noqa: ANN401 - an Arrow table
    import pyarrow

    k = min(NEAREST, len(classes))
    rows, similarities = nearest_rows(asked, classes, k)
    row, similarity, count = rows.ravel(), similarities.ravel(), rows.size
    percentiles: Any = pyarrow.nulls(count, pyarrow.float32())
    if kind == "class":
        percentiles = [
            reference.percentile(classes.ids[each], value)
            for each, value in zip(row, similarity.tolist(), strict=True)
        ]
    entries = reference.classes
    return pyarrow.table(
        {
            "image_id": pyarrow.array(asked.ids).take(np.repeat(np.arange(len(asked)), k)),
            "rank": np.tile(np.arange(1, k + 1), len(asked)),
            "kind": pyarrow.repeat(kind, count),
            "reference": pyarrow.repeat(reference.name, count),
            "key": pyarrow.array([entry.key for entry in entries]).take(row),
            "wnid": pyarrow.array([entry.wnid for entry in entries]).take(row),
            "similarity": similarity,
            "percentile": percentiles,
        }
    )
