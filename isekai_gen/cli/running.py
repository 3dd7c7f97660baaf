"""demo, run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.console import counts_line, print_json, print_table, tell_if_starter
from isekai_gen.cli.curation_options import (
    encoder_option,
    manifest_options,
    neighbor_options,
    overlap_options,
    release_options,
)
from isekai_gen.cli.duplicate_options import duplicate_options
from isekai_gen.cli.failures import PARTLY_DONE, exit_if_failed, retry_option
from isekai_gen.cli.model_options import drawing_options, images_option, seed_option
from isekai_gen.cli.options import common_options, open_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from isekai_gen.stages.run import RunReport


@click.command()
@images_option
@seed_option
@common_options(default_workspace="isekai-demo")
def demo(**options: Any) -> None:  # noqa: ANN401
    """Run the whole main job on the shipped catalog with the starter models.

    Ends with a contact sheet and a verified release. Run it again to continue.

    Example: isekai-gen demo -w ./isekai-demo
    """
    from isekai_gen.stages.demo import DEMO_SETTINGS, run_demo

    with open_workspace(options, must_exist=False, presets=DEMO_SETTINGS) as context:
        tell_if_starter(context, draws=True, embeds=True, to="run")
        report = run_demo(context)
    _print_run(report, as_json=options["as_json"])
    if not options["as_json"]:
        click.echo(f"Next: isekai-gen status -w {options['workspace']}")
    _exit_if_partly_done(report, options["workspace"])


@click.command()
@drawing_options
@retry_option
@encoder_option
@overlap_options
@duplicate_options
@neighbor_options
@manifest_options
@release_options
@common_options()
def run(**options: Any) -> None:  # noqa: ANN401
    """Run all stages in order; run it again to continue or to grow the dataset.

    Example: isekai-gen run -w ./sharks --concepts concepts.yaml --images-per-concept 32
    """
    from isekai_gen.stages.generate import GenerateRequest
    from isekai_gen.stages.run import run_all

    request = GenerateRequest(options["concepts"], options["templates"], options["retry_failed"])
    with open_workspace(options, must_exist=False) as context:
        tell_if_starter(context, draws=True, embeds=True)
        report = run_all(context, request)
    _print_run(report, as_json=options["as_json"])
    _exit_if_partly_done(report, options["workspace"])


def _exit_if_partly_done(report: RunReport, workspace: Path) -> None:
    """End with exit code 3 if images failed or there is no release yet, and say what to do."""
    if report.answers_left:
        click.echo(
            f"No release yet: {report.answers} has {report.answers_left} answers left to you; "
            f"give them, then: isekai-gen run -w {workspace}",
            err=True,
        )
    exit_if_failed(report.status.total.failed)
    if report.answers_left:
        raise click.exceptions.Exit(PARTLY_DONE)


def _print_run(report: RunReport, *, as_json: bool) -> None:
    status = report.status.to_json()
    manifests = {manifest.name: manifest.rows for manifest in report.manifests}
    if as_json:
        print_json(
            {
                **status,
                "manifests": manifests,
                "release": _path(report.release),
                "contact_sheet": _path(report.contact_sheet),
                "answers": str(report.answers),
                "answers_left": report.answers_left,
                "worked": report.worked,
            }
        )
        return
    if not report.worked and not report.answers_left:
        click.echo("Nothing to do: everything is made and up to date")
    rows = [
        (slug, c["planned"], c["generated"], c["kept"], sum(c["dropped"].values()), c["failed"])
        for slug, c in status["by_concept"].items()
    ]
    print_table(("concept", "planned", "generated", "kept", "dropped", "failed"), rows)
    click.echo(f"\n{counts_line(status)}")
    for name, number in manifests.items():
        click.echo(f"Manifest {name}: {number} queries")
    if report.release is not None:
        click.echo(f"Release (verified): {report.release}")
        click.echo(f"Contact sheet: {report.contact_sheet}")


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path)
