"""calibrate, audit: limits with measured error rates, and people's check of what they did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.console import print_json, print_table, tell_if_starter
from isekai_gen.cli.curation_options import encoder_option
from isekai_gen.cli.option_types import FiniteRange, InputFile
from isekai_gen.cli.options import (
    common_options,
    json_option,
    open_workspace,
    request_option,
    voice_options,
    was_given,
    workspace_option,
)

_UNPROVED = {
    "extrapolated": "the limit is extrapolated from the most similar images that are no duplicates",
    "default": "the limit is the default, or above every image seen that is no duplicate",
}
if TYPE_CHECKING:
    from isekai_gen.stages.audit import AnswerReport, SampleReport
    from isekai_gen.stages.calibrate import CalibrateReport


@click.command()
@request_option(
    "--images-per-concept-sampled",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    help="Images of each concept that copies are made of, at most.",
)
@request_option(
    "--false-merges",
    type=FiniteRange(0, 1000, min_open=True, max_open=True),
    default=1.0,
    show_default=True,
    help="The budget: images of 1,000 that may be expected to be dropped wrongly.",
)
@request_option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    section="calibrate",
    help="Of the sample and the copies.",
)
@encoder_option
@common_options()
def calibrate(**options: Any) -> None:  # noqa: ANN401
    """Set the limits of near-duplicates from copies planted in your own images.

    Later commands use them wherever isekai.toml and options set no limit.

    Example: isekai-gen calibrate --false-merges 1
    """
    from isekai_gen.stages.calibrate import CalibrateRequest
    from isekai_gen.stages.calibrate import calibrate as measure_limits

    request = CalibrateRequest(
        options["images_per_concept_sampled"], options["false_merges"], options["seed"]
    )
    with open_workspace(options) as context:
        tell_if_starter(context, embeds=True)
        report = measure_limits(context, request)
    if options["as_json"]:
        print_json(report.to_json())
    else:
        _print_calibration(report)


@click.command()
@request_option(
    "--n",
    "number",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    section="audit",
    help="Questions to draw, at most.",
)
@request_option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    section="audit",
    help="Of the sample.",
)
@request_option(
    "--answers",
    type=InputFile(),
    section="audit",
    help="Read the answers to the questions drawn last instead of drawing new ones.",
)
@click.option("--decide", is_flag=True, help="Turn the answers into decisions.")
@request_option(
    "--by",
    section="audit",
    help="Who decides, for --decide.",
)
@workspace_option()
@json_option
@voice_options
def audit(**options: Any) -> None:  # noqa: ANN401
    """Draw a sample of verdicts for a person to check; then say what the answers mean.

    Open reports/audit/index.html, answer, and come back with the file that it exports.

    Example: isekai-gen audit --n 200
    """
    from isekai_gen.stages.audit import apply_answers, draw_audit

    decide_by = _decides(options)
    if options["answers"] is None:
        with open_workspace(options) as context:
            drawn = draw_audit(context, options["number"], options["seed"])
        print_json(drawn.to_json()) if options["as_json"] else _print_sample(drawn)
        return
    with open_workspace(options) as context:
        said = apply_answers(context, options["answers"], decide_by)
    print_json(said.to_json()) if options["as_json"] else _print_answers(said)


def _decides(options: Mapping[str, Any]) -> str | None:
    """Who decides, or None; options that say nothing together are refused."""
    signed = (options["by"] or "").strip()
    if options["answers"] is None and options["decide"]:
        raise click.UsageError("--decide needs --answers FILE: there is nothing to decide by")
    if options["decide"] and not signed:
        raise click.UsageError("--decide needs --by NAME: a decision says who made it")
    if not options["decide"] and was_given("by"):
        raise click.UsageError("--by NAME goes with --decide")
    if options["answers"] is not None and (was_given("number") or was_given("seed")):
        raise click.UsageError("--answers FILE goes without --n and --seed: it draws no questions")
    return signed if options["decide"] else None


def _print_sample(report: SampleReport) -> None:
    rows = [(name, size, asked) for name, (size, asked) in report.strata.items()]
    print_table(("stratum", "verdicts", "asked"), rows)
    click.echo(f"{report.questions} questions; answer them in a browser:")
    for path in report.files:
        click.echo(path)


def _print_answers(report: AnswerReport) -> None:
    from isekai_gen.stages.audit_result import shown

    result = report.result
    click.echo(
        f"{result.answered} of {result.questions} questions answered, {result.unsure} unsure"
    )
    rows = [
        (name, shown(each.precision), shown(each.recall))
        for name, each in {**result.filters, "all": result.all}.items()
    ]
    print_table(("filter", "precision of drops (95 %)", "recall near the limits (95 %)"), rows)
    if report.decisions:
        click.echo(f"{len(report.decisions)} decision(s) added to decisions.jsonl")
    for path in report.files:
        click.echo(path)


def _print_calibration(report: CalibrateReport) -> None:
    calibration = report.calibration
    rows = []
    for name, tier in calibration.tiers.items():
        copies = sum(each.copies for each in tier.transformations.values())
        found = sum(each.found for each in tier.transformations.values())
        limits = ", ".join(f"{key} {value:g}" for key, value in tier.limits.items())
        rows.append((name, limits, f"{found / copies:.3f}", f"{tier.wrong_drops_high:.2f}"))
    print_table(("tier", "limits", "copies found", "wrong drops in 1,000, at most"), rows)
    for name, tier in calibration.tiers.items():
        if tier.basis in _UNPROVED:
            click.echo(
                f"{name}: {tier.anchors} images do not prove the budget, {tier.images_needed} "
                f"would; {_UNPROVED[tier.basis]}"
            )
    for key, value in report.overruled.items():
        click.echo(f"near_duplicate.{key} = {value:g} in isekai.toml goes before the calibration")
    for path in report.files:
        click.echo(path)
