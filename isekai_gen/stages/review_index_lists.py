"""Pairs and groups of duplicates in the review page's index, and where neighbors are listed."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from isekai_gen.errors import ChecksumError
from isekai_gen.shards import iter_lines
from isekai_gen.stages.duplicate_reports import report_files
from isekai_gen.stages.overlap_neighbors import FILE_NAME
from isekai_gen.workspace import Workspace

_PAIR = "INSERT INTO pairs(a, b, tier, similarity, bound, review) VALUES (?, ?, ?, ?, ?, ?)"


def fill_lists(db: sqlite3.Connection, workspace: Workspace) -> None:
    """The pairs in a review band, closest to their limit first, and the groups.

    Pairs and groups of images that are no longer there are left out.

    Raises:
        ChecksumError: If a report is damaged.
    """
    groups, review, _, summary = report_files(workspace)
    try:
        _fill_pairs(db, review, summary)
        _fill_groups(db, groups)
    except (KeyError, TypeError, ValueError, AttributeError, sqlite3.Error) as error:
        raise ChecksumError(
            f"{groups.parent}: not what dedupe writes ({error!r}); run `isekai-gen dedupe` again"
        ) from error


def _fill_pairs(db: sqlite3.Connection, review: Path, summary: Path) -> None:
    if review.exists():
        limits = _review_limits(summary.read_bytes()) if summary.exists() else {}
        rows = sorted(iter_lines(review), key=lambda row: row["limit"] - row["similarity"])
        for row in rows:
            if _all_known(db, row["images"]):
                limit, similarity = row["limit"], row["similarity"]
                said = (row["tier"], similarity, limit, limits.get(row["tier"]))
                db.execute(_PAIR, (*row["images"], *said))


def _fill_groups(db: sqlite3.Connection, groups: Path) -> None:
    if groups.exists():
        for row in iter_lines(groups):
            if _all_known(db, row["members"]):
                _add_group(db, row)


def _review_limits(summary: bytes) -> dict[str, float]:
    """Tier to its review limit."""
    tiers: dict[str, Any] = json.loads(summary)["tiers"]
    return {tier: found["review_similarity"] for tier, found in tiers.items()}


def _all_known(db: sqlite3.Connection, ids: list[str]) -> bool:
    return all(db.execute("SELECT 1 FROM images WHERE id = ?", [key]).fetchone() for key in ids)


def _add_group(db: sqlite3.Connection, row: dict[str, Any]) -> None:
    members = row["members"]
    added = db.execute(
        "INSERT INTO groups(key, representative, members, diameter, exact) VALUES (?, ?, ?, ?, ?)",
        (
            min(members),  # whichever of them represents the group
            row["representative"],
            json.dumps(members),
            row["diameter"],
            row["diameter_is_exact"],
        ),
    )
    named = [(image_id, added.lastrowid) for image_id in members]
    db.executemany("INSERT INTO members VALUES (?, ?)", named)


def fill_neighbor_parts(db: sqlite3.Connection, workspace: Workspace) -> None:
    """Which row groups of neighbors/images.parquet speak of which shard of images.

    Raises:
        ChecksumError: If the file cannot be read.
    """
    import pyarrow
    import pyarrow.parquet

    path = workspace.neighbors / FILE_NAME
    if not path.exists():
        return
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                ids = file.read_row_group(group, columns=["image_id"])["image_id"].unique()
                asked = json.dumps([ids[0].as_py(), ids[-1].as_py()] if len(ids) else [])
                db.execute(
                    "INSERT INTO neighbor_parts SELECT DISTINCT part, ? FROM images "
                    "WHERE id IN (SELECT value FROM json_each(?))",
                    (group, asked),
                )
    except (pyarrow.ArrowException, OSError) as error:
        raise ChecksumError(f"{path}: cannot be read ({error}); run overlap again") from error
