"""release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from isekai_gen.cli.console import counts_line, print_json
from isekai_gen.cli.curation_options import release_options
from isekai_gen.cli.options import (
    common_options,
    json_option,
    open_workspace,
    tell_if_starter,
    voice_options,
)

CHECK_FAILED = 1


@click.group()
def release() -> None:
    """Build and verify releases.

    Example: isekai-gen release verify ./isekai-demo/release
    """


@release.command("build")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder to make; must not exist.",
)
@release_options
@common_options()
def build(**options: Any) -> None:  # noqa: ANN401
    """Package the kept images with metadata, manifests, card and checksums.

    Example: isekai-gen release build --out ../isekai-sharks-1.0.0
    """
    from isekai_gen.stages.release import write_release

    with open_workspace(options) as context:
        tell_if_starter(context, embeds=True)
        summary = write_release(context, options["out"])
    if options["as_json"]:
        print_json(
            {
                **summary.__dict__,
                "folder": str(summary.folder),
                "contact_sheet": str(summary.contact_sheet),
                "counts": dict(summary.counts),
                "manifests": dict(summary.manifests),
            }
        )
        return
    click.echo(counts_line(summary.counts))
    click.echo(f"Release (verified): {summary.folder}: {summary.files} files, {summary.size} bytes")
    click.echo(f"Contact sheet: {summary.contact_sheet}")


@release.command("verify")
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
@voice_options
def verify(folder: Path, as_json: bool, quiet: bool) -> None:
    """Check every file, number and rule of a release; exit 1 if anything is wrong.

    Example: isekai-gen release verify ./isekai-demo/release
    """
    from isekai_gen.release.verify import verify_release

    findings = verify_release(folder)
    if as_json:
        print_json({"folder": str(folder), "findings": [finding.__dict__ for finding in findings]})
    else:
        for finding in findings:
            click.echo(f"{finding.file}: {finding.rule}: {finding.message}")
        if findings or not quiet:
            click.echo(
                f"{folder}: {len(findings)} finding(s)" if findings else f"{folder}: verified"
            )
    if findings:
        raise click.exceptions.Exit(CHECK_FAILED)
