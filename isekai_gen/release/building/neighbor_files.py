"""neighbors/: which real classes lie nearest to each concept, as CSV and JSON lines.

The same rows as Parquet are the config `neighbors` (`parquet_neighbors`). The workspace's
neighbors/images.parquet stays there: it names the files of reference sets image by image, and what
metadata.jsonl says of the nearest one suffices. So do tables of classes among themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from isekai_gen.errors import ReleaseError
from isekai_gen.manifests.neighbor_tables import NEAREST, RANK_STRATIFIED
from isekai_gen.release.building.draft import ReleaseDraft
from isekai_gen.shards import read_lines
from isekai_gen.workspace import Workspace

_TABLES = (NEAREST, RANK_STRATIFIED)
_FORMS = ("csv", "jsonl")


def write_neighbors(draft: ReleaseDraft, workspace: Workspace) -> list[str]:
    """Copy the tables byte for byte; returns their paths in the release, [] if there are none.

    Raises:
        ReleaseError: If only some of the tables are there.
        StorageError: If the disk is full or read-only.
    """
    sources = _sources(workspace)
    for source in sources:
        draft.copy(source, f"neighbors/{source.name}")
    return [f"neighbors/{source.name}" for source in sources]


def neighbor_rows(workspace: Workspace) -> Iterator[dict[str, Any]]:
    """The rows of both tables, the nearest classes first; none if there are no tables.

    Raises:
        ReleaseError: If only some of the tables are there.
        ChecksumError: If one is no JSON lines.
    """
    for source in _sources(workspace):
        if source.suffix == ".jsonl":
            yield from read_lines(source)


def _sources(workspace: Workspace) -> list[Path]:
    """The files of the workspace that are released; [] if there are none.

    Raises:
        ReleaseError: If only some are there.
    """
    sources = [workspace.neighbors / f"{name}.{form}" for name in _TABLES for form in _FORMS]
    there = [source for source in sources if source.is_file()]
    if there and len(there) < len(sources):
        missing = next(source for source in sources if source not in there)
        raise ReleaseError(f"{missing} is missing; run isekai-gen neighbors again")
    return there
