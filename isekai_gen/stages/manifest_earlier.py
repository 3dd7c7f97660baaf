"""Manifests that earlier commands wrote: which are still right, and which must go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from isekai_gen.errors import ChecksumError, ManifestError
from isekai_gen.manifests.check import check_manifest
from isekai_gen.manifests.files import read_manifest
from isekai_gen.manifests.isekai import ManifestRequest
from isekai_gen.stages.reporting import Reporter
from isekai_gen.storage import storage_errors


def shots_of_others(
    reporter: Reporter, request: ManifestRequest, paths: Mapping[str, Path]
) -> dict[str, int]:
    """Name to shots of each manifest that lies there and is not written now.

    Args:
        reporter: Told of a manifest that names images which are not kept any more.
        request: Its kept images.
        paths: Format to where its manifest lies, if there is one.

    Raises:
        ManifestError: If one breaks a rule of the format by now.
    """
    shots = {}
    for name, path in paths.items():
        if not path.is_file():
            continue
        rows = _read(path)
        if not _names_kept_images_only(rows, request):
            reporter.note(
                f"{path} names images that are not kept any more: "
                f"write it anew with --format {name}"
            )
        shots[path.stem] = _shots(rows)
    return shots


def shots_that_stay(request: ManifestRequest, paths: Mapping[str, Path]) -> dict[str, int]:
    """As `shots_of_others`, of manifests that cannot be written now.

    One that is still right stays, whatever --shots is asked for this time. One of images that were
    kept earlier would contradict what is kept now: it is removed.
    """
    shots = {}
    for path in paths.values():
        if not path.is_file():
            continue
        try:
            rows = _read(path)
        except (ManifestError, ChecksumError):
            rows = []
        if rows and _names_kept_images_only(rows, request):
            shots[path.stem] = _shots(rows)
        else:
            remove_files([path])
    return shots


def remove_files(paths: Iterable[Path]) -> None:
    """Remove those of the files that are there.

    Raises:
        StorageError: If their folder is read-only.
    """
    for path in paths:
        with storage_errors(path):
            path.unlink(missing_ok=True)


def _read(path: Path) -> list[dict[str, Any]]:
    rows = read_manifest(path)
    faults = check_manifest(rows)
    if faults:
        raise ManifestError(f"{path} was changed: {faults[0]}; write it anew, or delete it")
    return rows


def _shots(rows: list[dict[str, Any]]) -> int:
    return len(rows[0]["positive_list"])


def _names_kept_images_only(rows: Iterable[Mapping[str, Any]], request: ManifestRequest) -> bool:
    kept = {image.path for images in request.kept.values() for image in images}
    lists = ("positive_list", "negative_list")
    return all(
        row["image_name"] in kept and all(kept.issuperset(row[key]) for key in lists)
        for row in rows
    )
