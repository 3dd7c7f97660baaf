"""reproduce."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.console import CHECK_FAILED, ConsoleReporter, print_json
from isekai_gen.cli.model_options import model_option
from isekai_gen.cli.options import (
    device_names_from,
    json_option,
    overrides_from,
    request_option,
    voice_options,
    workspace_option,
)

if TYPE_CHECKING:
    from isekai_gen.stages.context import StageContext
    from isekai_gen.stages.reproduction import Reproduction


@click.command()
@click.argument("image_ids", metavar="IMAGE_ID...", nargs=-1, required=True)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder outside the workspace for the pictures drawn now. [default: none are written]",
)
@model_option
@workspace_option()
@request_option(
    "--devices",
    help="Where to draw, such as cuda:0 or cpu; of several, the first. [default: a GPU, else cpu]",
)
@json_option
@voice_options
def reproduce(**options: Any) -> None:  # noqa: ANN401
    """Draw images again and compare their pixels with the records; exit 1 if a promise is broken.

    An id may be cut to its first 6 digits or more. Identical pixels are promised under the recorded
    reproducibility profile (library versions, device, ...); under another one, the difference is
    reported.

    Example: isekai-gen reproduce 97dcd1ebc2ad --out ../redrawn
    """
    from isekai_gen.stages.reproduce import ReproduceRequest
    from isekai_gen.stages.reproduce import reproduce as draw_again

    request = ReproduceRequest(options["image_ids"], options["out"])
    results = draw_again(_unlocked_context(options), request)
    if options["as_json"]:
        print_json([result.to_json() for result in results])
    else:
        for result in results:
            click.echo(f"{result.image_id} {result.concept}: {_told(result)}")
        if not options["quiet"]:
            _tell_what_is_promised(results)
    if not all(result.passed for result in results):
        raise click.exceptions.Exit(CHECK_FAILED)


def _unlocked_context(options: dict[str, Any]) -> StageContext:
    """A view of the workspace that holds no lock: nothing will be written."""
    from isekai_gen.settings import read_settings
    from isekai_gen.stages.context import StageContext, require_plan
    from isekai_gen.workspace import Workspace

    workspace = Workspace(options["workspace"])
    require_plan(workspace)
    settings = read_settings(workspace.settings_file).with_overrides(overrides_from(options))
    return StageContext(
        workspace=workspace,
        settings=settings,
        reporter=ConsoleReporter(quiet=options["quiet"]),
        devices=device_names_from(options["devices"]),
    )


def _told(result: Reproduction) -> str:
    """One image's result as people read it."""
    if result.identical:
        told = f"fails again ({result.failure})" if result.failure else "identical"
    elif result.failure:
        told = f"different: no picture now ({result.failure})"
    elif result.psnr_db is None:
        told = "different; there is no intact file to compare with"
    else:
        told = (
            f"different: PSNR {result.psnr_db:.1f} dB, at most {result.max_difference} of 255 "
            "in a channel"
        )
    if result.file == "damaged":
        told += "; file damaged: `isekai-gen generate` restores it"
    elif result.file == "missing":
        told += "; file missing: `isekai-gen generate` restores it"
    return told


def _tell_what_is_promised(results: list[Reproduction]) -> None:
    """Say on stderr why pixels may differ, if they may."""
    for changes in dict.fromkeys(result.profile_changes for result in results):
        if changes:
            click.echo(
                f"The images were drawn under another profile ({', '.join(changes)}): only "
                "visual equality is promised",
                err=True,
            )
    loose = [result.image_id for result in results if not result.reproducible]
    if loose:
        click.echo(
            f"Recorded as not reproducible (drawn with --not-reproducible): {', '.join(loose)}",
            err=True,
        )
