"""The images of a reference set: their embeddings, names and digests; never their pixels.

images.npy       float32 [images, d], unit rows, memory-mapped when it is used
images.parquet   key, class, file_sha256, pixel_sha256 of each row
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from isekai_gen.errors import ChecksumError, InputError
from isekai_gen.hashing import file_sha256
from isekai_gen.neighbors.reference_set import ImageFiles, ReferenceSet
from isekai_gen.neighbors.similarity import IndexArray
from isekai_gen.neighbors.vectors import FileVectors, Vectors, open_vectors, write_vectors
from isekai_gen.storage import write_atomically

VECTORS_FILE = "images.npy"
NAMES_FILE = "images.parquet"
IMAGE_FILES = (VECTORS_FILE, NAMES_FILE)
_COLUMNS = ("key", "class", "file_sha256", "pixel_sha256")


@dataclass(frozen=True, eq=False)
class ReferenceImages:
    """The opened images of a reference set.

    Attributes:
        name: Of the reference set.
        vectors: Their embeddings, memory-mapped.
        table: Arrow table of their names and digests, a row for each row of `vectors`.
    """

    name: str
    vectors: FileVectors
    table: Any

    def column(self, name: str, rows: IndexArray) -> Any:  # noqa: ANN401 - Arrow texts
        """Entries of "key" or "class" in the rows named."""
        return self.table.column(name).take(rows)

    def rows_with(self, digest: str, values: Sequence[str]) -> IndexArray:
        """The first row whose "file_sha256" or "pixel_sha256" is each value; -1 if there is none.

        Returns:
            int64 [len(values)].
        """
        import pyarrow
        import pyarrow.compute

        wanted = pyarrow.array(values, type=pyarrow.string())
        found = pyarrow.compute.index_in(wanted, value_set=self.table.column(digest))
        rows: IndexArray = found.fill_null(-1).to_numpy().astype(np.int64)
        return rows


def write_images(
    folder: Path, vectors: Vectors, columns: Sequence[Sequence[str]], source: str
) -> ImageFiles:
    """Write both files; they count once `save_reference` has written reference.json.

    Args:
        folder: The reference set's.
        vectors: n rows of unit length; written in blocks.
        columns: Keys (distinct), classes ("" for none), digests of bytes and of pixels; n each.
        source: Digest of what they were made from.

    Raises:
        StorageError: If the disk is full or read-only.
    """
    import pyarrow
    import pyarrow.parquet

    arrays = [pyarrow.array(column, type=pyarrow.string()) for column in columns]
    table = pyarrow.Table.from_arrays(arrays, names=list(_COLUMNS))
    if table.num_rows != vectors.shape[0]:
        raise ValueError(f"{table.num_rows} names for {vectors.shape[0]} embeddings")
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer)
    names = buffer.getvalue()
    write_atomically(folder / NAMES_FILE, names)
    sha256 = {
        VECTORS_FILE: write_vectors(folder / VECTORS_FILE, vectors),
        NAMES_FILE: hashlib.sha256(names).hexdigest(),
    }
    return ImageFiles(vectors.shape[0], source, sha256)


def open_images(folder: Path, reference: ReferenceSet) -> ReferenceImages:
    """The images of the set in `folder`, once all their bytes are found to be those written.

    Raises:
        InputError: If the set has no images.
        ChecksumError: If a file is not what was written, or not of this shape.
    """
    files = reference.images
    if files is None:
        raise InputError(
            f"reference set {reference.name!r} in {folder} has no images to compare with; make "
            "one with `isekai-gen reference add NAME --images DIR`"
        )
    for name in IMAGE_FILES:
        path = folder / name
        if not path.is_file() or file_sha256(path) != files.sha256[name]:
            raise _damaged(folder, f"{name} is not what was written")
    try:
        vectors, table = open_vectors(folder / VECTORS_FILE, require_unit=True), _read_names(folder)
    except (InputError, ValueError, KeyError, OSError) as error:
        raise _damaged(folder, str(error)) from error
    if not vectors.shape[0] == table.num_rows == files.count:
        raise _damaged(folder, "its numbers of images differ")
    return ReferenceImages(reference.name, vectors, table)


def _read_names(folder: Path) -> Any:  # noqa: ANN401 - an Arrow table
    import pyarrow
    import pyarrow.parquet

    # ParquetFile reads this one file; read_table would also look for partitions in its path.
    table = pyarrow.parquet.ParquetFile(folder / NAMES_FILE).read(columns=list(_COLUMNS))
    if table.column_names != list(_COLUMNS) or any(
        column.type != pyarrow.string() or column.null_count for column in table.columns
    ):
        raise ValueError(f"{NAMES_FILE} must have the text columns {', '.join(_COLUMNS)}")
    return table


def _damaged(folder: Path, why: str) -> ChecksumError:
    return ChecksumError(f"reference set {folder} is damaged ({why}); delete it and make it again")
