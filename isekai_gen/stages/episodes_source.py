"""Where episodes come from: kept images of a workspace, or a dataset with a folder per class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isekai_gen.embeddings import EmbeddingTable, normalized
from isekai_gen.manifests.episode_source import ClassPool, EpisodeSource, barred_by_groups
from isekai_gen.neighbors.class_features import Similarity
from isekai_gen.neighbors.class_ranks import ranked_classes
from isekai_gen.records import ImageRecord
from isekai_gen.stages.class_embeddings import class_features
from isekai_gen.stages.class_folders import open_class_folder
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.curate import gather_facts
from isekai_gen.stages.dedupe import FILTER, linked_groups
from isekai_gen.stages.selection import Selection

# Twice as many as negatives are drawn from, so that classes with too few images can be passed over;
# all 21,841 ranks of ImageNet-21k's classes would not fit into memory.
_RANKS_KEPT = 200
# Float noise of another machine must not change an order: similarities are rounded, then sorted.
_DECIMALS = 6


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
    return EpisodeSource(pools, _ranked(context, kept), _barred(context, selection))


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
    images_per_class = context.settings.neighbors.images_per_class
    features = class_features(
        context, folder, images_per_class=images_per_class, similarity=similarity
    )
    pools = {
        entry.key: ClassPool(entry.key, entry.name, folder.images[entry.key])
        for entry in features.classes
    }
    ranked = {
        ranking.key: tuple(features.classes[row].key for row in ranking.order[:_RANKS_KEPT])
        for ranking in ranked_classes(features, similarity)
    }
    return EpisodeSource(pools, ranked)


def _ranked(
    context: StageContext, kept: Mapping[str, Sequence[ImageRecord]]
) -> dict[str, tuple[str, ...]]:
    """Concept slug to the other concepts, the most similar first, ties by slug."""
    if not kept:
        return {}
    embeddings = gather_facts(context).context.embeddings
    if embeddings is None:
        raise ValueError("facts without embeddings")
    slugs = sorted(kept)
    means = np.stack([_mean(embeddings, kept[slug]) for slug in slugs])
    unit = normalized(means).astype(np.float64)
    similarities = np.round(unit @ unit.T, _DECIMALS)
    orders = np.argsort(-similarities, axis=1, kind="stable")
    return {
        slug: tuple(slugs[other] for other in order if other != row)
        for row, (slug, order) in enumerate(zip(slugs, orders.tolist(), strict=True))
    }


def _mean(embeddings: EmbeddingTable, images: Sequence[ImageRecord]) -> npt.NDArray[np.float64]:
    rows = embeddings.select([image.image_id for image in images]).vectors
    mean: npt.NDArray[np.float64] = rows.astype(np.float64).mean(axis=0)
    return mean


def _barred(context: StageContext, selection: Selection) -> dict[str, frozenset[str]]:
    workspace = context.workspace
    if not workspace.parts(workspace.verdicts(FILTER)):
        return {}
    path_of = {record.image_id: record.path for record in selection.records}
    groups = linked_groups(context, selection.kept)
    return barred_by_groups(frozenset(path_of[each] for each in group) for group in groups)
