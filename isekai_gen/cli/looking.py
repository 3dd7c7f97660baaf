"""status and doctor: look, change nothing."""

from __future__ import annotations

from pathlib import Path

import click

from isekai_gen.cli.console import CHECK_FAILED, counts_line, print_json, print_table
from isekai_gen.cli.options import json_option, voice_options, workspace_option


@click.command()
@workspace_option()
@json_option
@voice_options
def status(workspace: Path, as_json: bool, quiet: bool) -> None:
    """Show what is there and what is left; the numbers add up.

    Example: isekai-gen status -w ./isekai-demo --json
    """
    from isekai_gen.stages.counterfactual_status import has_samples, read_sample_status
    from isekai_gen.stages.status import read_status
    from isekai_gen.workspace import Workspace

    there = Workspace(workspace)
    found = read_status(there)
    samples = read_sample_status(there) if has_samples(there) else None
    if as_json:
        # No key without samples: they are apart, and most workspaces have none.
        apart = {} if samples is None else {"counterfactuals": samples.to_json()}
        print_json({**found.to_json(), **apart})
        return
    rows = [
        (slug, c.planned, c.generated, c.failed, c.pending, c.kept, sum(c.dropped.values()))
        for slug, c in found.by_concept.items()
    ]
    header = ("concept", "planned", "generated", "failed", "pending", "kept", "dropped")
    print_table(header, rows)
    click.echo(f"\n{counts_line(found.total.to_json())}")
    if samples is not None:
        click.echo("\ncounterfactual samples, apart from the images:")
        for line in samples.total.to_lines():
            click.echo(line)
    if not quiet:
        for name, number in found.unjudged.items():
            click.echo(f"{number} image(s) are new since {name} judged; run it again", err=True)


@click.command()
@workspace_option()
@json_option
@voice_options
def doctor(workspace: Path, as_json: bool, quiet: bool) -> None:
    """Look at versions, devices, extras, models and disk; exit 1 if something is missing.

    Example: isekai-gen doctor
    """
    from isekai_gen.stages.doctor import examine

    checks = examine(workspace)
    if as_json:
        print_json([check.__dict__ for check in checks])
    else:
        for check in checks:
            if not (quiet and check.ok):
                click.echo(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.detail}")
    if not all(check.ok for check in checks):
        raise click.exceptions.Exit(CHECK_FAILED)
