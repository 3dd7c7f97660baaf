"""Reference sets: what the real world looks like to an encoder, without any of its images.

A reference set has classes, an embedding of each class's name (text) and, where real images were
at hand, a prototype of each class with how similar its own images are to it. On disk it is a
folder of two arrays and a JSON file with the digest of all; once written it is never changed.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isekai_gen.embeddings import EmbeddingTable, FloatArray, normalized
from isekai_gen.errors import ChecksumError, InputError
from isekai_gen.hashing import canonical_json, digest_of
from isekai_gen.neighbors.similarity import pair_similarities
from isekai_gen.storage import write_atomically

OWN_QUANTILES = (0.05, 0.25, 0.5)
_SCHEMA = 1
_JSON_FILE = "reference.json"
_TEXT_FILE = "text.npy"
_PROTOTYPES_FILE = "prototypes.npy"


@dataclass(frozen=True)
class ReferenceClass:
    """A class of a reference set.

    Attributes:
        key: Unique within the set; names are not ("crane" is two classes of ImageNet).
        name: For people and prompts.
        wnid: WordNet id ("n02119789"), or "".
    """

    key: str
    name: str
    wnid: str


@dataclass(frozen=True, eq=False)
class ReferenceSet:
    """Classes of the real world as seen by one encoder.

    Attributes:
        name: Such as "imagenet-1k".
        encoder: Identity of the encoder.
        classes: In a fixed order; keys are distinct.
        text: Embedding of each class's name, ids = class keys in order; or None.
        prototypes: Embedding of each class's images, ids = class keys in order; or None.
        own_similarity: Class key to the OWN_QUANTILES of the similarity of the class's own images
            to its prototype; empty without prototypes.
    """

    name: str
    encoder: str
    classes: tuple[ReferenceClass, ...]
    text: EmbeddingTable | None
    prototypes: EmbeddingTable | None
    own_similarity: Mapping[str, tuple[float, ...]]

    def __post_init__(self) -> None:
        keys = tuple(entry.key for entry in self.classes)
        if not keys or len(set(keys)) != len(keys):
            raise ValueError(f"reference {self.name!r} must have classes with distinct keys")
        if self.text is None and self.prototypes is None:
            raise ValueError(f"reference {self.name!r} has neither text nor prototypes")
        for what, table in (("text", self.text), ("prototypes", self.prototypes)):
            if table is not None and (table.ids != keys or table.encoder != self.encoder):
                raise ValueError(
                    f"{what} of reference {self.name!r} must have the ids of its classes, in "
                    f"order, and encoder {self.encoder!r}"
                )
        expected = set(keys) if self.prototypes is not None else set()
        if set(self.own_similarity) != expected or any(
            len(quantiles) != len(OWN_QUANTILES) for quantiles in self.own_similarity.values()
        ):
            raise ValueError(
                f"own_similarity of reference {self.name!r} must have {len(OWN_QUANTILES)} "
                "quantiles for every class with a prototype"
            )


def build_reference(
    name: str,
    encoder_label: str,
    classes: Sequence[ReferenceClass],
    text_vectors: npt.ArrayLike | None,
    image_vectors_by_class: Mapping[str, npt.ArrayLike],
) -> ReferenceSet:
    """A reference set from the embeddings of class names and of real images.

    A class's prototype is the normalized mean of its images' embeddings. Its own similarities
    compare each image with the prototype of the *others*: an image that helped to make the
    prototype lies nearer to it than a new image of the class would.

    Args:
        name: Name of the set.
        encoder_label: Identity of the encoder.
        classes: In the order of `text_vectors`.
        text_vectors: Shape (classes, d), need not be normalized; None without names.
        image_vectors_by_class: Class key to shape (images >= 2, d); empty without images,
            otherwise every class.

    Raises:
        ValueError: If a class has no images while others do, has only one, or a vector is zero.
    """
    keys = tuple(entry.key for entry in classes)
    text = None
    if text_vectors is not None:
        text = EmbeddingTable(keys, normalized(text_vectors), encoder_label)
    prototypes = None
    own: dict[str, tuple[float, ...]] = {}
    if image_vectors_by_class:
        if set(image_vectors_by_class) != set(keys):
            differing = sorted(set(image_vectors_by_class) ^ set(keys))
            raise ValueError(
                f"either every class has images or none: {', '.join(differing[:5])} differ"
            )
        made = [_prototype(key, image_vectors_by_class[key]) for key in keys]
        prototypes = EmbeddingTable(keys, np.stack([row for row, _ in made]), encoder_label)
        own = {key: quantiles for key, (_, quantiles) in zip(keys, made, strict=True)}
    return ReferenceSet(name, encoder_label, tuple(classes), text, prototypes, own)


def _prototype(key: str, vectors: npt.ArrayLike) -> tuple[FloatArray, tuple[float, ...]]:
    """A class's prototype and the quantiles of its images' similarity to it."""
    rows = normalized(vectors)
    if len(rows) < 2:
        raise ValueError(f"class {key} has {len(rows)} image(s); at least 2 are needed")
    # numpy's sum over axis 0 adds row after row in order, so it has the same bits everywhere.
    total = rows.astype(np.float64).sum(axis=0)
    others = normalized(total - rows)
    quantiles = np.quantile(pair_similarities(rows, others), OWN_QUANTILES)
    return normalized(total[None])[0], tuple(float(value) for value in quantiles)


def reference_digest(reference: ReferenceSet) -> str:
    """SHA-256 (64 hex digits) over everything in the set; what a recipe fingerprint names."""
    return digest_of(_description(reference, _array_files(reference)))


def save_reference(folder: Path, reference: ReferenceSet) -> None:
    """Write the set into `folder`; the JSON file, written last, makes it valid.

    Saving the same set again changes nothing.

    Raises:
        InputError: If the folder already holds another reference set.
        ChecksumError: If it holds a damaged one.
        StorageError: If the disk is full or read-only.
    """
    files = _array_files(reference)
    description = _description(reference, files)
    digest = digest_of(description)
    if (folder / _JSON_FILE).exists():
        if reference_digest(load_reference(folder)) != digest:
            raise InputError(
                f"{folder} already holds another reference set, and those are never changed; "
                "choose another name, or delete the folder"
            )
        return
    for file_name, content in files.items():
        write_atomically(folder / file_name, content)
    text = canonical_json({**description, "digest": digest}) + "\n"
    write_atomically(folder / _JSON_FILE, text.encode())


def load_reference(folder: Path) -> ReferenceSet:
    """The set that `save_reference` wrote.

    Raises:
        InputError: If there is none in `folder`.
        ChecksumError: If its content is not what was written.
    """
    path = folder / _JSON_FILE
    if not path.is_file():
        raise InputError(f"no reference set in {folder}; name another --reference")
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
        digest = row.pop("digest")
        if digest_of(row) != digest or row["schema"] != _SCHEMA:
            raise ValueError("its digest or schema does not match")
        # Nothing but our own two names is ever opened, whatever the JSON says.
        if not set(row["files"]) <= {_TEXT_FILE, _PROTOTYPES_FILE}:
            raise ValueError("it names unknown files")
        tables = {
            name: _load_table(folder / name, sha256, row) for name, sha256 in row["files"].items()
        }
        return ReferenceSet(
            name=row["name"],
            encoder=row["encoder"],
            classes=tuple(ReferenceClass(**entry) for entry in row["classes"]),
            text=tables.get(_TEXT_FILE),
            prototypes=tables.get(_PROTOTYPES_FILE),
            own_similarity={key: tuple(values) for key, values in row["own_similarity"].items()},
        )
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ChecksumError(
            f"reference set {folder} is damaged ({error}); delete it and make it again"
        ) from error


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
    return {
        "schema": _SCHEMA,
        "name": reference.name,
        "encoder": reference.encoder,
        "classes": [asdict(entry) for entry in reference.classes],
        "own_similarity": {key: list(value) for key, value in reference.own_similarity.items()},
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
