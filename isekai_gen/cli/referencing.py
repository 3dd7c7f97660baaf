"""reference add, reference list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from isekai_gen.cli.console import print_json, print_table, tell_if_starter
from isekai_gen.cli.curation_options import encoder_option
from isekai_gen.cli.options import (
    combined,
    common_options,
    json_option,
    open_workspace,
    request_option,
    voice_options,
    workspace_option,
)


@click.group()
def reference() -> None:
    """Reference sets: embeddings of real images, to tell copies and known classes by.

    Example: isekai-gen reference add imagenet --images ILSVRC2012/train
    """


@reference.command()
@click.argument("name")
@request_option(
    "--images",
    type=click.Path(exists=True, path_type=Path),
    required=True,
    help="Folder of pictures (with a folder per class, if there are classes), of .tar shards or "
    "of .parquet files, or one such file. It is only read.",
)
@encoder_option
@common_options()
def add(name: str, images: Path, **options: Any) -> None:  # noqa: ANN401
    """Embed real images into references/NAME; never their pixels, never changed afterwards.

    Example: isekai-gen reference add imagenet --images ILSVRC2012/train
    """
    from isekai_gen.stages.reference_add import FAILURES_FILE, add_reference

    with open_workspace(options, must_exist=False) as context:
        tell_if_starter(context, embeds=True)
        report = add_reference(context, name, images)
    if options["as_json"]:
        print_json({**report.__dict__, "folder": str(report.folder)})
        return
    if not report.worked:
        click.echo("Nothing to do: this reference set was made of these pictures")
    click.echo(
        f"{report.name}: {report.images} images, {report.classes} classes, embedded by "
        f"{report.encoder}"
    )
    if report.skipped_classes:
        click.echo(
            f"{len(report.skipped_classes)} class(es) with fewer than 2 images have no prototype, "
            f"such as {report.skipped_classes[0]}"
        )
    if report.failed:
        click.echo(f"{report.failed} picture(s) could not be used: {report.folder / FAILURES_FILE}")
    click.echo(f"Compare with it: isekai-gen overlap --reference-images {report.name}")


@reference.command("list")
@combined(workspace_option(), json_option, voice_options)
def list_sets(**options: Any) -> None:  # noqa: ANN401
    """List the reference sets of a workspace.

    Example: isekai-gen reference list
    """
    from isekai_gen.stages.reference_sets import list_references
    from isekai_gen.workspace import Workspace

    rows = list_references(Workspace(options["workspace"]))
    if options["as_json"]:
        print_json([row.__dict__ for row in rows])
        return
    if not rows:
        click.echo("No reference sets: make one with isekai-gen reference add NAME --images DIR")
        return
    print_table(
        ("name", "images", "classes", "encoder", "digest"),
        [(row.name, row.images, row.classes, row.encoder[:12], row.digest[:12]) for row in rows],
    )
