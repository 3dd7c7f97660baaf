"""The queue of images near a limit of real-world overlap, beside what they are like."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from isekai_gen.stages.overlap_neighbors import FILE_NAME
from isekai_gen.stages.review_decisions import DecisionLog
from isekai_gen.stages.review_images import ImageLists
from isekai_gen.stages.review_queues import Queue
from isekai_gen.stages.review_standing import Standing
from isekai_gen.workspace import Workspace

_SHOWN = 5
_MOST = 50  # neighbors are read from the file for each
_COLUMNS = ["image_id", "rank", "kind", "reference", "key", "wnid", "similarity"]


class Neighbors:
    """neighbors/images.parquet, read where it speaks of an image."""

    def __init__(
        self, db: sqlite3.Connection, workspace: Workspace, pictures: Mapping[str, Path]
    ) -> None:
        self._db, self._pictures = db, pictures
        self._path = workspace.neighbors / FILE_NAME

    def of(self, ids: Sequence[str], most: int) -> dict[str, list[dict[str, Any]]]:
        """Image id to the nearest of each kind and reference set; nothing if there is no table."""
        asked = (
            "SELECT DISTINCT row_group FROM neighbor_parts JOIN images USING(part) "
            "WHERE id IN (SELECT value FROM json_each(?)) ORDER BY row_group"
        )
        groups = [row[0] for row in self._db.execute(asked, [json.dumps(list(ids))])]
        found: dict[str, list[dict[str, Any]]] = {}
        if groups:
            for row in self._rows(groups, ids, most):
                found.setdefault(row["image_id"], []).append(self._near(row))
        return found

    def _rows(self, groups: Sequence[int], ids: Sequence[str], most: int) -> list[dict[str, Any]]:
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        with pq.ParquetFile(self._path) as file:
            table = file.read_row_groups(groups, columns=_COLUMNS)
        wanted = pc.is_in(table["image_id"], pa.array(ids, pa.string()))
        rows = table.filter(pc.and_(wanted, pc.less_equal(table["rank"], most))).to_pylist()
        return sorted(rows, key=lambda row: (row["kind"], row["reference"], row["rank"]))

    def _near(self, row: Mapping[str, Any]) -> dict[str, Any]:
        reference, key = row["reference"], row["key"]
        picture = ""
        if row["kind"] == "image" and reference in self._pictures:
            picture = f"/reference/{quote(f'{reference}/{key}')}"
        return {
            "class": f"{reference}/{key}",
            "name": key,
            "kind": row["kind"],
            "similarity": row["similarity"],
            "picture": picture,
        }


class OverlapQueue(Queue):
    """Images of fictional concepts that are kept, closest to the limit first."""

    def __init__(
        self, db: sqlite3.Connection, standing: Standing, log: DecisionLog, neighbors: Neighbors
    ) -> None:
        self._db, self._standing, self._neighbors = db, standing, neighbors
        self._images = ImageLists(db, log)

    def open_keys(self, after: str) -> Iterator[str]:
        asked = "SELECT place FROM overlap JOIN images USING(row) WHERE id = ?"
        last = self._db.execute(asked, [after]).fetchone()
        asked = (
            "SELECT place, id FROM overlap JOIN images USING(row) WHERE place > ? ORDER BY place"
        )
        for place, image_id in self._db.execute(asked, [last[0] if last else 0]):
            if place not in self._standing.overlap:
                yield image_id

    def decided_keys(self) -> Sequence[str]:
        asked = "SELECT id FROM overlap JOIN images USING(row) WHERE place = ?"
        places = sorted(self._standing.overlap)
        return [self._db.execute(asked, [place]).fetchone()[0] for place in places]

    def left(self) -> int:
        (total,) = self._db.execute("SELECT count(*) FROM overlap").fetchone()
        return int(total) - len(self._standing.overlap)

    def decided(self) -> int:
        return len(self._standing.overlap)

    def most(self) -> int:
        return _MOST

    def entries(self, keys: Sequence[str]) -> list[dict[str, Any]]:
        nearest = self._neighbors.of(keys, _SHOWN)
        return [self._entry(key, nearest.get(key, [])) for key in keys]

    def _entry(self, key: str, nearest: list[dict[str, Any]]) -> dict[str, Any]:
        asked = "SELECT overlap.* FROM overlap JOIN images USING(row) WHERE id = ?"
        found = self._db.execute(asked, [key]).fetchone()
        return {
            "key": key,
            "image": self._images.brief(key),
            "by": found["filter"],
            "reason": found["reason"],
            "measured": found["measured"],
            "limit": found["bound"],
            "reference": found["reference"],
            "nearest": nearest,
        }


def reference_file(pictures: Mapping[str, Path], key: str) -> Path | None:
    """File of a reference image, "NAME/PATH"; None outside of the folder that NAME stands for."""
    name, _, within = key.partition("/")
    folder = pictures.get(name)
    if folder is None or not within or "\0" in within:
        return None
    base = folder.resolve()
    path = (base / within).resolve()
    return path if path.is_relative_to(base) and path.is_file() else None
