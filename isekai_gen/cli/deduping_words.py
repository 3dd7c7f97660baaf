"""What `dedupe` tells people: what was found, kept and dropped, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from isekai_gen.stages.dedupe_folder_report import OutsideReport
    from isekai_gen.stages.dedupe_report import DedupeReport, TierReport

# Tiers whose search can be made in several ways.
_SEARCHED = ("semantic", "extra")
_AS_ASKED = "asked for"


def print_workspace_report(report: DedupeReport) -> None:
    """The report on a workspace's images."""
    if report.dry_run:
        click.echo("Dry run: nothing was decided")
    elif not report.verdicts.decided:
        click.echo("Nothing to do: the verdicts are up to date")
    click.echo(
        f"{report.images} images = {report.dropped_before} dropped before + {report.judged} judged"
    )
    click.echo(f"{report.judged} judged = {report.kept} kept + {report.dropped} dropped")
    if report.marked:
        click.echo(f"  {report.marked} dropped as marked by people")
    _print_tiers(report.tiers, "")
    _print_alternatives(report.review_pairs, report.groups, report.dropped_by_components)
    if report.dropped_by_absolute is not None:
        click.echo(f"The absolute limits alone would drop {report.dropped_by_absolute}")
    if report.memorized:
        click.echo(f"{report.memorized} prompt(s) give nearly one picture whatever the seed")
    for file in report.files:
        click.echo(file)


def print_outside_report(report: OutsideReport) -> None:
    """The report on pictures or rows outside a workspace."""
    if not report.worked:
        click.echo("Nothing to do: the results are up to date")
    failed = f" + {report.failed} failed" if "images" in report.inputs else ""
    click.echo(f"{report.found} found = {report.kept} kept + {report.dropped} dropped{failed}")
    if report.skipped:
        kinds = ", ".join(f"{suffix or 'none'} {n}" for suffix, n in report.skipped.items())
        click.echo(f"{sum(report.skipped.values())} files are no pictures by suffix: {kinds}")
    if "against" in report.inputs:
        click.echo(f"  {report.dropped_against} dropped as duplicates of the other set")
    _print_tiers(report.against_tiers, " against")
    _print_tiers(report.tiers, "")
    _print_alternatives(report.review_pairs, report.groups, report.dropped_by_components)
    for file in report.files:
        click.echo(Path(report.out) / file)


def _print_tiers(tiers: Mapping[str, TierReport], beside: str) -> None:
    for name, tier in tiers.items():
        limit = ""
        if tier.max_similarity is not None and tier.floor is not None:
            listed = "all of them" if tier.complete else _recall(tier)
            limit = f" above {tier.max_similarity:.4g} ({tier.limit_source})"
            found = f"{tier.edges} pairs at or above {tier.floor:.4g} ({listed}; {tier.method})"
        else:
            found = f"{tier.edges} equal another"
        click.echo(f"  {name}{beside}: {tier.dropped} dropped{limit}; {found}")
        if name in _SEARCHED and tier.why not in ("", _AS_ASKED):
            click.echo(f"    {tier.mode}: {tier.why}")


def _recall(tier: TierReport) -> str:
    if tier.recall is None:
        return "recall not known"
    recall = tier.recall
    return f"recall {recall.estimate:.4f}, 95 % interval {recall.low:.4f} to {recall.high:.4f}"


def _print_alternatives(review_pairs: int, groups: int, by_components: int) -> None:
    click.echo(
        f"{review_pairs} pairs of kept ones are for people to look at; {groups} groups, of which "
        f"keeping one each would drop {by_components}"
    )
