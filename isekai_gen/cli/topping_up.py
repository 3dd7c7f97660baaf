"""topup, yields."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.console import print_json, print_table, tell_if_starter
from isekai_gen.cli.curation_options import encoder_option, overlap_options
from isekai_gen.cli.duplicate_options import duplicate_options
from isekai_gen.cli.failures import PARTLY_DONE, exit_if_failed, retry_option
from isekai_gen.cli.model_options import drawing_options
from isekai_gen.cli.option_types import FiniteRange
from isekai_gen.cli.options import (
    common_options,
    json_option,
    open_workspace,
    request_option,
    voice_options,
    was_given,
    workspace_option,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from isekai_gen.stages.topup_report import TopupReport
    from isekai_gen.stages.yields import Yield, YieldReport

_WORST_SHOWN = 5


@click.command()
@request_option(
    "--kept",
    type=click.IntRange(min=1),
    required=True,
    help="Images that every concept is to keep. Without -n, the first round draws as many.",
)
@request_option(
    "--max-attempts",
    type=click.IntRange(min=1),
    help="The most images drawn per concept. [default: 4 times those of the first round]",
)
@request_option(
    "--diversify",
    is_flag=True,
    help="Draw further images, with other words, of concepts that their context alone gives away "
    "(`evaluate --counterfactuals` flags them).",
)
@request_option(
    "--max-value-share",
    type=FiniteRange(min=0, max=1, min_open=True, max_open=True),
    help="With --diversify: draw until the value that gives a concept away is in no more than this "
    "share of its images. [default: 0.5]",
)
@drawing_options
@retry_option
@encoder_option
@overlap_options
@duplicate_options
@common_options()
def topup(**options: Any) -> None:  # noqa: ANN401
    """Generate and judge in rounds until every concept keeps enough images.

    Only what is missing is added; run it again to continue.

    Example: isekai-gen topup -w ./sharks --concepts concepts.yaml --kept 32

    Example: isekai-gen topup -w ./sharks --kept 32 --diversify
    """
    from isekai_gen.stages.topup import TopupRequest
    from isekai_gen.stages.topup import topup as top_up

    request = TopupRequest(
        kept=options["kept"],
        max_attempts=options["max_attempts"],
        catalog=options["concepts"],
        templates=options["templates"],
        retry_failed=options["retry_failed"],
        max_value_share=_max_value_share(options),
    )
    if options["generate__images_per_concept"] is None:
        options["generate__images_per_concept"] = options["kept"]
    with open_workspace(options, must_exist=False) as context:
        tell_if_starter(context, draws=True, embeds=True)
        report = top_up(context, request)
    if options["as_json"]:
        print_json({**report.to_json(), "yields": report.yields.to_json()})
    else:
        _print_topup(report)
    _exit_if_short(report)


@click.command()
@workspace_option()
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Rows shown of each kind; --json has them all.",
)
@json_option
@voice_options
def yields(workspace: Path, limit: int, as_json: bool, quiet: bool) -> None:
    """Show which concepts, templates and words lose the most images, worst first.

    Example: isekai-gen yields -w ./sharks
    """
    from isekai_gen.stages.yields import read_yields
    from isekai_gen.workspace import Workspace

    report = read_yields(Workspace(workspace))
    if as_json:
        print_json(report.to_json())
        return
    for entries in (report.by_concept, report.by_template, report.by_slot_value):
        if entries:
            _print_yields(entries[:limit], report.total.dropped.keys())
            click.echo("" if len(entries) <= limit else f"... and {len(entries) - limit} more\n")
    _print_yields([report.total], report.total.dropped.keys())
    if not quiet:
        _tell_unjudged(report)


def _max_value_share(options: Mapping[str, Any]) -> float | None:
    """What --diversify asks for; None without it."""
    from isekai_gen.stages.topup_diversify import MAX_VALUE_SHARE

    share: float | None = options["max_value_share"]
    if options["diversify"]:
        return MAX_VALUE_SHARE if share is None else share
    if was_given("max_value_share"):
        raise click.UsageError("--max-value-share is for --diversify; add it, or give neither")
    return None


def _exit_if_short(report: TopupReport) -> None:
    """End with exit code 3 if a concept keeps too few images, or if images failed; say which."""
    if report.short:
        click.echo(
            f"{len(report.short)} concept(s) keep fewer than {report.aim.kept} images out of "
            f"{report.aim.budget}: raise --max-attempts, or change the words that "
            "`isekai-gen yields` lists first",
            err=True,
        )
    exit_if_failed(report.failed)
    if report.short:
        raise click.exceptions.Exit(PARTLY_DONE)


def _print_topup(report: TopupReport) -> None:
    if not report.worked:
        click.echo("Nothing to do: everything is drawn and judged")
    droppers = list(report.yields.total.dropped)
    header = ("concept", "wanted", "kept", *droppers, "failed", "drawn", "rounds", "state")
    rows = [
        (
            entry.concept,
            entry.wanted,
            entry.kept,
            *(entry.dropped.get(name, 0) for name in droppers),
            entry.failed,
            entry.drawn,
            entry.rounds,
            entry.state,
        )
        for entry in report.concepts
    ]
    print_table(header, rows)
    for entry in report.concepts:
        if entry.drawn > entry.prompts:
            click.echo(
                f"{entry.concept}: all {entry.prompts} prompts are used; the other "
                f"{entry.drawn - entry.prompts} images repeat them with other seeds"
            )
    worst = report.yields.worst_words[:_WORST_SHOWN]
    if worst:
        click.echo("\nWords that lose the most images (isekai-gen yields shows all):")
        _print_yields(worst, droppers)
    click.echo("\nReports: reports/yield.json, reports/yield.csv")


def _print_yields(entries: Sequence[Yield], droppers: Collection[str]) -> None:
    header = ("words", "generated", "kept", *droppers, "yield", "95 % interval")
    rows = [
        (
            entry.label,
            entry.generated,
            entry.kept,
            *(entry.dropped.get(name, 0) for name in droppers),
            f"{entry.share:.0%}",
            "{:.0%} to {:.0%}".format(*entry.interval),
        )
        for entry in entries
    ]
    print_table(header, rows)


def _tell_unjudged(report: YieldReport) -> None:
    if not report.judged:
        click.echo("No filter has judged these images yet: all of them count as kept", err=True)
    for name, number in report.judged.items():
        if number < report.total.generated:
            click.echo(
                f"{report.total.generated - number} image(s) are new since {name} judged; "
                "run it again",
                err=True,
            )
