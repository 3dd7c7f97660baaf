"""The classes that neighbor tables speak of: of a reference set, of a dataset, or names alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.embeddings import EmbeddingTable
from isekai_gen.errors import InputError
from isekai_gen.manifests.class_similarity import ConceptEmbeddings
from isekai_gen.neighbors.class_features import ClassFeatures
from isekai_gen.neighbors.image_classes import (
    ImageClass,
    ImageNetEdition,
    imagenet_wnids,
)
from isekai_gen.stages.class_embeddings import class_features, embed_names
from isekai_gen.stages.class_embeddings_encoder import class_encoder
from isekai_gen.stages.class_embeddings_files import ClassImages
from isekai_gen.stages.class_embeddings_means import embed_means
from isekai_gen.stages.class_folders import (
    ClassFolder,
    drawn_images,
    imagenet_class_names,
    open_class_folder,
    tell_unused,
)
from isekai_gen.stages.class_neighbors_tables import table_size
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.selection import Selection


@dataclass(frozen=True)
class NeighborRequest:
    """Which classes, and what is written of them.

    Attributes:
        imagenet: A dataset with a folder for each class; None for the reference set that settings
            name.
        text_only: Whether classes are compared by their names alone; without `imagenet` they are
            those of `edition`.
        edition: Of ImageNet; with `text_only` and without `imagenet` only. None for ImageNet-1k.
        class_map: A `map_clsloc.txt`, where ILSVRC2012's ids come from; None to look for it in
            `imagenet`.
        between_classes: Whether the classes of a reference set are compared among themselves,
            too; those of a dataset and names always are.
        heat_map: Whether pictures of the similarities between classes are drawn.
    """

    imagenet: Path | None = None
    text_only: bool = False
    edition: ImageNetEdition | None = None
    class_map: Path | None = None
    between_classes: bool = False
    heat_map: bool = False

    def __post_init__(self) -> None:
        if self.edition is not None and (self.imagenet is not None or not self.text_only):
            raise InputError(
                "--classes names classes to compare by their names alone; add --text-only, and "
                "leave out --imagenet"
            )

    @property
    def from_reference(self) -> bool:
        """Whether the classes are those of a reference set."""
        return self.imagenet is None and not self.text_only

    def require_class_map_of(self, classes: Sequence[ImageClass]) -> None:
        """Raise InputError if `class_map` was named, and names none of these classes."""
        if self.class_map is not None and all(entry.ilsvrc_id is None for entry in classes):
            raise InputError(
                f"--class-map {self.class_map}: names none of the {len(classes)} classes; leave it "
                "out, or name the one of this dataset"
            )


def embed_classes(context: StageContext, request: NeighborRequest) -> tuple[str, ClassFeatures]:
    """What the classes of a dataset, or names alone, are called together, and their embeddings.

    Raises:
        InputError: If the folder, the class map or the similarity cannot be used.
        ModelError: If the encoder cannot be loaded, or reads no text where text is needed.
    """
    settings = context.settings
    similarity = settings.neighbors.similarity
    name, opened = _open_classes(context, request)
    classes = opened.classes if isinstance(opened, ClassFolder) else opened
    table_size(context).check(len(classes) - 1, "each class")  # before anything is embedded
    if any(entry.wnid for entry in classes) and not any(entry.ilsvrc_id for entry in classes):
        context.reporter.note(
            "No class map: ilsvrc_id is empty in the tables; name the map_clsloc.txt of ILSVRC2012 "
            "with --class-map"
        )
    if request.text_only:
        found = class_features(context, classes, similarity=similarity or "cosine")
        return f"names of {name}", found
    found = class_features(
        context,
        opened,
        images_per_class=settings.neighbors.images_per_class,
        similarity=similarity or "lcl",
        seed=settings.generate.seed,
    )
    return name, found


def embed_concepts(
    context: StageContext, selection: Selection, features: ClassFeatures
) -> ConceptEmbeddings:
    """The concepts as the classes were embedded: bare texts, and means over kept images.

    A concept's text is its short form: what stands in prompts where a class has its name.
    """
    encoder = class_encoder(context)
    concepts = selection.catalog.concepts
    slugs = tuple(concept.slug for concept in concepts)
    text = embed_names(encoder, [concept.short for concept in concepts])
    settings = context.settings
    chosen = [
        ClassImages(
            slug,
            drawn_images(
                sorted(record.path for record in records),
                slug,
                settings.neighbors.images_per_class,
                settings.generate.seed,
            ),
        )
        for slug, records in selection.kept_by_concept().items()
        if records
    ]
    means = None
    if chosen and features.kind != "text-only":
        root = context.workspace.root.resolve()
        rows, vectors = embed_means(encoder, root, chosen, features.kind)
        means = EmbeddingTable(tuple(chosen[row].key for row in rows), vectors, encoder.identity)
    return ConceptEmbeddings(EmbeddingTable(slugs, text, encoder.identity), means)


def _open_classes(
    context: StageContext, request: NeighborRequest
) -> tuple[str, ClassFolder | tuple[ImageClass, ...]]:
    """The classes of a dataset, or of an edition of ImageNet, and what they are called together."""
    if request.imagenet is None:
        edition = request.edition or "imagenet-1k"
        names = imagenet_class_names(request.class_map)
        classes = tuple(names.name_class(wnid) for wnid in imagenet_wnids(edition))
        request.require_class_map_of(classes)
        return edition, classes
    settings = context.settings
    most, seed = settings.neighbors.images_per_class, settings.generate.seed
    folder = open_class_folder(request.imagenet, request.class_map, most_per_class=most, seed=seed)
    tell_unused(context.reporter, folder)
    return folder.root.name, folder
