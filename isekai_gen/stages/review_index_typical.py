"""How typical each image is of its concept: mean similarity to the concept's other kept images."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from isekai_gen.embeddings import FloatArray
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.embed import encoder_spec
from isekai_gen.stages.embedding_files import read_shard

_Rows = npt.NDArray[np.int64]


def fill_typical(db: sqlite3.Connection, context: StageContext) -> None:
    """Write it down for every image that has an embedding, in two rounds over the shards.

    Of n kept images with sum s, an image v among them is similar (s . v - v . v) / (n - 1) to the
    others on average; one that is not kept, s . v / n.

    Raises:
        ChecksumError: If embeddings are damaged.
    """
    sums: dict[int, npt.NDArray[np.float64]] = {}
    counts: dict[int, int] = {}
    for _, concept, kept, vectors in _shards(db, context):
        for place in np.unique(concept[kept]).tolist():
            chosen = vectors[kept & (concept == place)]
            sums[place] = sums.get(place, 0.0) + chosen.sum(axis=0, dtype=np.float64)
            counts[place] = counts.get(place, 0) + len(chosen)
    for rows, concept, kept, vectors in _shards(db, context):
        for place in np.unique(concept).tolist():
            of = np.flatnonzero(concept == place)
            others = counts.get(place, 0) - kept[of].astype(np.int64)
            if place not in sums:
                continue
            own = np.einsum("ij,ij->i", vectors[of], vectors[of]) * kept[of]
            typical = (vectors[of] @ sums[place] - own) / np.maximum(others, 1)
            known = others > 0
            values = zip(typical[known].tolist(), rows[of][known].tolist(), strict=True)
            db.executemany("UPDATE images SET typical = ? WHERE row = ?", values)


def _shards(
    db: sqlite3.Connection, context: StageContext
) -> Iterator[tuple[_Rows, _Rows, npt.NDArray[np.bool_], FloatArray]]:
    """Row, concept, whether kept, and embedding of the images of each shard that has some."""
    workspace = context.workspace
    label = encoder_spec(context.settings.embed.encoder).label
    for (part,) in db.execute("SELECT DISTINCT part FROM images ORDER BY part").fetchall():
        shard = read_shard(workspace, label, part)
        if shard is None:
            continue
        ids, vectors = shard
        place_of = {image_id: place for place, image_id in enumerate(ids)}
        found = [
            (row, concept, kept, place_of[image_id])
            for row, image_id, concept, kept in db.execute(
                "SELECT row, id, concept, kept FROM images WHERE part = ?", [part]
            )
            if image_id in place_of
        ]
        if found:
            row, concept, kept, place = np.array(found, dtype=np.int64).T
            yield row, concept, kept.astype(bool), vectors[place]
