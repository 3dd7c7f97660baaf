"""neighbors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.class_folder_options import class_map_option, imagenet_option
from isekai_gen.cli.console import print_json, print_table, tell_if_starter
from isekai_gen.cli.curation_options import class_options, encoder_option, neighbor_options
from isekai_gen.cli.options import combined, common_options, open_workspace, request_option, setting

if TYPE_CHECKING:
    from isekai_gen.stages.neighbors import NeighborReport

_similarity_options = combined(
    setting(
        "--similarity",
        "neighbors.similarity",
        type=click.Choice(["lcl", "cosine"]),
        help="What ranks go by: lcl, the class similarity of Link-Context Learning, or the cosine. "
        "[default: lcl; cosine without images]",
    ),
    setting(
        "--images-per-class",
        "neighbors.images_per_class",
        type=click.IntRange(min=1),
        help="Images that the mean of a class of --imagenet is over. [default: 100]",
    ),
)
_class_options = combined(
    imagenet_option("; its classes are compared among themselves, too."),
    click.option(
        "--text-only",
        is_flag=True,
        help="Compare classes by their names alone: those of --imagenet, or of --classes.",
    ),
    request_option(
        "--classes",
        "edition",
        type=click.Choice(["imagenet-1k", "imagenet-21k"]),
        help="Whose names --text-only compares. [default: imagenet-1k]",
    ),
    class_map_option,
    click.option(
        "--between-classes",
        is_flag=True,
        help="Compare the classes of the reference set among themselves, too.",
    ),
    click.option(
        "--heat-map",
        is_flag=True,
        help="Draw the similarities between classes (needs isekai-gen[plots]).",
    ),
)


@click.command()
@neighbor_options
@_similarity_options
@_class_options
@class_options
@encoder_option
@common_options()
def neighbors(**options: Any) -> None:  # noqa: ANN401
    """Write tables of the real classes nearest to each concept, and to each other.

    A folder without images will do for --imagenet and --text-only: then there are tables of the
    classes alone.

    Example: isekai-gen neighbors --imagenet /sets/imagenet --nearest 36 --bins 36
    """
    from isekai_gen.stages.class_neighbors import NeighborRequest
    from isekai_gen.stages.neighbors import write_neighbors

    request = NeighborRequest(
        imagenet=options["imagenet"],
        text_only=options["text_only"],
        edition=options["edition"],
        class_map=options["class_map"],
        between_classes=options["between_classes"],
        heat_map=options["heat_map"],
    )
    with open_workspace(options, must_exist=request.from_reference) as context:
        tell_if_starter(context, embeds=True)
        report = write_neighbors(context, request)
    if options["as_json"]:
        print_json(
            {
                "reference": report.reference,
                "classes": report.classes,
                "between_classes": report.between_classes,
                "files": [str(path) for path in report.files],
                "nearest": [row.__dict__ for row in report.nearest],
            }
        )
    else:
        _print(report)


def _print(report: NeighborReport) -> None:
    first = [row for row in report.nearest if row.rank == 1]
    if first:
        rows = [(row.concept, row.class_name, f"{row.similarity:.3f}") for row in first]
        print_table(("concept", f"nearest class of {report.reference}", "similarity"), rows)
    if report.between_classes:
        click.echo(
            f"{report.classes} classes of {report.reference} compared ({report.between_classes})"
        )
    for path in report.files:
        click.echo(path)
