"""Check the rows of counterfactuals/metadata.jsonl, and what they say of released images."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from isekai_gen.hashing import canonical_json
from isekai_gen.release.counterfactual_columns import COUNTERFACTUAL_COLUMNS
from isekai_gen.release.counterfactual_samples import (
    count_samples,
    right_answer,
    sample_file_name,
    sample_path,
)
from isekai_gen.release.layout import CONCEPTS_FILE, COUNTERFACTUALS_FILE
from isekai_gen.release.verification.received import ReceivedTree
from isekai_gen.release.verification.received_release import ImageRow, ReceivedSamples
from isekai_gen.release.verification.verify_columns import column_faults

_ID = re.compile(r"[0-9a-f]{20}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
# Kept: whether the concept is then the right answer.
_LABEL_STANDS = {"object": True, "context": False}
# Refill to the least and the most fillers.
_FILLERS = {"none": (0, 0), "inpaint": (0, 0), "single": (1, 1), "multi": (2, None)}
_REALS = tuple(column.name for column in COUNTERFACTUAL_COLUMNS if column.kind == "real")


def read_samples(
    tree: ReceivedTree,
    concepts: Sequence[Mapping[str, Any]],
    image_by_id: Mapping[str, ImageRow],
) -> ReceivedSamples:
    """Rows of counterfactuals/metadata.jsonl by path; faulty ones are reported.

    Args:
        tree: The folder; without that file there are no samples.
        concepts: Rows of concepts.jsonl, in order.
        image_by_id: The images of this release.
    """
    if COUNTERFACTUALS_FILE not in tree.files:
        return ReceivedSamples()
    rows: dict[str, ImageRow] = {}
    counted = []
    for number, row in tree.iter_rows(COUNTERFACTUALS_FILE):
        faults = column_faults(row, COUNTERFACTUAL_COLUMNS)
        straddling: list[str] = []
        if not faults:
            path = sample_path(row["file_name"])
            faults = [*_check_values(row), *_check_mask(row), *_check_refill(row)]
            faults += _check_concept(row, concepts)
            faults += _check_sources(row, image_by_id)
            straddling = list(_check_splits(row, image_by_id))
            if path in rows:
                faults.append("id or file_name is repeated")
            rows.setdefault(path, _remembered(number, path, row))
            counted.append({"kept": row["kept"], "split": row["split"]})
        for rule, found in (("metadata", faults), ("splits", straddling)):
            tree.report_some(COUNTERFACTUALS_FILE, rule, [f"line {number}: {x}" for x in found])
    return ReceivedSamples(rows, count_samples(counted))


def sample_digest(row: Mapping[str, Any]) -> bytes:
    """SHA-256 of a row's canonical JSON, by which its copy in Parquet is known.

    Raises:
        TypeError: If a value has no form in JSON.
        ValueError: The same.
    """
    reals = {name: float(row[name]) for name in _REALS}
    return hashlib.sha256(canonical_json({**row, **reals}).encode()).digest()


def _remembered(number: int, path: str, row: Mapping[str, Any]) -> ImageRow:
    return ImageRow(
        line=number,
        id=row["id"],
        path=path,
        split=row["split"],
        label=row["label"],
        concept=row["concept"],
        width=row["width"],
        height=row["height"],
        size=0,
        sha256=row["sha256"],
        pixel_sha256=row["pixel_sha256"],
        duplicate_group="",
        max_similarity=None,
        drawn_from=0,
        digest=sample_digest(row),
    )


def _check_values(row: Mapping[str, Any]) -> Iterator[str]:
    if not _ID.fullmatch(row["id"]):
        yield "id must be 20 hex digits"
    if not _DIGEST.fullmatch(row["sha256"]) or not _DIGEST.fullmatch(row["pixel_sha256"]):
        yield "sha256 and pixel_sha256 must be 64 hex digits"
    if row["file_name"] != sample_file_name(row["concept"], row["id"]):
        yield f"file_name {row['file_name']!a} must be images/CONCEPT/ID.png"
    if _LABEL_STANDS.get(row["kept"]) is not row["label_stands"]:
        yield "kept must be object where the label stands, and context where it does not"
    if row["answer"] != right_answer(row["lcl_label"], label_stands=row["label_stands"]):
        yield f"answer {row['answer']!a} does not fit the label and whether it stands"
    if min(row["width"], row["height"]) <= 0:
        yield "width and height must be over 0"


def _check_mask(row: Mapping[str, Any]) -> Iterator[str]:
    if not 0 < row["mask_rate"] < 1 or not 0 <= row["limit"] < 1 or row["seed"] < 0:
        yield "mask_rate, limit or seed is out of range"
    if (row["method"] == "random") != bool(row["area_from"]):
        yield "area_from is for random masks, and they need it"
    if not row["method"]:
        yield "method must not be empty"


def _check_refill(row: Mapping[str, Any]) -> Iterator[str]:
    least, most = _FILLERS.get(row["refill"], (1, 0))
    count = len(row["fillers"])
    if count < least or (most is not None and count > most):
        yield f"refill {row['refill']!a} cannot have {count} fillers"
    if bool(row["filler_source"]) != bool(count):
        yield "filler_source is for samples with fillers, and they need it"


def _check_concept(row: Mapping[str, Any], concepts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    label = row["label"]
    concept = concepts[label] if 0 <= label < len(concepts) else {}
    if (row["concept"], row["lcl_label"]) != (concept.get("slug"), concept.get("lcl_label")):
        yield f"label, concept and lcl_label are not those of one row of {CONCEPTS_FILE}"


def _check_sources(row: Mapping[str, Any], image_by_id: Mapping[str, ImageRow]) -> Iterator[str]:
    if row["id"] in image_by_id:
        yield f"{row['id']!a} is an image of this release, and no sample can be one"
    source = image_by_id.get(row["source"])
    if source is None:
        yield f"source {row['source']!a} is no image of this release"
    elif source.label != row["label"]:
        yield f"source {row['source']!a} is of another concept"
    for filler in row["fillers"]:
        if filler not in image_by_id:
            yield f"filler {filler!a} is no image of this release"
    if len({row["source"], *row["fillers"]}) != 1 + len(row["fillers"]):
        yield "fillers repeat, or are the source itself"


def _check_splits(row: Mapping[str, Any], image_by_id: Mapping[str, ImageRow]) -> Iterator[str]:
    for image_id in (row["source"], *row["fillers"]):
        image = image_by_id.get(image_id)
        if image is not None and image.split != row["split"]:
            yield f"is of split {row['split']!a}, but {image_id!a} is of {image.split!a}"
