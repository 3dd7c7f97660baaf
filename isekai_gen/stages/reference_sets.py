"""Find and open the reference sets that settings name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from isekai_gen.embeddings import EmbeddingTable
from isekai_gen.errors import InputError
from isekai_gen.models.spec import starter_folder
from isekai_gen.neighbors.imagenet import imagenet_classes
from isekai_gen.neighbors.reference import (
    REFERENCE_FILE,
    load_reference,
    reference_digest,
    save_reference,
)
from isekai_gen.neighbors.reference_set import ReferenceSet
from isekai_gen.settings import STARTER
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.embed import EmbedReport, encoder_spec
from isekai_gen.stages.reference_names import embed_names
from isekai_gen.workspace import Workspace

IMAGENET_TEXT = "imagenet-1k-text"


@dataclass(frozen=True, eq=False)
class ImageReference:
    """A reference set with images, and where it lies.

    Attributes:
        folder: Of the set.
        reference: What is known of it without opening its images.
        digest: Of the whole set.
    """

    folder: Path
    reference: ReferenceSet
    digest: str


def open_reference(context: StageContext, embedded: EmbedReport) -> ReferenceSet:
    """The reference set of classes that settings name, or the encoder's default one.

    The default is the shipped set for the starter encoder, and the names of the ImageNet-1k
    classes for any other; these are embedded once, into references/.

    Raises:
        InputError: If there is no such set, another encoder made it, or its classes have no names.
        ChecksumError: If it is damaged.
    """
    named = context.settings.class_overlap.reference
    if named is None and context.settings.embed.encoder == STARTER:
        folder = starter_folder("reference")
    elif named is None or named == IMAGENET_TEXT:
        # One set for each encoder: the name of the folder carries the encoder's digest.
        folder = context.workspace.reference(f"{IMAGENET_TEXT}-{embedded.digest[:12]}")
        if not (folder / REFERENCE_FILE).exists():
            _embed_imagenet(context, embedded, folder)
    else:
        folder = find_reference(context.workspace, named)
    reference = _load_for(embedded, folder)
    if reference.text is None:
        raise InputError(
            f"reference set {folder} has no classes with names; name it with --reference-images, "
            "and one with classes with --reference"
        )
    return reference


def open_image_references(context: StageContext, embedded: EmbedReport) -> list[ImageReference]:
    """The reference sets with images that settings name; none if they name none.

    Raises:
        InputError: If one is not there, has no images, another encoder made it, or it is named
            twice.
        ChecksumError: If one is damaged.
    """
    found: list[ImageReference] = []
    for named in context.settings.reference_copy.references:
        folder = find_reference(context.workspace, named)
        reference = _load_for(embedded, folder)
        if reference.images is None:
            raise InputError(
                f"reference set {folder} has no images to compare with; make one with "
                "`isekai-gen reference add NAME --images DIR`"
            )
        digest = reference_digest(reference)
        if digest in {other.digest for other in found}:
            raise InputError(f"reference set {named!r} is named twice in --reference-images")
        found.append(ImageReference(folder, reference, digest))
    return found


def check_references(context: StageContext) -> None:
    """Raise InputError if a reference set that settings name is not there."""
    settings = context.settings
    classes = settings.class_overlap.reference
    named = [] if classes in (None, IMAGENET_TEXT) else [str(classes)]
    for name in (*named, *settings.reference_copy.references):
        find_reference(context.workspace, name)


def find_reference(workspace: Workspace, named: str) -> Path:
    """Folder of a reference set: a path, or a name below references/ of the workspace.

    Raises:
        InputError: If there is no such folder.
    """
    path = Path(named)
    if (path / REFERENCE_FILE).is_file():
        return path
    folder = workspace.reference(named)
    if folder.is_dir():
        return folder
    if path.is_dir():
        return path
    raise InputError(f"no reference set {named!r}: neither {path} nor {folder} is a folder")


@dataclass(frozen=True)
class ReferenceRow:
    """A reference set in a list.

    Attributes:
        name: Name of its folder.
        images: Single images it has.
        classes: Classes it has.
        encoder: Identity of its encoder.
        digest: Of the whole set.
    """

    name: str
    images: int
    classes: int
    encoder: str
    digest: str


def list_references(workspace: Workspace) -> list[ReferenceRow]:
    """The finished sets below references/, by name.

    Raises:
        ChecksumError: If one is damaged.
    """
    rows = []
    for path in sorted(workspace.reference("any").parent.glob(f"*/{REFERENCE_FILE}")):
        found = load_reference(path.parent)
        images = 0 if found.images is None else found.images.count
        rows.append(
            ReferenceRow(
                path.parent.name,
                images,
                len(found.classes),
                found.encoder,
                reference_digest(found),
            )
        )
    return rows


def _load_for(embedded: EmbedReport, folder: Path) -> ReferenceSet:
    reference = load_reference(folder)
    if reference.encoder != embedded.digest:
        raise InputError(
            f"reference set {folder} was made with another encoder ({reference.encoder[:12]}, "
            f"not {embedded.digest[:12]} of {embedded.encoder!r}); make it again with this one "
            "under another name, or name another set"
        )
    return reference


def _embed_imagenet(context: StageContext, embedded: EmbedReport, folder: Path) -> None:
    classes = tuple(imagenet_classes())
    spec = encoder_spec(context.settings.embed.encoder)
    vectors = embed_names(context, spec, [entry.name for entry in classes], folder / "text.npy")
    text = EmbeddingTable(tuple(entry.key for entry in classes), vectors, embedded.digest)
    reference = ReferenceSet(IMAGENET_TEXT, embedded.digest, classes, text, None, {})
    save_reference(folder, reference)
