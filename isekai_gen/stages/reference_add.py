"""Make a reference set of real images: their embeddings, names and digests; never their pixels."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isekai_gen.embeddings import EmbeddingTable
from isekai_gen.errors import InputError
from isekai_gen.hashing import digest_of
from isekai_gen.models.encoder_files import identify_encoder
from isekai_gen.models.spec import EncoderSpec
from isekai_gen.neighbors.reference import REFERENCE_FILE, load_reference, save_reference
from isekai_gen.neighbors.reference_classes import (
    NO_CLASS,
    quantiles_by_key,
    sizes_by_key,
    summarize_classes,
)
from isekai_gen.neighbors.reference_images import write_images
from isekai_gen.neighbors.reference_set import ImageFiles, ReferenceClass, ReferenceSet
from isekai_gen.neighbors.vectors import ArrayVectors
from isekai_gen.prompts.imagenet_names import read_imagenet_names
from isekai_gen.records import SCHEMA
from isekai_gen.shards import encode_lines
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.embed import main_encoder_spec
from isekai_gen.stages.embed_pictures import EmbeddedPictures, embed_pictures
from isekai_gen.stages.picture_sources import PictureSource, open_source
from isekai_gen.stages.reference_names import embed_names
from isekai_gen.storage import write_atomically
from isekai_gen.workspace import folder_name

FAILURES_FILE = "failures.jsonl"
# A prototype is judged by how similar images are to that of the others.
_FEWEST_IMAGES = 2
_WNID = re.compile(r"n\d{8}")


@dataclass(frozen=True)
class ReferenceReport:
    """A reference set that was made, or was there.

    Attributes:
        name: Its name.
        folder: Where it lies.
        encoder: Label of the encoder.
        images: Images it has.
        classes: Classes it has.
        skipped_classes: Classes left out for want of a second image; their images are in.
        failed: Pictures that could not be used; failures.jsonl says why.
        worked: Whether anything was left to do.
    """

    name: str
    folder: Path
    encoder: str
    images: int
    classes: int
    skipped_classes: tuple[str, ...]
    failed: int
    worked: bool


def add_reference(context: StageContext, name: str, images: Path) -> ReferenceReport:
    """Embed pictures and keep what is needed of them in references/<name>/.

    Pictures in folders of classes (ImageNet's layout) make classes with prototypes. An interrupted
    run goes on where it was. The caller holds the workspace's lock.

    Args:
        context: The workspace; the encoder is that of its settings.
        name: Of the set: letters, digits, dots, dashes and underscores.
        images: A folder, tar shards or Parquet files (`open_source`).

    Raises:
        InputError: If the name is no plain name, there are no pictures, or another set has it.
        ModelError: If the encoder cannot be found or loaded.
    """
    if not name or folder_name(name) != name or "/" in name:
        raise InputError(
            f"{name!r} cannot name a reference set; use letters, digits, dots, dashes and "
            "underscores, beginning and ending with a letter or digit"
        )
    spec = main_encoder_spec(context.settings.embed.encoder)
    folder = context.workspace.reference(name)
    source = open_source(images)
    known = _known(folder, spec, source)
    if known is not None:
        return _report(folder, spec, known, source, worked=False)
    embedded = embed_pictures(context, source, spec, folder, hashes=False)
    reference = _build(context, folder, spec, embedded, _digest(source))
    lines = [{"schema": SCHEMA, "key": k, "reason": r} for k, r in embedded.failures.items()]
    write_atomically(folder / FAILURES_FILE, encode_lines(lines))
    save_reference(folder, reference)
    # What resumes an interrupted run is of no more use.
    shutil.rmtree(folder / "work")
    return _report(folder, spec, reference, source, worked=True)


def _known(folder: Path, spec: EncoderSpec, source: PictureSource) -> ReferenceSet | None:
    """The set in `folder` if it was made of these pictures; None if there is none yet."""
    if not (folder / REFERENCE_FILE).exists():
        return None
    reference = load_reference(folder)
    digest = identify_encoder(spec)
    what = ""
    if reference.encoder != digest:
        what = f"made with another encoder ({reference.encoder[:12]}, not {digest[:12]})"
    elif reference.images is None or reference.images.source != _digest(source):
        what = f"made of other pictures than those in {source.path}"
    if what:
        raise InputError(
            f"{folder} holds a reference set {what}, and those are never changed; choose another "
            "name, or delete the folder"
        )
    return reference


def _digest(source: PictureSource) -> str:
    """Of the pictures' names, classes and sizes; it tells another source without reading it."""
    return digest_of([[place.key, place.label, place.size] for place in source.places])


def _build(
    context: StageContext, folder: Path, spec: EncoderSpec, embedded: EmbeddedPictures, source: str
) -> ReferenceSet:
    if embedded.vectors is None:
        raise ValueError("pictures without embeddings")
    vectors = ArrayVectors(embedded.vectors)
    columns = (embedded.keys, embedded.labels, embedded.byte_sha256, embedded.pixel_sha256)
    files: ImageFiles = write_images(folder, vectors, columns, source)
    counts = Counter(label for label in embedded.labels if label)
    keys = tuple(sorted(label for label, count in counts.items() if count >= _FEWEST_IMAGES))
    if not keys:
        return ReferenceSet(folder.name, embedded.encoder, (), None, None, {}, images=files)
    number_of = {key: number for number, key in enumerate(keys)}
    class_of = np.array([number_of.get(label, NO_CLASS) for label in embedded.labels], np.int64)
    summary = summarize_classes(vectors, class_of, len(keys))
    classes = class_entries(keys)
    names = embed_names(context, spec, [entry.name for entry in classes], folder / "text.npy")
    return ReferenceSet(
        folder.name,
        embedded.encoder,
        classes,
        EmbeddingTable(keys, names, embedded.encoder),
        EmbeddingTable(keys, summary.prototypes, embedded.encoder),
        quantiles_by_key(keys, summary),
        sizes_by_key(keys, summary),
        files,
    )


def class_entries(keys: Sequence[str]) -> tuple[ReferenceClass, ...]:
    """Classes named by their folders: a wnid's name is ImageNet's, any other is its own."""
    wnids = [key for key in keys if _WNID.fullmatch(key)]
    lemmas = read_imagenet_names().lemmas if wnids else {}
    curated: dict[str, str] = {}
    if wnids:
        from isekai_gen.neighbors.imagenet import imagenet_classes

        curated = {entry.wnid: entry.name for entry in imagenet_classes()}
    entries = []
    for key in keys:
        if key in lemmas:
            entries.append(ReferenceClass(key, curated.get(key, lemmas[key][0]), key))
        else:
            name = re.sub(r"[_-]+", " ", key).strip()
            entries.append(ReferenceClass(key, name or key, ""))
    return tuple(entries)


def _report(
    folder: Path,
    spec: EncoderSpec,
    reference: ReferenceSet,
    source: PictureSource,
    *,
    worked: bool,
) -> ReferenceReport:
    labels = {place.label for place in source.places if place.label}
    images = 0 if reference.images is None else reference.images.count
    return ReferenceReport(
        name=folder.name,
        folder=folder,
        encoder=spec.label,
        images=images,
        classes=len(reference.classes),
        skipped_classes=tuple(sorted(labels - {entry.key for entry in reference.classes})),
        failed=len(source.places) + len(source.refused) - images,
        worked=worked,
    )
