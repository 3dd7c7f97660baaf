"""Check the counterfactual samples: of released images of one split, and in no main list."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from isekai_gen.errors import ReleaseError
from isekai_gen.release.containers.parquet_images import IMAGE_COLUMN, picture
from isekai_gen.release.containers.parquet_read import iter_parquet_rows, parquet_facts
from isekai_gen.release.counterfactual_columns import COUNTERFACTUALS_TABLE_COLUMNS
from isekai_gen.release.counterfactual_samples import sample_path
from isekai_gen.release.layout import (
    COUNTERFACTUAL_IMAGES,
    COUNTERFACTUALS_FILE,
    COUNTERFACTUALS_FOLDER,
    INDEX_FILE,
    PROMPTS_FILE,
    REJECTED_FILE,
    parquet_name,
)
from isekai_gen.release.verification.received_release import ImageRow, ReceivedRelease
from isekai_gen.release.verification.verify_parquet import check_parquet_form
from isekai_gen.release.verification.verify_pixels import PictureCheck
from isekai_gen.release.verification.verify_sample_rows import sample_digest

# Where every image that was drawn is listed, with the key of its id.
_MAIN_LISTS = ((PROMPTS_FILE, "image_id"), (REJECTED_FILE, "id"))


def check_counterfactuals(release: ReceivedRelease, pictures: PictureCheck | None) -> None:
    """Report samples that are not there, others that are, and any in a main list.

    Args:
        release: With `measured`; loose pictures were decoded when they were measured.
        pictures: How pictures in Parquet are checked, or None.
    """
    _check_counts(release)
    _check_loose(release)
    _check_tables(release, pictures)
    ids = {row.id for row in release.samples.rows.values()}
    for name, key in _MAIN_LISTS if ids else ():
        found = [
            f"line {number}: {row[key]!a} is a counterfactual sample"
            for number, row in release.tree.iter_rows(name)
            if isinstance(row.get(key), str) and row[key] in ids
        ]
        release.tree.report_some(name, "splits", found)


def _check_counts(release: ReceivedRelease) -> None:
    stated = release.index.get(COUNTERFACTUALS_FOLDER)
    if release.index and stated != release.samples.counts:
        message = f"counterfactuals must be {release.samples.counts}, as its rows are"
        release.tree.report(INDEX_FILE, "counts", message)


def _check_loose(release: ReceivedRelease) -> None:
    """Report pictures that differ from their rows, and files that no row tells of."""
    tree, rows = release.tree, release.samples.rows
    tables = set(_tables(release))
    for name, row in rows.items():
        if name not in tree.files:
            if not tables:
                message = f"line {row.line}: no such picture: {name!a}"
                tree.report(COUNTERFACTUALS_FILE, "metadata", message)
        elif release.measured.get(name) != row.sha256:
            tree.report(name, "metadata", f"{COUNTERFACTUALS_FILE} has another sha256")
    for name in release.files_below(COUNTERFACTUALS_FOLDER):
        if name not in rows and name not in tables and name != COUNTERFACTUALS_FILE:
            tree.report(name, "metadata", f"{COUNTERFACTUALS_FILE} has no row for it")


def _tables(release: ReceivedRelease) -> list[str]:
    return [
        name
        for name in release.files_below(COUNTERFACTUALS_FOLDER, ".parquet")
        if not name.startswith(COUNTERFACTUAL_IMAGES)
    ]


def _check_tables(release: ReceivedRelease, pictures: PictureCheck | None) -> None:
    files, rows = _tables(release), release.samples.rows
    if not files:
        if rows and release.profile == "hub":
            message = "a hub release has its counterfactual samples there"
            release.tree.report(f"{COUNTERFACTUALS_FOLDER}/", "missing", message)
        return
    seen: set[str] = set()
    for name in files:
        try:
            faults = _form_faults(release, name)
            for row in iter_parquet_rows(release.tree.files[name]) if not faults else ():
                faults += _row_faults(release, name, row, seen, pictures)
        except ReleaseError as error:
            faults = [str(error)]
        release.tree.report_some(name, "container", faults)
    _check_names(release, files)
    lacking = [f"no table has {path!a}" for path in rows if path not in seen]
    release.tree.report_some(COUNTERFACTUALS_FILE, "container", lacking)


def _form_faults(release: ReceivedRelease, name: str) -> list[str]:
    """What is wrong with a table before its rows are read; with a fault they are not."""
    path = release.tree.files[name]
    labels = [str(each.get("slug")) for each in release.concepts]
    faults = check_parquet_form(path, COUNTERFACTUALS_TABLE_COLUMNS, labels)
    most, number = len(release.samples.rows), parquet_facts(path).rows
    return faults if number <= most else [*faults, f"has {number} rows, but there are {most}"]


def _check_names(release: ReceivedRelease, files: list[str]) -> None:
    """Report tables that are not numbered as those of a split are."""
    splits = {row.split for row in release.samples.rows.values()}
    for split in sorted(splits):
        own = [name for name in files if name.startswith(f"{COUNTERFACTUALS_FOLDER}/{split}-")]
        for number, name in enumerate(own):
            expected = parquet_name(COUNTERFACTUALS_FOLDER, split, number, len(own))
            if name != expected:
                release.tree.report(name, "container", f"its name must be {expected!a}")


def _row_faults(
    release: ReceivedRelease,
    file: str,
    row: Mapping[str, Any],
    seen: set[str],
    pictures: PictureCheck | None,
) -> Iterator[str]:
    shown, told = row[IMAGE_COLUMN.name], {**row}
    del told[IMAGE_COLUMN.name]
    path = sample_path(row["file_name"])
    known = release.samples.rows.get(path)
    if known is None or path in seen:
        yield f"{path!a}: {COUNTERFACTUALS_FILE} has no row for it, or it is there twice"
        return
    seen.add(path)
    if _digest(told) != known.digest:
        yield f"{path!a}: its row is not that of {COUNTERFACTUALS_FILE}"
    if not file.startswith(f"{COUNTERFACTUALS_FOLDER}/{known.split}-"):
        yield f"{path!a} is of split {known.split!a}, not of that in its name"
    yield from _picture_faults(path, shown, known, pictures)


def _digest(row: Mapping[str, Any]) -> bytes:
    try:
        return sample_digest(row)
    except (TypeError, ValueError):  # what JSON has no form for
        return b""


def _picture_faults(
    path: str,
    shown: Any,  # noqa: ANN401 - any value of a column of pictures
    known: ImageRow,
    pictures: PictureCheck | None,
) -> Iterator[str]:
    content = shown.get("bytes") if isinstance(shown, Mapping) else None
    if not isinstance(content, bytes) or hashlib.sha256(content).hexdigest() != known.sha256:
        yield f"{path!a}: {COUNTERFACTUALS_FILE} has another sha256"
    elif shown != picture(path, content):
        yield f"{path!a}: its picture is called {shown.get('path')!a}"
    elif pictures is not None:
        yield from (f"{path!a}: {fault}" for fault in pictures.faults(content, known))
