"""The reference images most similar to each image, on disk.

neighbors/<reference>-<digest>/part-00000.parquet holds, for the images of one shard: image_id, rank
(from 1, the most similar first), row (in the reference set), key, class, similarity, equal
("same_bytes", "same_pixels" or ""). At least `NEAREST` ranks, and every reference image at or above
the floor that the footer names.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.errors import ChecksumError
from isekai_gen.neighbors.nearest import NearestRows
from isekai_gen.neighbors.reference_images import ReferenceImages
from isekai_gen.neighbors.similarity import IndexArray, indexed_similarities
from isekai_gen.records import ImageRecord
from isekai_gen.storage import write_atomically

NEAREST = 10
SAME_BYTES, SAME_PIXELS = "same_bytes", "same_pixels"


def match_table(
    images: Sequence[ImageRecord],
    vectors: FloatArray,
    references: ReferenceImages,
    found: NearestRows,
) -> Any:  # noqa: ANN401 - an Arrow table
    """What a search found, and which images equal a reference image, as rows of the file.

    Args:
        images: n images.
        vectors: Their embeddings, float32 [n, d].
        references: What was searched.
        found: What was found.
    """
    import pyarrow

    equal_rows, kinds = _equal_rows(images, references)
    query, row, similarity = _listed(vectors, references, found, equal_rows)
    starts = np.searchsorted(query, np.arange(len(images)))
    rank = np.arange(len(query)) - starts[query] + 1
    is_equal = equal_rows[query] == row
    return pyarrow.table(
        {
            "image_id": pyarrow.array([image.image_id for image in images]).take(query),
            "rank": pyarrow.array(rank.astype(np.int32)),
            "row": pyarrow.array(row),
            "key": references.column("key", row),
            "class": references.column("class", row),
            "similarity": pyarrow.array(similarity),
            "equal": pyarrow.array(["", *kinds]).take(np.where(is_equal, query + 1, 0)),
        },
        schema=_schema(),
    )


def write_matches(path: Path, table: Any, floor: float) -> None:  # noqa: ANN401 - an Arrow table
    """Write the rows of one shard, with the floor that they are complete down to.

    Raises:
        StorageError: If the disk is full or read-only.
    """
    import pyarrow.parquet

    buffer = io.BytesIO()
    noted = table.replace_schema_metadata({"floor": repr(floor)})
    pyarrow.parquet.write_table(noted, buffer)
    write_atomically(path, buffer.getvalue())


def floor_of(path: Path) -> float:
    """The floor in a file's footer.

    Raises:
        ChecksumError: If there is none.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        metadata = pyarrow.parquet.read_schema(path).metadata or {}
        return float(metadata[b"floor"])
    except (KeyError, ValueError, OSError) as error:
        raise ChecksumError(f"{path}: not what overlap writes ({error}); delete it") from error


def read_best(path: Path) -> Iterator[tuple[str, str, float, str]]:
    """(image_id, key, similarity, equal) of each image's most similar and of its equal images."""
    import pyarrow.compute
    import pyarrow.parquet

    columns = ["image_id", "key", "similarity", "equal"]
    table = pyarrow.parquet.ParquetFile(path).read(columns=[*columns, "rank"])
    first = pyarrow.compute.equal(table["rank"], 1)
    equal = pyarrow.compute.not_equal(table["equal"], "")
    chosen = table.filter(pyarrow.compute.or_(first, equal)).select(columns).to_pydict()
    yield from zip(*chosen.values(), strict=True)


def read_nearest(path: Path) -> Any:  # noqa: ANN401 - an Arrow table
    """The rows of the first `NEAREST` ranks."""
    import pyarrow.compute
    import pyarrow.parquet

    table = pyarrow.parquet.ParquetFile(path).read()
    return table.filter(pyarrow.compute.less_equal(table["rank"], NEAREST))


def _schema() -> Any:  # noqa: ANN401 - an Arrow schema
    import pyarrow

    return pyarrow.schema(
        [
            ("image_id", pyarrow.string()),
            ("rank", pyarrow.int32()),
            ("row", pyarrow.int64()),
            ("key", pyarrow.string()),
            ("class", pyarrow.string()),
            ("similarity", pyarrow.float32()),
            ("equal", pyarrow.string()),
        ]
    )


def _equal_rows(
    images: Sequence[ImageRecord], references: ReferenceImages
) -> tuple[IndexArray, list[str]]:
    """For each image the reference row that it equals or -1, and what is equal or ""."""
    of_bytes = references.rows_with("file_sha256", [image.file_sha256 for image in images])
    of_pixels = references.rows_with("pixel_sha256", [image.pixel_sha256 for image in images])
    kinds = [
        SAME_BYTES if same_bytes >= 0 else SAME_PIXELS if same_pixels >= 0 else ""
        for same_bytes, same_pixels in zip(of_bytes, of_pixels, strict=True)
    ]
    return np.where(of_bytes >= 0, of_bytes, of_pixels), kinds


def _listed(
    vectors: FloatArray,
    references: ReferenceImages,
    found: NearestRows,
    equal_rows: IndexArray,
) -> tuple[IndexArray, IndexArray, FloatArray]:
    """(image, reference row, similarity) of all that is listed, by image and falling similarity."""
    count, k = found.rows.shape
    equal = np.flatnonzero(equal_rows >= 0)
    of_equal = indexed_similarities(
        vectors,
        equal,
        references.vectors.take(equal_rows[equal]),
        np.arange(len(equal), dtype=np.int64),
    ).astype(np.float32)
    query = np.concatenate([np.repeat(np.arange(count), k), found.pairs.row_a, equal])
    row = np.concatenate([found.rows.ravel(), found.pairs.row_b, equal_rows[equal]])
    similarity = np.concatenate(
        [found.similarities.ravel().astype(np.float32), found.pairs.similarity, of_equal]
    )
    order = np.lexsort((row, -similarity, query))
    query, row, similarity = query[order], row[order], similarity[order]
    # A pair has one similarity, to the bit, however it was found: its repeats stand together.
    first = np.ones(len(query), dtype=bool)
    first[1:] = (query[1:] != query[:-1]) | (row[1:] != row[:-1])
    return query[first], row[first], similarity[first]
