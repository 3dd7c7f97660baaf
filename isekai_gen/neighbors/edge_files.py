"""Edge lists on disk: one Parquet file each, the same bytes for the same edges."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np

from isekai_gen.errors import ChecksumError, WorkspaceError
from isekai_gen.hashing import canonical_json
from isekai_gen.neighbors.edges import EdgeList
from isekai_gen.storage import write_atomically

_SCHEMA = 1
_FOOTER_KEY = b"isekai_gen.edges"


def write_edges(path: Path, edges: EdgeList) -> None:
    """Write `edges` to a Parquet file, all at once or not at all.

    Columns: image_id_a, image_id_b (strings), similarity (float64). The footer's key
    "isekai_gen.edges" holds JSON with the floor, completeness, encoder and schema version.

    Raises:
        StorageError: If the disk is full or read-only.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    footer = {
        "schema": _SCHEMA,
        "floor": edges.floor,
        "complete": edges.complete,
        "encoder": edges.encoder,
    }
    schema = pa.schema(
        [
            pa.field("image_id_a", pa.string(), nullable=False),
            pa.field("image_id_b", pa.string(), nullable=False),
            pa.field("similarity", pa.float64(), nullable=False),
        ],
        metadata={_FOOTER_KEY: canonical_json(footer).encode()},
    )
    columns = [
        pa.array(edges.first, pa.string()),
        pa.array(edges.second, pa.string()),
        pa.array(edges.similarity, pa.float64()),
    ]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), buffer, compression="zstd")
    write_atomically(path, buffer.getvalue())


def read_edges(path: Path) -> EdgeList:
    """The edges that `write_edges` wrote, bit for bit.

    Raises:
        WorkspaceError: If there is no such file.
        ChecksumError: If the file is damaged or was not written by `write_edges`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise WorkspaceError(f"no edge list at {path}; run isekai-gen dedupe first")
    try:
        table = pq.read_table(io.BytesIO(path.read_bytes()))
        footer = json.loads((table.schema.metadata or {})[_FOOTER_KEY])
        if footer["schema"] != _SCHEMA:
            raise ValueError(f"schema {footer['schema']!r} is not {_SCHEMA}")
        return EdgeList(
            first=tuple(table["image_id_a"].to_pylist()),
            second=tuple(table["image_id_b"].to_pylist()),
            similarity=np.asarray(table["similarity"].to_numpy(), dtype=np.float64),
            floor=footer["floor"],
            complete=footer["complete"],
            encoder=footer["encoder"],
        )
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise ChecksumError(
            f"{path} is no edge list ({type(error).__name__}: {error}); "
            "delete it and run isekai-gen dedupe again"
        ) from error
