"""All that is known of one image, gathered from the files when a person asks."""

from __future__ import annotations

import json
import shlex
import sqlite3
from collections.abc import Iterator
from typing import Any

from isekai_gen.errors import ChecksumError
from isekai_gen.filters import all_filters
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.edge_labels import edge_labels
from isekai_gen.stages.edge_store import edge_part_files, edges_stage
from isekai_gen.stages.review_decisions import DecisionLog
from isekai_gen.stages.review_images import ImageLists, decision_json
from isekai_gen.stages.review_overlap import Neighbors
from isekai_gen.stages.review_records import read_record_at

_NEIGHBORS = 10
_SIMILAR = 20


class ImageDetails:
    """Provenance, verdicts, decisions and likeness of single images."""

    def __init__(
        self, db: sqlite3.Connection, context: StageContext, log: DecisionLog, neighbors: Neighbors
    ) -> None:
        self._db, self._context, self._log, self._neighbors = db, context, log, neighbors
        self._images = ImageLists(db, log)

    def of(self, image_id: str) -> dict[str, Any] | None:
        """As docs/review-api.md; None if there is none of that id.

        Raises:
            WorkspaceError: If its files have changed or are damaged.
        """
        asked = "SELECT part, start FROM images WHERE id = ?"
        found = self._db.execute(asked, [image_id]).fetchone()
        if found is None:
            return None
        workspace = self._context.workspace
        record = read_record_at(workspace, found["part"], found["start"], image_id)
        path = workspace.root / record.path
        return {
            "image": self._images.brief(image_id),
            "slots": dict(record.planned.slots),
            "provenance": record.provenance.to_fields(),
            "file": {
                "bytes": path.stat().st_size if path.is_file() else None,
                "sha256": record.file_sha256,
                "pixel_sha256": record.pixel_sha256,
            },
            "verdicts": list(self._verdicts(image_id, found["part"])),
            "decisions": [
                {"images": list(one.images), **decision_json(one)}
                for one in self._log.naming(image_id)
            ],
            "neighbors": self._neighbors.of([image_id], _NEIGHBORS).get(image_id, []),
            "similar": self._similar(image_id),
            "reproduce": shlex.join(
                ["isekai-gen", "reproduce", image_id, "-w", str(workspace.root.resolve())]
            ),
        }

    def _verdicts(self, image_id: str, part: int) -> Iterator[dict[str, Any]]:
        """What every filter says of it, in their declared order."""
        workspace = self._context.workspace
        (moved,) = self._db.execute("SELECT moved FROM about").fetchone()
        named = f'"image_id": "{image_id}"'.encode()
        for name in all_filters():
            folder = workspace.verdicts(name)
            parts = workspace.parts("records") if name in json.loads(moved) else [part]
            said = None
            for path in (workspace.part(folder, each) for each in parts):
                lines = path.read_bytes().splitlines() if path.exists() else []
                said = next((line for line in lines if named in line), said)
            if said is not None:
                row = json.loads(said)
                yield {key: value for key, value in row.items() if key not in ("schema",)}

    def _similar(self, image_id: str) -> list[dict[str, Any]]:
        """The images that a comparison lists beside it, most similar first, by each tier."""
        pairs = [
            (similarity, tier, other)
            for tier, label in edge_labels(self._context.settings).items()
            for other, similarity in self._listed(label, image_id)
        ]
        pairs.sort(key=lambda found: (-found[0], found[2]))
        briefs = self._images.briefs(other for _, _, other in pairs)
        return [
            {"image": briefs[other], "similarity": similarity, "tier": tier}
            for similarity, tier, other in pairs
            if other in briefs
        ][:_SIMILAR]

    def _listed(self, label: str, image_id: str) -> Iterator[tuple[str, float]]:
        """The other image of every pair in the edges of a label.

        Raises:
            ChecksumError: If they are damaged.
        """
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        workspace = self._context.workspace
        for part in workspace.parts(f"done/{edges_stage(label)}", ".json"):
            path, _ = edge_part_files(workspace, label, part)
            if not path.exists():
                continue
            a, b = pc.field("image_id_a"), pc.field("image_id_b")
            try:
                named = pq.read_table(path, filters=(a == image_id) | (b == image_id))
            except (pa.ArrowException, OSError) as error:
                raise ChecksumError(
                    f"{path}: cannot be read ({error}); delete it and run `isekai-gen dedupe` again"
                ) from error
            for row in named.to_pylist():
                first = row["image_id_a"] == image_id
                yield row["image_id_b" if first else "image_id_a"], row["similarity"]
