"""The concepts' neighbor tables, both in one Parquet file: config `neighbors`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any, BinaryIO

from isekai_gen.release.columns import Column
from isekai_gen.release.containers.parquet_rows import ParquetRows

NEIGHBORS_COLUMNS: tuple[Column, ...] = (
    Column("table", "text", "nearest: the most similar classes; rank-stratified: one of each bin."),
    Column("concept", "text", "Slug of the concept."),
    Column("rank", "whole", "Place among all classes by falling similarity, from 1."),
    Column("bin", "whole", "Bin that the class was drawn from, from 0; -1 in the nearest table."),
    Column("class_key", "text", "Key of the class in its set; names may repeat, keys do not."),
    Column("class_name", "text", "Name of the class."),
    Column("wnid", "text", "WordNet id of the class, or empty."),
    Column("ilsvrc_id", "whole", "Id of the class in ILSVRC2012, from 1.", nullable=True),
    Column(
        "class_index", "whole", "Index of the class in ImageNet-1k by wnid, from 0.", nullable=True
    ),
    Column("similarity", "real", "What ranks go by."),
    Column("similarity_kind", "text", "lcl, lcl-of-unit-means, cosine-image or cosine-text."),
    Column("percentile", "real", "Share of all classes that are no more similar."),
    Column("text_similarity", "real", "Cosine of the texts of concept and class.", nullable=True),
    Column("text_percentile", "real", "Percentile of text_similarity.", nullable=True),
    Column(
        "image_similarity", "real", "Cosine of the image means of concept and class.", nullable=True
    ),
    Column("image_percentile", "real", "Percentile of image_similarity.", nullable=True),
)
"""Those of the workspace's tables (`manifests.neighbor_tables.NeighborRow`)."""
# Rows without pictures: what the viewer shows at once is far below its limits.
_GROUP_ROWS = 10_000


def write_neighbors_table(file: BinaryIO, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write one Parquet file; memory holds 10,000 rows.

    Args:
        file: Open for writing, sequentially; left open.
        rows: Of nearest.jsonl, then of rank-stratified.jsonl.

    Returns:
        Number of rows.
    """
    count = 0
    # Closed also after an error: a writer that is left open would write when it is collected.
    with closing(ParquetRows(file, NEIGHBORS_COLUMNS, group_rows=_GROUP_ROWS)) as table:
        for row in rows:
            table.add(row)
            count += 1
    return count
