"""Reference sets on disk: a folder of arrays and a JSON file with the digest of all.

    text.npy         float32 [classes, d]: the classes' names
    prototypes.npy   float32 [classes, d]: their images' prototypes
    images.npy, images.parquet   embeddings and names of single images (`reference_images`)
    reference.json   the rest, written last: it makes the set valid

Any of the arrays may be missing. Once written, a set is never changed.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from isekai_gen.embeddings import EmbeddingTable
from isekai_gen.errors import ChecksumError, InputError
from isekai_gen.hashing import canonical_json, digest_of
from isekai_gen.neighbors.reference_classes import build_reference
from isekai_gen.neighbors.reference_images import IMAGE_FILES
from isekai_gen.neighbors.reference_set import (
    OWN_QUANTILES,
    ImageFiles,
    ReferenceClass,
    ReferenceSet,
)
from isekai_gen.storage import write_atomically

__all__ = [
    "OWN_QUANTILES",
    "REFERENCE_FILE",
    "ReferenceClass",
    "ReferenceSet",
    "build_reference",
    "load_reference",
    "reference_digest",
    "save_reference",
]

REFERENCE_FILE = "reference.json"
_TEXT_FILE = "text.npy"
_PROTOTYPES_FILE = "prototypes.npy"
# 1: own similarities at OWN_QUANTILES, no single images. 2: at FINE_QUANTILES.
_COARSE, _FINE = 1, 2


def reference_digest(reference: ReferenceSet) -> str:
    """SHA-256 (64 hex digits) over everything in the set; what a recipe fingerprint names."""
    return digest_of(_description(reference, _array_files(reference)))


def save_reference(folder: Path, reference: ReferenceSet) -> None:
    """Write the set into `folder`; the JSON file, written last, makes it valid.

    Its images, if it has any, are there already (`reference_images.write_images`). Saving the same
    set again changes nothing.

    Raises:
        InputError: If the folder already holds another reference set.
        ChecksumError: If it holds a damaged one.
        StorageError: If the disk is full or read-only.
    """
    files = _array_files(reference)
    description = _description(reference, files)
    digest = digest_of(description)
    if (folder / REFERENCE_FILE).exists():
        if reference_digest(load_reference(folder)) != digest:
            raise InputError(
                f"{folder} already holds another reference set, and those are never changed; "
                "choose another name, or delete the folder"
            )
        return
    for file_name, content in files.items():
        write_atomically(folder / file_name, content)
    text = canonical_json({**description, "digest": digest}) + "\n"
    write_atomically(folder / REFERENCE_FILE, text.encode())


def load_reference(folder: Path) -> ReferenceSet:
    """The set that `save_reference` wrote; its images are looked at when they are opened.

    Raises:
        InputError: If there is none in `folder`.
        ChecksumError: If its content is not what was written.
    """
    path = folder / REFERENCE_FILE
    if not path.is_file():
        raise InputError(f"no reference set in {folder}; name another --reference")
    try:
        text = path.read_text(encoding="utf-8")
        row = json.loads(text)
        # A number may have other digits and the same value: its digest alone would not tell.
        if text != canonical_json(row) + "\n":
            raise ValueError(f"{REFERENCE_FILE} is not what was written")
        digest = row.pop("digest")
        if digest_of(row) != digest or row["schema"] not in (_COARSE, _FINE):
            raise ValueError("its digest or schema does not match")
        return _reference_of(folder, row)
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ChecksumError(
            f"reference set {folder} is damaged ({error}); delete it and make it again"
        ) from error


def _reference_of(folder: Path, row: Mapping[str, Any]) -> ReferenceSet:
    # Nothing but our own names is ever opened, whatever the JSON says.
    if not set(row["files"]) <= {_TEXT_FILE, _PROTOTYPES_FILE}:
        raise ValueError("it names unknown files")
    tables = {
        name: _load_table(folder / name, sha256, row) for name, sha256 in row["files"].items()
    }
    own = {key: tuple(values) for key, values in row["own_similarity"].items()}
    return ReferenceSet(
        name=str(row["name"]),
        encoder=row["encoder"],
        classes=tuple(ReferenceClass(**entry) for entry in row["classes"]),
        text=tables.get(_TEXT_FILE),
        prototypes=tables.get(_PROTOTYPES_FILE),
        own_similarity=own,
        own_images=dict(row.get("own_images", {})),
        images=_image_files(row.get("images")),
    )


def _image_files(row: Mapping[str, Any] | None) -> ImageFiles | None:
    if row is None:
        return None
    files = ImageFiles(**row)
    if set(files.sha256) != set(IMAGE_FILES):
        raise ValueError("it names unknown files")
    return files


def _load_table(path: Path, sha256: str, row: Mapping[str, Any]) -> EmbeddingTable:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(f"{path.name} is not what was written")
    vectors = np.load(io.BytesIO(content), allow_pickle=False)
    return EmbeddingTable(tuple(entry["key"] for entry in row["classes"]), vectors, row["encoder"])


def _array_files(reference: ReferenceSet) -> dict[str, bytes]:
    files = {}
    tables = ((_TEXT_FILE, reference.text), (_PROTOTYPES_FILE, reference.prototypes))
    for file_name, table in tables:
        if table is not None:
            buffer = io.BytesIO()
            np.save(buffer, np.ascontiguousarray(table.vectors), allow_pickle=False)
            files[file_name] = buffer.getvalue()
    return files


def _description(reference: ReferenceSet, files: Mapping[str, bytes]) -> dict[str, Any]:
    shared = {
        "schema": _COARSE,
        "name": reference.name,
        "encoder": reference.encoder,
        "classes": [asdict(entry) for entry in reference.classes],
        "own_similarity": {key: list(value) for key, value in reference.own_similarity.items()},
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    # A set of before keeps its digest, and names alone are described as they always were.
    if reference.images is None and reference.quantile_grid in ((), OWN_QUANTILES):
        return shared
    return {
        **shared,
        "schema": _FINE,
        "own_images": dict(reference.own_images),
        "images": None if reference.images is None else asdict(reference.images),
    }
