"""Which verdict on an image counts, and which images lie near a limit of real-world overlap.

An image that several filters drop counts under the first of them in their declared order, as in
`records.select_kept`. Of a kept image the verdict is shown that asks people to look, else the one
nearest to its limit.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from isekai_gen.errors import ChecksumError
from isekai_gen.shards import iter_lines
from isekai_gen.stages.review_records import DrawnLine
from isekai_gen.workspace import Workspace

REVIEW_REASONS = (
    "in_review_band",
    "near_reference_image",
    "name_near_class",
    "unlike_class_images",
)
"""Reasons for which a filter keeps an image that people should look at."""
_OVERLAP = {"name_overlap", "reference_copy", "class_overlap"}
# Kept images this near to a limit, as a share of the median kept image's way to it, are shown.
_NEAR_SHARE = 0.25


class Judgment(NamedTuple):
    """A verdict as the index keeps it."""

    filter: str
    keep: bool
    reason: str
    measured: float | None
    limit: float | None
    witness: str
    reference: str

    @property
    def nearness(self) -> float:
        """How far from the limit; relative to it where it is no similarity. Infinite without."""
        if self.measured is None or self.limit is None:
            return math.inf
        return abs(self.measured - self.limit) / max(1.0, abs(self.limit))


UNJUDGED = Judgment("", True, "", None, None, "", "")


class NearLimit(NamedTuple):
    """What puts an image of a fictional concept before people, as a row without its image."""

    filter: str
    reason: str
    measured: float | None
    limit: float | None
    reference: str
    margin: float


def judgment_of(verdicts: Sequence[Judgment]) -> Judgment:
    """The verdict that counts; `verdicts` are in the filters' declared order."""
    for verdict in verdicts:
        if not verdict.keep:
            return verdict
    for verdict in verdicts:
        if verdict.reason in REVIEW_REASONS:
            return verdict
    compared = [verdict for verdict in verdicts if verdict.nearness < math.inf]
    return min(compared, key=lambda verdict: verdict.nearness, default=UNJUDGED)


def near_limits(verdicts: Sequence[Judgment]) -> Iterator[NearLimit]:
    """What filters of real-world overlap say of a kept image; `settle_overlap` keeps the near."""
    for said in verdicts:
        if said.filter not in _OVERLAP or said.nearness == math.inf:
            continue
        # A name is the same for every image of its concept: it is shown only if it reads alike.
        if said.filter != "name_overlap" or said.reason in REVIEW_REASONS:
            yield NearLimit(
                said.filter, said.reason, said.measured, said.limit, said.reference, said.nearness
            )


def settle_overlap(db: sqlite3.Connection) -> None:
    """Keep what lies near a limit, once for each image, closest first."""
    inside = "FROM near WHERE filter = ? AND reason NOT IN (SELECT value FROM json_each(?))"
    reasons = json.dumps(REVIEW_REASONS)
    for (name,) in db.execute("SELECT DISTINCT filter FROM near").fetchall():
        (count,) = db.execute(f"SELECT count(*) {inside}", [name, reasons]).fetchone()
        median = db.execute(
            f"SELECT margin {inside} ORDER BY margin LIMIT 1 OFFSET ?",
            [name, reasons, count // 2],
        ).fetchone()
        if median is not None:
            db.execute(
                f"DELETE {inside} AND margin > ?",
                [name, reasons, _NEAR_SHARE * median[0]],
            )
    db.execute(
        "INSERT INTO overlap(row, filter, reason, measured, bound, reference) "
        "SELECT row, filter, reason, measured, bound, reference FROM ("
        "SELECT *, row_number() OVER (PARTITION BY row ORDER BY margin, filter) AS n FROM near"
        ") WHERE n = 1 ORDER BY margin, row"
    )
    db.execute("DELETE FROM near")


class ShardVerdicts:
    """What filters say of the images of one shard.

    Attributes:
        moved: Filters whose file of this shard speaks of other images, too.
    """

    def __init__(
        self, db: sqlite3.Connection, workspace: Workspace, part: int, moved: frozenset[str]
    ) -> None:
        self._db, self._workspace, self._part = db, workspace, part
        self._elsewhere = moved
        self.moved: set[str] = set()

    def of(self, name: str, lines: Sequence[DrawnLine]) -> dict[str, Judgment]:
        """Image id to the filter's verdict.

        Raises:
            ChecksumError: If verdicts are damaged.
        """
        if name in self._elsewhere:
            asked = "SELECT verdict FROM moved WHERE filter = ? AND id = ?"
            rows = (self._db.execute(asked, [name, line.image_id]).fetchone() for line in lines)
            return dict(_judgment(json.loads(row[0])) for row in rows if row is not None)
        said = dict(_read(self._workspace, name, self._part))
        if not said.keys() <= {line.image_id for line in lines}:
            self.moved.add(name)
        return said


def remember_moved(db: sqlite3.Connection, workspace: Workspace, names: Sequence[str]) -> None:
    """Keep all verdicts of some filters, by image; of two on one image the last one counts."""
    for name in names:
        for part in workspace.parts("records"):
            path = workspace.part(workspace.verdicts(name), part)
            rows = iter_lines(path) if path.exists() else iter(())
            db.executemany(
                "INSERT OR REPLACE INTO moved VALUES (?, ?, ?)",
                ((name, row["image_id"], json.dumps(row)) for row in rows),
            )


def _read(workspace: Workspace, name: str, part: int) -> Iterator[tuple[str, Judgment]]:
    path = workspace.part(workspace.verdicts(name), part)
    if not path.exists():
        return
    for number, row in enumerate(iter_lines(path), start=1):
        try:
            yield _judgment(row)
        except KeyError as error:
            raise ChecksumError(f"{path}:{number}: no verdict, it lacks {error}") from error


def _judgment(row: dict[str, Any]) -> tuple[str, Judgment]:
    return row["image_id"], Judgment(
        row["by"],
        row["keep"],
        row["reason"],
        row["measured"],
        row["limit"],
        row["witness"],
        row["reference"],
    )
