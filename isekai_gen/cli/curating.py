"""embed, dedupe, overlap, neighbors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.console import print_json, print_table
from isekai_gen.cli.curation_options import (
    duplicate_options,
    encoder_option,
    neighbor_options,
    overlap_options,
)
from isekai_gen.cli.options import common_options, open_workspace, tell_if_starter

if TYPE_CHECKING:
    from isekai_gen.stages.judging import VerdictReport

PARTLY_DONE = 3


@click.command()
@encoder_option
@common_options()
def embed(**options: Any) -> None:  # noqa: ANN401
    """Embed the generated images with an OpenCLIP encoder.

    Example: isekai-gen embed --encoder ViT-B-32/laion2b_s34b_b79k
    """
    from isekai_gen.stages.embed import embed as embed_images

    with open_workspace(options) as context:
        tell_if_starter(context, embeds=True)
        report = embed_images(context)
    if options["as_json"]:
        print_json({**report.__dict__, "failures": dict(report.failures)})
    else:
        if not report.worked:
            click.echo("Nothing to do: all images are embedded")
        click.echo(
            f"{report.embedded} images embedded by {report.encoder}, {len(report.failures)} failed"
        )
    if report.failures:
        raise click.exceptions.Exit(PARTLY_DONE)


@click.command()
@duplicate_options
@encoder_option
@common_options()
def dedupe(**options: Any) -> None:  # noqa: ANN401
    """Find near-duplicates and judge which to keep; embeds first if needed.

    Example: isekai-gen dedupe --max-similarity 0.93
    """
    from isekai_gen.stages.dedupe import dedupe as judge_duplicates

    with open_workspace(options) as context:
        tell_if_starter(context, embeds=True)
        report = judge_duplicates(context)
    if options["as_json"]:
        print_json(
            {
                **report.__dict__,
                "verdicts": {**report.verdicts.__dict__, "reasons": dict(report.verdicts.reasons)},
            }
        )
        return
    _print_verdicts(report.verdicts)
    click.echo(
        f"{report.edges} pairs at or above {report.floor:g} (all of them); limit "
        f"{report.max_similarity:g}; dropping whole connected groups but one image would drop "
        f"{report.dropped_by_components}"
    )


@click.command()
@overlap_options
@encoder_option
@common_options()
def overlap(**options: Any) -> None:  # noqa: ANN401
    """Judge fictional images by their overlap with real classes; embeds first if needed.

    Example: isekai-gen overlap --max-margin 0.02
    """
    from isekai_gen.stages.overlap import judge_overlap
    from isekai_gen.stages.selection import refresh_verdicts

    with open_workspace(options) as context:
        tell_if_starter(context, embeds=True)
        report = judge_overlap(context)
        refresh_verdicts(context)
    if options["as_json"]:
        print_json({**report.__dict__, "reasons": dict(report.reasons)})
    else:
        _print_verdicts(report)


@click.command()
@neighbor_options
@overlap_options
@encoder_option
@common_options()
def neighbors(**options: Any) -> None:  # noqa: ANN401
    """Write tables of the real classes nearest to each concept.

    Example: isekai-gen neighbors --nearest 10
    """
    from isekai_gen.stages.neighbors import write_neighbors

    with open_workspace(options) as context:
        tell_if_starter(context, embeds=True)
        report = write_neighbors(context)
    first = [row for row in report.nearest if row.rank == 1]
    if options["as_json"]:
        print_json(
            {
                "reference": report.reference,
                "files": [str(path) for path in report.files],
                "nearest": [row.__dict__ for row in report.nearest],
            }
        )
        return
    rows = [(row.concept, row.class_name, f"{row.similarity:.3f}") for row in first]
    print_table(("concept", f"nearest class of {report.reference}", "similarity"), rows)
    for path in report.files:
        click.echo(path)


def _print_verdicts(report: VerdictReport) -> None:
    if not report.decided:
        click.echo("Nothing to do: the verdicts are up to date")
    click.echo(f"{report.by}: {report.judged} judged, {report.dropped} dropped")
    for reason, number in report.reasons.items():
        click.echo(f"  {reason}: {number}")
