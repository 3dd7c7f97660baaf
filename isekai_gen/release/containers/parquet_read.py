"""Read Parquet files of a release without trusting them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isekai_gen.errors import ReleaseError

# Of one row group; ours have less. A dictionary or a compressed page may unfold into far more than
# the file is long, and every row of a batch may be as large as all dictionaries.
_MAX_GROUP_BYTES = 300_000_000
_MAX_GROUP_ROWS = 20_000
_MAX_BATCH_BYTES = 1_000_000_000
_MAX_BATCH_ROWS = 16


@dataclass(frozen=True)
class RowGroupFacts:
    """What a Parquet file says of one of its row groups.

    Attributes:
        rows: Number of rows.
        size: Bytes of its columns, unpacked.
    """

    rows: int
    size: int


@dataclass(frozen=True)
class ParquetFacts:
    """What a Parquet file says of itself.

    Attributes:
        rows: Number of rows.
        groups: Its row groups, in order.
    """

    rows: int
    groups: tuple[RowGroupFacts, ...]


def parquet_facts(path: Path) -> ParquetFacts:
    """What the footer of a Parquet file says.

    Raises:
        ReleaseError: If it is no Parquet file.
    """
    with _opened(path) as file:
        return ParquetFacts(file.metadata.num_rows, tuple(_row_groups(file)))


def iter_parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a Parquet file of a release; memory holds a row group.

    Raises:
        ReleaseError: If the file is malformed, or larger in parts than any of ours.
    """
    with _opened(path) as file:
        names = file.schema_arrow.names
        if len(set(names)) != len(names):
            raise ReleaseError(f"{path.name}: columns repeat")
        for number, group in enumerate(_row_groups(file)):
            if group.size > _MAX_GROUP_BYTES or group.rows > _MAX_GROUP_ROWS:
                raise ReleaseError(
                    f"{path.name}: row group {number} is too large: {group.rows} rows, "
                    f"{group.size} bytes"
                )
            rows = max(1, min(_MAX_BATCH_ROWS, _MAX_BATCH_BYTES // max(1, group.size)))
            # One by one: over several row groups, all that were read would stay in memory.
            # On one thread: dividing a group of ours among several takes longer than reading it.
            batches = file.iter_batches(batch_size=rows, row_groups=[number], use_threads=False)
            for batch in batches:
                yield from batch.to_pylist()


def _row_groups(file: Any) -> list[RowGroupFacts]:  # noqa: ANN401 - pyarrow has no types
    """Of a `pyarrow.parquet.ParquetFile`.

    What the footer says of single columns is not asked for: where it contradicts itself, pyarrow
    26 ends the whole program.
    """
    footer = file.metadata
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    return [RowGroupFacts(group.num_rows, group.total_byte_size) for group in groups]


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A `pyarrow.parquet.ParquetFile`; what goes wrong within is a ReleaseError."""
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield file
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = ascii(str(error))[1:-1][:200]
        raise ReleaseError(f"{path.name}: not a whole Parquet file: {reason}") from error
