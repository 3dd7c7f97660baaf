"""counterfactuals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.console import print_json, tell_if_starter
from isekai_gen.cli.curation_options import encoder_option
from isekai_gen.cli.failures import PARTLY_DONE
from isekai_gen.cli.option_types import OutputFile, RealOrDefault
from isekai_gen.cli.options import (
    combined,
    common_options,
    open_workspace,
    request_option,
    setting,
    was_given,
)

if TYPE_CHECKING:
    from isekai_gen.settings import CounterfactualSettings
    from isekai_gen.stages.counterfactuals import CounterfactualReport

_TWIN = "ISEKAI_GEN_COUNTERFACTUALS_"
_sample_options = combined(
    setting(
        "--per-image",
        "counterfactuals.per_image",
        type=click.IntRange(min=1),
        envvar=f"{_TWIN}PER_IMAGE",
        help="Samples of each kind of every kept image. [default: 1]",
    ),
    setting(
        "--kept",
        "counterfactuals.kept",
        type=click.Choice(["object", "context"]),
        multiple=True,
        envvar=f"{_TWIN}KEPT",
        help="Which factor stays; may be repeated. [default: both]",
    ),
    setting(
        "--refill",
        "counterfactuals.refills",
        type=click.Choice(["none", "single", "multi", "inpaint"]),
        multiple=True,
        envvar=f"{_TWIN}REFILL",
        help="What stands where the other was: gray, one other image, patches of up to 16, or what "
        "the image generator draws there; may be repeated. [default: single]",
    ),
    setting(
        "--filler-source",
        "counterfactuals.filler_sources",
        type=click.Choice(["same", "other", "counterpart"]),
        multiple=True,
        envvar=f"{_TWIN}FILLER_SOURCE",
        help="Whose images fill: of the same concept, of others, or of its counterpart; may be "
        "repeated. [default: other]",
    ),
    setting(
        "--seed",
        "counterfactuals.seed",
        type=click.IntRange(min=0, max=2**62 - 1),
        envvar=f"{_TWIN}SEED",
        help="Seed of fillers, refills and random patches. [default: 0]",
    ),
)
_mask_options = combined(
    setting(
        "--method",
        "counterfactuals.method",
        type=click.Choice(["auto", "relevance", "gradcam", "gradcam-elementwise", "random"]),
        envvar=f"{_TWIN}METHOD",
        help="How the object is found; random makes the controls alone. [default: auto, the best "
        "for the encoder's kind of image tower]",
    ),
    setting(
        "--limit",
        "counterfactuals.limit",
        type=RealOrDefault(0, 1, max_open=True),
        envvar=f"{_TWIN}LIMIT",
        help="Activation above which a place belongs to the object. [default: as measured with the "
        "encoder; else 0.3]",
    ),
    setting(
        "--shape",
        "counterfactuals.shape",
        type=click.Choice(["smooth", "grid"]),
        envvar=f"{_TWIN}SHAPE",
        help="Smooth masks, or whole patches. [default: smooth]",
    ),
    setting(
        "--target",
        "counterfactuals.target",
        type=click.Choice(["similarity", "contrast", "logit"]),
        envvar=f"{_TWIN}TARGET",
        help="What maps explain: similarity with the own text, that less the mean with the others, "
        "or the log probability. [default: contrast]",
    ),
    setting(
        "--with-random-control/--without-random-control",
        "counterfactuals.random_control",
        envvar=f"{_TWIN}WITH_RANDOM_CONTROL",
        help="Beside each sample one with random patches of equal area. [default: without]",
    ),
    request_option(
        "--sheet",
        type=OutputFile(),
        section="counterfactuals",
        help="PNG file to write: some images, each with its kept samples.",
    ),
)


@click.command()
@_sample_options
@_mask_options
@encoder_option
@common_options()
def counterfactuals(**options: Any) -> None:  # noqa: ANN401
    """Make samples of the kept images with the object, or all but the object, replaced.

    They show whether a model knows a concept or only its background (arXiv 2303.03052). They are
    judged as images are, and are a split of their own: no manifest of images ever names one.

    Example: isekai-gen counterfactuals --refill single --refill none
    """
    from isekai_gen.stages.counterfactuals import make_counterfactuals

    with open_workspace(options) as context:
        _refuse_unused(context.settings.counterfactuals)
        tell_if_starter(context, embeds=True)
        report = make_counterfactuals(context)
        if options["sheet"] is not None:
            from isekai_gen.stages.counterfactual_sheet import write_sheet

            write_sheet(context.workspace, options["sheet"])
    if options["as_json"]:
        print_json(report.to_json())
    else:
        _print(report, options["sheet"])
    if report.status.total.failed:
        raise click.exceptions.Exit(PARTLY_DONE)


def _refuse_unused(settings: CounterfactualSettings) -> None:
    """Refuse filler sources on the command line that no refill takes pixels from."""
    filled = {"single", "multi"} & set(settings.refills)
    if was_given("counterfactuals__filler_sources") and not filled:
        raise click.BadParameter("needs --refill single or multi", param_hint="--filler-source")


def _print(report: CounterfactualReport, sheet: Path | None) -> None:
    making = report.making
    if not report.worked:
        click.echo("Nothing to do: all samples are made")
    click.echo(
        f"objects found by {making.method} with {making.spec.label}, above {making.limit:g} "
        f"({making.limit_source})"
    )
    for line in report.status.total.to_lines():
        click.echo(line)
    if sheet is not None:
        click.echo(sheet)
