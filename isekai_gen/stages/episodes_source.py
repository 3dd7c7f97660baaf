"""Where episodes come from: kept images of a workspace, or a dataset with a folder per class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from isekai_gen.manifests.episode_source import ClassPool, EpisodeSource, barred_by_groups
from isekai_gen.neighbors.class_features import ClassFeatures, Similarity
from isekai_gen.neighbors.class_ranks import ranked_classes
from isekai_gen.neighbors.image_classes import ImageClass
from isekai_gen.records import ImageRecord
from isekai_gen.stages.class_embeddings import class_features
from isekai_gen.stages.class_folders import open_class_folder, tell_unused
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.curate import gather_facts
from isekai_gen.stages.dedupe import FILTER, linked_groups
from isekai_gen.stages.kept_means import kept_means
from isekai_gen.stages.selection import Selection

# Twice as many as negatives are drawn from, so that classes with too few images can be passed over;
# all 21,841 ranks of ImageNet-21k's classes would not fit into memory.
_RANKS_KEPT = 200


def kept_source(context: StageContext, selection: Selection) -> EpisodeSource:
    """The kept images of all concepts; concepts are ranked by the cosine of their image means.

    Concepts without a kept image are left out. Images are embedded first where needed. Kept images
    that are near-duplicates all the same, as people decided, bar each other. The caller holds the
    workspace's lock.
    """
    kept = {slug: images for slug, images in selection.kept_by_concept().items() if images}
    names = {concept.slug: concept.name for concept in selection.catalog.concepts}
    pools = {
        slug: ClassPool(slug, names[slug], tuple(sorted(image.path for image in images)))
        for slug, images in kept.items()
    }
    return EpisodeSource(pools, _ranked_concepts(context, kept), _barred(context, selection))


def class_folder_source(
    context: StageContext, root: Path, class_map: Path | None, similarity: Similarity
) -> EpisodeSource:
    """All images of a dataset such as ImageNet, its classes ranked by similarity.

    No near-duplicates are known there. Classes of which no image can be opened are left out.

    Args:
        context: Whose encoder embeds images of each class, up to `neighbors.images_per_class`.
        root: A folder with a folder of images for each class, or ImageNet's with train/.
        class_map: ImageNet's map_clsloc.txt, for its names; None to look for one in `root`.
        similarity: "lcl" (that of Link-Context Learning) or "cosine".

    Raises:
        InputError: If the folder is no such dataset.
        ModelError: If the encoder cannot be loaded, or reads no text where "lcl" needs it.
    """
    folder = open_class_folder(root, class_map)
    tell_unused(context.reporter, folder)
    images_per_class = context.settings.neighbors.images_per_class
    features = class_features(
        context, folder, images_per_class=images_per_class, similarity=similarity
    )
    pools = {
        entry.key: ClassPool(entry.key, entry.name, folder.images[entry.key])
        for entry in features.classes
    }
    return EpisodeSource(pools, _ranked(features, similarity))


def _ranked(features: ClassFeatures, similarity: Similarity) -> dict[str, tuple[str, ...]]:
    """Key of each class to those of the classes most similar to it, nearest first."""
    return {
        ranking.key: tuple(features.classes[row].key for row in ranking.order[:_RANKS_KEPT])
        for ranking in ranked_classes(features, similarity)
    }


def _ranked_concepts(
    context: StageContext, kept: Mapping[str, Sequence[ImageRecord]]
) -> dict[str, tuple[str, ...]]:
    if not kept:
        return {}
    embeddings = gather_facts(context).context.embeddings
    means = None if embeddings is None else kept_means(embeddings, kept)
    if means is None:
        raise ValueError("facts without embeddings")
    concepts = tuple(ImageClass(slug, slug) for slug in means.ids)
    features = ClassFeatures(concepts, None, means.vectors, "cosine", means.encoder)
    return _ranked(features, "cosine")


def _barred(context: StageContext, selection: Selection) -> dict[str, frozenset[str]]:
    workspace = context.workspace
    if not workspace.parts(workspace.verdicts(FILTER)):
        return {}
    path_of = {record.image_id: record.path for record in selection.records}
    groups = linked_groups(context, selection.kept)
    return barred_by_groups(frozenset(path_of[each] for each in group) for group in groups)
