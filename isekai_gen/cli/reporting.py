"""report: one HTML file to send to colleagues, and the same numbers as JSON."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Any

import click

from isekai_gen.cli.console import print_json
from isekai_gen.cli.option_types import OutputFile
from isekai_gen.cli.options import (
    json_option,
    open_workspace,
    request_option,
    voice_options,
    workspace_option,
)


@click.command()
@workspace_option()
@request_option(
    "--out",
    section="report",
    type=OutputFile(),
    help="The HTML file; the numbers go beside it, ending in .json. "
    "[default: reports/report.html in the workspace]",
)
@request_option(
    "--release",
    section="report",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the release whose images are counted. [default: release in the workspace, "
    "if it is there]",
)
@click.option("--open", "opens", is_flag=True, help="Show the report in the browser.")
@json_option
@voice_options
def report(**options: Any) -> None:  # noqa: ANN401
    """Write one HTML file with the numbers, plots and pictures of a dataset.

    It holds its pictures and asks nobody for anything, so that it can be sent to colleagues. What
    was not measured says so, and which command measures it.

    Example: isekai-gen report --open
    """
    from isekai_gen.stages.report import write_report

    with open_workspace(options) as context:
        written = write_report(context, options["out"], options["release"])
    if options["as_json"]:
        print_json(written.tree)
    else:
        size = written.page.stat().st_size / 1e6
        click.echo(f"Report: {written.page} ({size:.1f} MB)\nNumbers: {written.numbers}")
    if options["opens"] and not webbrowser.open(written.page.resolve().as_uri()):
        click.echo(f"No browser was found; open {written.page} in one", err=True)
