"""The few-shot tests of lcl/ISEKAI-10.json with their pictures: config `pairs`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, BinaryIO

from isekai_gen.errors import ReleaseError
from isekai_gen.release.columns import Column
from isekai_gen.release.containers.parquet_images import picture
from isekai_gen.release.containers.parquet_rows import ParquetRows
from isekai_gen.release.layout import PAIRS_SOURCE, parquet_name

PAIRS_COLUMNS: tuple[Column, ...] = (
    Column("query", "image", "The picture that is asked about."),
    Column("query_file_name", "text", "Its path, as file_name in metadata.jsonl."),
    Column("positive", "text", "Label of the positive support images, a fictional concept."),
    Column("negative", "text", "Label of the negative support images, its real counterpart."),
    Column("label", "text", "The right answer: one of the two labels."),
    Column("positive_file_names", "texts", "Positive support images, in the order to show them."),
    Column("negative_file_names", "texts", "Negative support images, in the order to show them."),
    Column("positive_images", "images", "The first of the positive support images."),
    Column("negative_images", "images", "The first of the negative support images."),
    Column("split", "text", "Split of the query."),
)
_DEFAULT_SHOTS = 2
_MAX_DEFAULT_BYTES = 10**9
ManifestRow = Mapping[str, Any]
"""A row of ISEKAI-10.json with the release's paths."""


@dataclass(frozen=True)
class PairPictures:
    """Where the pictures of pairs come from.

    Attributes:
        split_by_path: Path of every released image to its split.
        size_by_path: And to the bytes of its file.
        read: Gives the released bytes of a path.
        shots: Support images embedded on each side of a row.
    """

    split_by_path: Mapping[str, str]
    size_by_path: Mapping[str, int]
    read: Callable[[str], bytes]
    shots: int

    def split_of(self, row: ManifestRow) -> str:
        """Split of the query.

        Raises:
            ReleaseError: If it is not released.
        """
        if row["image_name"] not in self.split_by_path:
            raise _not_released(row["image_name"])
        return self.split_by_path[row["image_name"]]

    def bytes_of(self, row: ManifestRow) -> int:
        """Size of the pictures that a row embeds.

        Raises:
            ReleaseError: If one is not released.
        """
        return _embedded_bytes(row, self.size_by_path, self.shots)


@dataclass(frozen=True)
class PairShard:
    """One Parquet file of the pairs.

    Attributes:
        path: Relative to the release.
        split: Split of all its rows.
        first: Number of its first row among those of the split, from 0.
        rows: Number of its rows.
    """

    path: str
    split: str
    first: int
    rows: int


def default_shots(rows: Iterable[ManifestRow], size_by_path: Mapping[str, int]) -> int:
    """Support images to embed on each side: 2, or 0 where that would take over a gigabyte."""
    total = sum(_embedded_bytes(row, size_by_path, _DEFAULT_SHOTS) for row in rows)
    return _DEFAULT_SHOTS if total <= _MAX_DEFAULT_BYTES else 0


def plan_pairs(
    rows: Iterable[ManifestRow], pictures: PairPictures, max_bytes: int
) -> list[PairShard]:
    """Divide rows into files by split, each with at most `max_bytes` of pictures (or one row).

    Returns:
        The files, splits in the order in which they first appear.
    """
    starts: dict[str, list[int]] = {}
    counted: dict[str, int] = {}
    filled: dict[str, int] = {}
    for row in rows:
        split, size = pictures.split_of(row), pictures.bytes_of(row)
        number = counted.get(split, 0)
        if number == 0 or filled[split] + size > max_bytes:
            starts.setdefault(split, []).append(number)
            filled[split] = 0
        counted[split] = number + 1
        filled[split] += size
    return [
        PairShard(parquet_name("pairs", split, number, len(begins)), split, first, stop - first)
        for split, begins in starts.items()
        for number, (first, stop) in enumerate(
            zip(begins, [*begins[1:], counted[split]], strict=True)
        )
    ]


def rows_of_shard(
    rows: Iterable[ManifestRow], shard: PairShard, pictures: PairPictures
) -> Iterator[ManifestRow]:
    """Those of all rows that belong to one file."""
    number = 0
    for row in rows:
        if pictures.split_of(row) == shard.split:
            if shard.first <= number < shard.first + shard.rows:
                yield row
            number += 1


def write_pairs(file: BinaryIO, rows: Iterable[ManifestRow], pictures: PairPictures) -> int:
    """Write one Parquet file; memory holds a row group.

    Args:
        file: Open for writing, sequentially; left open.
        rows: Of the file.
        pictures: Of the rows.

    Returns:
        Number of rows.

    Raises:
        ReleaseError: If a row names an image that is not released.
    """
    count = 0
    # Closed also after an error: a writer that is left open would write when it is collected.
    with closing(ParquetRows(file, PAIRS_COLUMNS)) as table:
        for row in rows:
            table.add(_pair_row(row, pictures), pictures.bytes_of(row))
            count += 1
    return count


def _pair_row(row: ManifestRow, pictures: PairPictures) -> dict[str, Any]:
    def embedded(paths: Sequence[str]) -> list[dict[str, Any]]:
        return [picture(path, pictures.read(path)) for path in paths[: pictures.shots]]

    query = row["image_name"]
    return {
        "query": picture(query, pictures.read(query)),
        "query_file_name": query,
        "positive": row["positive_promt"],
        "negative": row["negative_promt"],
        "label": row["label_name"],
        "positive_file_names": row["positive_list"],
        "negative_file_names": row["negative_list"],
        "positive_images": embedded(row["positive_list"]),
        "negative_images": embedded(row["negative_list"]),
        "split": pictures.split_of(row),
    }


def _embedded_bytes(row: ManifestRow, size_by_path: Mapping[str, int], shots: int) -> int:
    paths = [row["image_name"], *row["positive_list"][:shots], *row["negative_list"][:shots]]
    for path in paths:
        if path not in size_by_path:
            raise _not_released(path)
    return sum(size_by_path[path] for path in paths)


def _not_released(path: str) -> ReleaseError:
    return ReleaseError(
        f"{PAIRS_SOURCE} names {path!r}, which is not released; run isekai-gen manifest again"
    )
