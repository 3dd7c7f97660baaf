"""release diff."""

from __future__ import annotations

from pathlib import Path

import click

from isekai_gen.cli.console import CHECK_FAILED, print_json
from isekai_gen.cli.options import json_option, voice_options

_SHOWN = 10


@click.command("diff")
@click.argument("earlier", type=click.Path(path_type=Path))
@click.argument("later", type=click.Path(path_type=Path))
@click.option(
    "--all", "show_all", is_flag=True, help="Show every line, not the first 10 of a kind."
)
@json_option
@voice_options
def diff(earlier: Path, later: Path, show_all: bool, as_json: bool, quiet: bool) -> None:
    """Tell what a release changes, and whether its version says so; exit 1 if it is too low.

    A version is raised by Croissant's rule: PATCH for the same records in other packaging, MINOR
    for additions, MAJOR if records were changed, removed or moved to another split.

    Example: isekai-gen release diff isekai-sharks-1.0.0 isekai-sharks-1.1.0
    """
    from isekai_gen.release.changes.diff import diff_releases
    from isekai_gen.release.changes.diff_words import lines_of_diff, verdict_words

    found = diff_releases(earlier, later)
    if as_json:
        print_json(found.to_json())
    elif quiet:
        click.echo(verdict_words(found))
    else:
        for line in lines_of_diff(found, None if show_all else _SHOWN):
            click.echo(line)
    if not found.is_version_enough:
        raise click.exceptions.Exit(CHECK_FAILED)
