"""Check the Parquet tables beside that of the images: they repeat what other files say."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

from isekai_gen.errors import ReleaseError
from isekai_gen.hashing import canonical_json
from isekai_gen.release.columns import Column
from isekai_gen.release.containers.container_read import iter_pair_images
from isekai_gen.release.containers.parquet_neighbors import NEIGHBORS_COLUMNS
from isekai_gen.release.containers.parquet_pairs import PAIRS_COLUMNS
from isekai_gen.release.containers.parquet_read import iter_parquet_rows, parquet_facts
from isekai_gen.release.layout import CONCEPTS_FILE, METADATA_FILE, PAIRS_SOURCE
from isekai_gen.release.verification.received_release import ReceivedRelease
from isekai_gen.release.verification.verify_parquet import check_parquet_form

_NEIGHBOR_SOURCES = ("neighbors/nearest.jsonl", "neighbors/rank-stratified.jsonl")
_NEIGHBOR_KEYS = frozenset(column.name for column in NEIGHBORS_COLUMNS)


def check_picture_tables(release: ReceivedRelease) -> None:
    """Report pairs and neighbors in Parquet that differ from the files they were made from."""
    _check_pairs(release)
    _check_neighbors(release)


def _check_pairs(release: ReceivedRelease) -> None:
    files = release.files_below("pairs", ".parquet")
    source = [_as_pair(release, row) for row in release.tree.read_rows(PAIRS_SOURCE)]
    if not files:
        if source and release.profile == "hub":
            release.tree.report("pairs/", "missing", f"a hub release has {PAIRS_SOURCE} there")
        return
    found: list[str] = []
    for name in files:
        faults = _form_faults(release, name, PAIRS_COLUMNS, len(source))
        rows, picture_faults = ([], []) if faults else _read_pairs(release, name)
        found += rows
        release.tree.report_some(name, "pairs", faults + picture_faults)
    # Files go by split, rows within a split in the order of the manifest.
    if sorted(found) != sorted(map(canonical_json, source)):
        message = f"its rows, with those of the files beside it, are not those of {PAIRS_SOURCE}"
        release.tree.report(files[0], "pairs", message)


def _as_pair(release: ReceivedRelease, row: Mapping[str, Any]) -> dict[str, Any]:
    """What the table must say of a row of the manifest, pictures apart."""
    query = row.get("image_name")
    image = release.images.get(query) if isinstance(query, str) else None
    return {
        "query_file_name": query,
        "positive": row.get("positive_promt"),
        "negative": row.get("negative_promt"),
        "label": row.get("label_name"),
        "positive_file_names": row.get("positive_list"),
        "negative_file_names": row.get("negative_list"),
        "split": image.split if image else None,
    }


def _read_pairs(release: ReceivedRelease, name: str) -> tuple[list[str], list[str]]:
    """Rows of a file as canonical JSON without pictures, and what is wrong with pictures."""
    rows: list[str] = []
    faults: list[str] = []
    last: Mapping[str, Any] | None = None
    try:
        for image in iter_pair_images(release.tree.files[name]):
            if image.row is not last:
                last = image.row
                rows.append(canonical_json(dict(image.row)))
            known = release.images.get(image.name)
            if known is None or hashlib.sha256(image.content).hexdigest() != known.sha256:
                faults.append(f"its picture of {image.name!a} is not that of {METADATA_FILE}")
    except ReleaseError as error:
        faults.append(str(error))
    except (TypeError, ValueError):
        faults.append("has values that are not ours")
    return rows, faults


def _check_neighbors(release: ReceivedRelease) -> None:
    files = release.files_below("neighbors", ".parquet")
    source = _check_neighbor_rows(release)
    if not files:
        if source and release.profile == "hub":
            release.tree.report("neighbors/", "missing", "a hub release has a Parquet table there")
        return
    found: list[str] = []
    for name in files:
        faults = _form_faults(release, name, NEIGHBORS_COLUMNS, len(source))
        try:
            found += (
                []
                if faults
                else [canonical_json(row) for row in iter_parquet_rows(release.tree.files[name])]
            )
        except ReleaseError as error:
            faults.append(str(error))
        except (TypeError, ValueError):
            faults.append("has values that are not ours")
        release.tree.report_some(name, "neighbors", faults)
    if found != [canonical_json(_with_columns(row)) for row in source]:
        message = f"its rows are not those of {' and '.join(_NEIGHBOR_SOURCES)}"
        release.tree.report(files[0], "neighbors", message)


def _check_neighbor_rows(release: ReceivedRelease) -> list[dict[str, Any]]:
    """The rows of the JSON lines; reports concepts that are not here, and a CSV that differs."""
    slugs = {ascii(concept.get("slug")) for concept in release.concepts}
    rows: list[dict[str, Any]] = []
    for name in _NEIGHBOR_SOURCES:
        own = release.tree.read_rows(name)
        unknown = {ascii(row.get("concept")) for row in own} - slugs
        faults = [f"has concept {each}, which {CONCEPTS_FILE} lacks" for each in sorted(unknown)]
        wrong = [number for number, row in enumerate(own, start=1) if row.keys() != _NEIGHBOR_KEYS]
        faults += [f"line {number}: must have exactly the columns of the table" for number in wrong]
        release.tree.report_some(name, "neighbors", faults)
        csv_name = f"{name.removesuffix('.jsonl')}.csv"
        content = release.tree.read_bytes(csv_name)
        if not wrong and content is not None and content != _as_csv(own):
            release.tree.report(csv_name, "neighbors", f"its rows are not those of {name}")
        rows += own
    return rows


def _as_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [each.name for each in NEIGHBORS_COLUMNS], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    # A lone surrogate, which JSON can spell, then differs from any file.
    return text.getvalue().encode(errors="replace")


def _with_columns(row: Mapping[str, Any]) -> dict[str, Any]:
    return {column.name: row.get(column.name) for column in NEIGHBORS_COLUMNS}


def _form_faults(
    release: ReceivedRelease, name: str, columns: Sequence[Column], most_rows: int
) -> list[str]:
    """What is wrong with a table before its rows are read; with a fault they are not."""
    path = release.tree.files[name]
    try:
        faults = check_parquet_form(path, columns, ())
        rows = parquet_facts(path).rows
    except ReleaseError as error:
        return [str(error)]
    return faults if rows <= most_rows else [*faults, f"has {rows} rows, its source {most_rows}"]
