"""Similar pairs on disk: what one search added, and which images' vectors that covers.

A part is two Parquet files, one of pairs and one of images. The second says which images the part
is the first to cover and which earlier ones it covers no longer: a pair of two covered images that
no part lists lies below the floor. The same content gives the same bytes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isekai_gen.errors import ChecksumError, WorkspaceError
from isekai_gen.hashing import canonical_json
from isekai_gen.intervals import Interval
from isekai_gen.neighbors.edges import EdgeList
from isekai_gen.neighbors.pairs import PairList, joined_pairs
from isekai_gen.neighbors.search import SearchReport
from isekai_gen.storage import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

_SCHEMA = 2
_FOOTER_KEY = b"isekai_gen.edges"
_IMAGES_KEY = b"isekai_gen.edge_images"


def write_edges(path: Path, edges: EdgeList, report: SearchReport) -> None:
    """Write pairs to a Parquet file, all at once or not at all.

    Columns: image_id_a < image_id_b (strings), similarity (float32). The footer's key
    "isekai_gen.edges" holds JSON: schema, floor, encoder, complete, recall (estimate, low and high)
    and min_recall (both null of a complete list), and the search's mode, method and why.

    Raises:
        StorageError: If the disk is full or read-only.
    """
    import pyarrow as pa

    footer = {
        "schema": _SCHEMA,
        "floor": edges.floor,
        "encoder": edges.encoder,
        "complete": edges.complete,
        "recall": None if edges.recall is None else asdict(edges.recall),
        "min_recall": report.min_recall,
        "mode": report.mode,
        "method": report.method,
        "why": report.why,
    }
    ids = pa.array(edges.ids, pa.string())
    columns = {
        "image_id_a": ids.take(pa.array(edges.pairs.row_a)),
        "image_id_b": ids.take(pa.array(edges.pairs.row_b)),
        "similarity": pa.array(edges.pairs.similarity, pa.float32()),
    }
    _write(path, columns, {_FOOTER_KEY: canonical_json(footer).encode()})


def read_edges(path: Path, ids: Sequence[str]) -> tuple[EdgeList, SearchReport]:
    """The pairs that `write_edges` wrote, bit for bit, and what found them.

    Args:
        path: The file.
        ids: In ascending order; pairs of other images are left out.

    Returns:
        The pairs, in rows of `ids`, and the search's report but for its candidates and seconds.

    Raises:
        WorkspaceError: If there is no such file.
        ChecksumError: If the file is damaged or was not written by `write_edges`.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    with _damage(path):
        table = _read(path)
        footer = json.loads((table.schema.metadata or {})[_FOOTER_KEY])
        if footer["schema"] != _SCHEMA:
            raise ValueError(f"schema {footer['schema']!r} is not {_SCHEMA}")
        known = pa.array(ids, pa.string())
        rows = [
            pc.fill_null(pc.index_in(table[name], known), -1).to_numpy().astype(np.int64)
            for name in ("image_id_a", "image_id_b")
        ]
        there = (rows[0] >= 0) & (rows[1] >= 0)
        similarity = np.asarray(table["similarity"].to_numpy(), dtype=np.float32)
        pairs = PairList(rows[0][there], rows[1][there], similarity[there])
        recall = None if footer["complete"] else Interval(**footer["recall"])
        edges = EdgeList(tuple(ids), pairs, footer["floor"], footer["encoder"], recall)
        said = {name: footer[name] for name in ("mode", "method", "why", "min_recall")}
        return edges, SearchReport(**said, candidates=0, recall=recall)


def write_covered(path: Path, digest_by_id: Mapping[str, bytes | None]) -> None:
    """Write which images a part covers.

    Columns: image_id, and vector_digest: 16 bytes of what was compared, or null for an image that
    earlier parts cover and this one, which was made without it, no longer does.

    Raises:
        StorageError: If the disk is full or read-only.
    """
    import pyarrow as pa

    columns = {
        "image_id": pa.array(digest_by_id.keys(), pa.string()),
        "vector_digest": pa.array(digest_by_id.values(), pa.binary(16)),
    }
    _write(path, columns, {_IMAGES_KEY: canonical_json({"schema": _SCHEMA}).encode()})


def read_covered(path: Path) -> dict[str, bytes | None]:
    """The mapping that `write_covered` wrote.

    Raises:
        WorkspaceError: If there is no such file.
        ChecksumError: If the file is damaged or was not written by `write_covered`.
    """
    with _damage(path):
        table = _read(path)
        if json.loads((table.schema.metadata or {})[_IMAGES_KEY]) != {"schema": _SCHEMA}:
            raise ValueError("another schema")
        names, digests = table["image_id"].to_pylist(), table["vector_digest"].to_pylist()
        return dict(zip(names, digests, strict=True))


def joined_edges(parts: Sequence[EdgeList], floor: float) -> EdgeList:
    """The pairs of all parts at or above `floor`; a pair that two parts list counts once.

    Args:
        parts: One or more, over the same ids and by the same encoder.
        floor: At or above every part's floor.
    """
    reached = [part.pairs.similarity.astype(np.float64) >= floor for part in parts]
    pairs = joined_pairs(
        (part.pairs.row_a[keep], part.pairs.row_b[keep], part.pairs.similarity[keep])
        for part, keep in zip(parts, reached, strict=True)
    )
    recall = joined_recall([(part.recall, len(part)) for part in parts])
    return EdgeList(parts[0].ids, pairs, floor, parts[0].encoder, recall)


def joined_recall(parts: Sequence[tuple[Interval | None, int]]) -> Interval | None:
    """What is known of the recall of several searches together; None if all were complete.

    Together they find a weighted mean of the shares that each finds, so an interval that reaches
    from the lowest end to the highest holds it wherever each interval holds its own.

    Args:
        parts: Measured recall of each, None if complete, and how many pairs it found.
    """
    if all(recall is None for recall, _ in parts):
        return None
    known = [(recall or Interval(1.0, 1.0, 1.0), found) for recall, found in parts]
    # A search that found nothing still may have missed something: it counts as one pair.
    weights = [max(1, found) for _, found in known]
    estimate = sum(
        recall.estimate * weight for (recall, _), weight in zip(known, weights, strict=True)
    ) / sum(weights)
    low, high = min(recall.low for recall, _ in known), max(recall.high for recall, _ in known)
    return Interval(min(max(estimate, low), high), low, high)


def _write(path: Path, columns: Mapping[str, pa.Array], metadata: Mapping[bytes, bytes]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(dict(columns)).replace_schema_metadata(dict(metadata))
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    write_atomically(path, buffer.getvalue())


def _read(path: Path) -> Any:  # noqa: ANN401 - a pyarrow Table, which has no types
    import pyarrow.parquet as pq

    if not path.is_file():
        raise WorkspaceError(f"no edge list at {path}; run isekai-gen dedupe first")
    return pq.read_table(io.BytesIO(path.read_bytes()))


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Turn whatever a damaged Parquet file gives rise to into one clear line."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise ChecksumError(
            f"{path} is no edge list ({type(error).__name__}: {error}); "
            "delete it and run isekai-gen dedupe again"
        ) from error
