"""Manifests on disk: JSON lines despite the name `.json`, as the upstream loaders read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from isekai_gen.errors import ManifestError
from isekai_gen.manifests.isekai import Manifest
from isekai_gen.shards import encode_lines, read_lines
from isekai_gen.storage import write_atomically

MANIFEST_NAMES = ("ISEKAI-10", "ISEKAI-pair")
_SHOWN = 3


def write_manifest(folder: Path, manifest: Manifest) -> Path:
    """Write `folder`/<name>.json and return its path.

    Raises:
        ManifestError: If the manifest has no rows, which the upstream metric cannot average.
        StorageError: If the disk is full or read-only.
    """
    refuse_empty(manifest)
    path = folder / f"{manifest.name}.json"
    write_atomically(path, encode_lines(manifest.rows))
    return path


def refuse_empty(manifest: Manifest) -> None:
    """Raise ManifestError if the manifest has no rows, which the upstream metric cannot average."""
    if manifest.rows:
        return
    reasons = list(manifest.skipped.values()) or ["there is no group"]
    more = f"; and {len(reasons) - _SHOWN} more" if len(reasons) > _SHOWN else ""
    raise ManifestError(
        f"{manifest.name} has no rows: {'; '.join(reasons[:_SHOWN])}{more}; "
        "lower --shots or keep more images"
    )


def read_manifest(path: Path) -> list[dict[str, Any]]:
    """The rows of a manifest that this workspace wrote, unchecked (see `check_manifest`).

    Raises:
        ChecksumError: If a line is not a JSON object; names file and line.
    """
    return read_lines(path)
