"""Tables and pictures of how similar classes are to each other, in neighbors/ of a workspace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from isekai_gen.errors import InputError
from isekai_gen.manifests.heat_map import similarity_maps, write_heat_map
from isekai_gen.manifests.neighbor_tables import TableSize
from isekai_gen.manifests.neighbor_tables_classes import write_class_tables
from isekai_gen.neighbors.class_features import ClassFeatures, Similarity, kind_of_similarity
from isekai_gen.neighbors.class_ranks import ClassRanking, ranked_classes
from isekai_gen.stages.context import StageContext
from isekai_gen.storage import storage_errors


def table_size(context: StageContext) -> TableSize:
    """How large settings want tables."""
    settings = context.settings
    return TableSize(settings.neighbors.nearest, settings.neighbors.bins, settings.generate.seed)


def chosen_similarity(context: StageContext, features: ClassFeatures) -> Similarity:
    """What ranks go by.

    Raises:
        InputError: If settings name a similarity that these classes do not have.
    """
    asked = context.settings.neighbors.similarity
    both = features.text is not None and features.images is not None
    if asked == "lcl" and not both:
        raise InputError(
            "--similarity lcl needs texts and images of every class, and there are only "
            f"{'images' if features.text is None else 'texts'}; use --similarity cosine"
        )
    return asked or ("lcl" if both else "cosine")


def write_between_classes(
    context: StageContext, features: ClassFeatures, similarity: Similarity
) -> list[Path]:
    """Write the tables of the classes among themselves; returns their paths.

    Raises:
        InputError: If there are fewer classes than settings ask for.
    """
    size = table_size(context)
    with context.reporter.task("Ranking classes", len(features.classes)) as advance:

        def rankings() -> Iterator[ClassRanking]:
            for ranking in ranked_classes(features, similarity):
                yield ranking
                advance(1)

        kind = kind_of_similarity(features, similarity)
        return write_class_tables(context.workspace.neighbors, rankings(), kind, size)


def draw_heat_maps(folder: Path, features: ClassFeatures, similarity: Similarity) -> list[Path]:
    """Draw heat-map-<which>.png for every matrix there is; returns their paths.

    Those that were drawn of other classes before are removed, so that all are of the same ones.

    Raises:
        MissingDependencyError: If matplotlib is not installed.
        StorageError: If the disk is full or read-only.
    """
    for path in folder.glob("heat-map-*.png"):
        with storage_errors(path):
            path.unlink()
    paths = []
    for heat_map in similarity_maps(features, similarity):
        paths.append(folder / f"heat-map-{heat_map.name}.png")
        write_heat_map(paths[-1], heat_map)
    return paths
