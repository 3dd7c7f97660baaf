"""Check the rows of metadata.jsonl: their columns, and what they say of their concepts.

That every row is true of its image is for `verify_files` and `verify_containers`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from isekai_gen.hashing import canonical_json
from isekai_gen.records import IMAGE_FORMATS
from isekai_gen.release.columns import METADATA_COLUMNS
from isekai_gen.release.containers.image_containers import container_files
from isekai_gen.release.layout import CONCEPTS_FILE, METADATA_FILE
from isekai_gen.release.tables import DIGITAL_SOURCE_TYPE
from isekai_gen.release.verification.received import ReceivedTree
from isekai_gen.release.verification.received_release import ImageRow
from isekai_gen.release.verification.verify_columns import column_faults

_REALS = tuple(column.name for column in METADATA_COLUMNS if column.kind == "real")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_IMAGE_ID = re.compile(r"[0-9a-f]{20}")
_NUMBERED = re.compile(rf"[0-9]{{4,}}({'|'.join(map(re.escape, IMAGE_FORMATS))})")
_DIGESTS = ("sha256", "pixel_sha256")
_POSITIVE = ("width", "height", "bytes")
_DRAWN_FROM = ("concept", "prompt", "negative_prompt", "template", "seed", "row")
# What a row repeats of its concept.
_OF_CONCEPT = ("name", "lcl_label", "kind", "group")


def read_images(tree: ReceivedTree, concepts: list[dict[str, Any]]) -> dict[str, ImageRow]:
    """Rows of metadata.jsonl by path; faulty ones are reported and left out.

    Args:
        tree: The folder.
        concepts: Rows of concepts.jsonl, in order.
    """
    images: dict[str, ImageRow] = {}
    ids: set[str] = set()
    # Few words, said of many images: one object each.
    words: dict[str, str] = {}
    # Only files that carry images repeat rows, and are held against digests of them.
    repeated = container_files(tree.files) > 0
    for number, row in tree.iter_rows(METADATA_FILE):
        faults = column_faults(row, METADATA_COLUMNS)
        if not faults:
            faults = _check_values(row) + _check_concept(row, concepts)
            if row["id"] in ids or row["file_name"] in images:
                faults.append("id or file_name is repeated")
            ids.add(row["id"])
            digest = row_digest(row) if repeated else b""
            images.setdefault(row["file_name"], _remembered(number, row, words, digest))
        tree.report_some(METADATA_FILE, "metadata", [f"line {number}: {each}" for each in faults])
    return images


def row_digest(row: Mapping[str, Any]) -> bytes:
    """SHA-256 of a row's canonical JSON, by which copies of it are known.

    Raises:
        TypeError: If a value has no form in JSON.
        ValueError: The same.
    """
    # JSON tells 7 from 7.0, Parquet does not.
    reals = {name: float(row[name]) for name in _REALS if type(row.get(name)) is int}
    return hashlib.sha256(canonical_json({**row, **reals}).encode()).digest()


def drawn_from(row: Mapping[str, Any]) -> int:
    """Hash, within this process, of what metadata.jsonl and prompts.jsonl both say of an image."""
    return hash(tuple(ascii(row.get(key)) for key in _DRAWN_FROM))


def _remembered(
    number: int, row: Mapping[str, Any], words: dict[str, str], digest: bytes
) -> ImageRow:
    def word(name: str) -> str:
        return words.setdefault(row[name], row[name])

    return ImageRow(
        line=number,
        id=row["id"],
        path=row["file_name"],
        split=word("split"),
        label=row["label"],
        concept=word("concept"),
        width=row["width"],
        height=row["height"],
        size=row["bytes"],
        sha256=row["sha256"],
        pixel_sha256=row["pixel_sha256"],
        duplicate_group=row["duplicate_group"],
        max_similarity=row["max_similarity"],
        drawn_from=drawn_from(row),
        digest=digest,
    )


def _check_values(row: Mapping[str, Any]) -> list[str]:
    faults = [
        f"{name} must be 64 hex digits" for name in _DIGESTS if not _DIGEST.fullmatch(row[name])
    ]
    faults += [f"{name} must be over 0" for name in _POSITIVE if row[name] <= 0]
    if not _IMAGE_ID.fullmatch(row["id"]) or not _IMAGE_ID.fullmatch(row["duplicate_group"]):
        faults.append("id and duplicate_group must be 20 hex digits")
    if row["duplicate_group"] > row["id"]:
        faults.append("duplicate_group must be the least id of its images")
    if row["digital_source_type"] != DIGITAL_SOURCE_TYPE:
        faults.append(f"digital_source_type must be {DIGITAL_SOURCE_TYPE}")
    if not row["split"]:
        faults.append("split must not be empty")
    if not _is_image_path(row["file_name"], row["concept"]):
        faults.append(f"file_name {row['file_name']!a} must be images/CONCEPT/CONCEPT-NUMBER.png")
    return faults


def _is_image_path(path: str, slug: str) -> bool:
    stem = f"images/{slug}/{slug}-"
    return path.startswith(stem) and _NUMBERED.fullmatch(path, len(stem)) is not None


def _check_concept(row: Mapping[str, Any], concepts: list[dict[str, Any]]) -> list[str]:
    label = row["label"]
    if not 0 <= label < len(concepts):
        return [f"label {label} is no row of {CONCEPTS_FILE}, counted from 0"]
    concept = concepts[label]
    if concept.get("slug") != row["concept"]:
        return [
            f"label {label} is {concept.get('slug')!a} in {CONCEPTS_FILE}, not {row['concept']!a}"
        ]
    return [
        f"{name} is not that of concept {row['concept']!a} in {CONCEPTS_FILE}"
        for name in _OF_CONCEPT
        if row[name] != concept.get(name)
    ]
