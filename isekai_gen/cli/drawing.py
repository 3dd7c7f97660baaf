"""generate."""

from __future__ import annotations

from typing import Any

import click

from isekai_gen.cli.console import print_json, tell_if_starter
from isekai_gen.cli.failures import exit_if_failed, retry_option
from isekai_gen.cli.model_options import drawing_options
from isekai_gen.cli.options import common_options, open_workspace


@click.command()
@drawing_options
@retry_option
@common_options()
def generate(**options: Any) -> None:  # noqa: ANN401
    """Plan and draw images; run it again to continue.

    Example: isekai-gen generate --concepts concepts.yaml --model stabilityai/sdxl-turbo -n 32
    """
    from isekai_gen.stages.generate import GenerateRequest
    from isekai_gen.stages.generate import generate as generate_images

    request = GenerateRequest(options["concepts"], options["templates"], options["retry_failed"])
    with open_workspace(options, must_exist=False) as context:
        tell_if_starter(context, draws=True)
        report = generate_images(context, request)
    if options["as_json"]:
        print_json(report.__dict__)
    else:
        if not report.drawn:
            click.echo("Nothing to do: all images are drawn and intact")
        click.echo(
            f"planned {report.planned} = {report.generated} generated + {report.failed} failed"
        )
    exit_if_failed(report.failed)
