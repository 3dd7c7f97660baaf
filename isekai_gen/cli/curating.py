"""embed, overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.console import print_json, tell_if_starter
from isekai_gen.cli.curation_options import encoder_option, overlap_options
from isekai_gen.cli.failures import PARTLY_DONE
from isekai_gen.cli.options import common_options, open_workspace

if TYPE_CHECKING:
    from isekai_gen.stages.judging import VerdictReport


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
@overlap_options
@encoder_option
@common_options()
def overlap(**options: Any) -> None:  # noqa: ANN401
    """Judge images by their overlap with the real world, and report how new each concept is.

    Fictional images get three verdicts: by name, by single real images (with --reference-images)
    and by real classes. All images are measured against their own concept. Embeds first if needed.

    Example: isekai-gen overlap --reference-images imagenet
    """
    from isekai_gen.stages.overlap_report import judge_and_report
    from isekai_gen.stages.selection import refresh_verdicts

    with open_workspace(options) as context:
        tell_if_starter(context, embeds=True)
        outcome = judge_and_report(context)
        refresh_verdicts(context)
    if options["as_json"]:
        print_json(outcome.to_json())
        return
    if not outcome.worked:
        click.echo("Nothing to do: verdicts and reports are up to date")
    for report in outcome.overlap.verdicts:
        _print_verdicts(report)
    for path in outcome.files:
        click.echo(path)


def _print_verdicts(report: VerdictReport) -> None:
    click.echo(f"{report.by}: {report.judged} judged, {report.dropped} dropped")
    for reason, number in report.reasons.items():
        click.echo(f"  {reason}: {number}")
