"""models: the presets, as a table."""

from __future__ import annotations

import click

from isekai_gen.cli.console import print_json, print_table
from isekai_gen.cli.options import debug_option, json_option


@click.command()
@json_option
@debug_option
def models(as_json: bool) -> None:
    """List the presets: models with settings that suit them.

    Example: isekai-gen models --json
    """
    from isekai_gen.models.presets import PRESETS

    if as_json:
        print_json(
            {
                preset.name: {"model": preset.model, **preset.settings, "note": preset.note}
                for preset in PRESETS.values()
            }
        )
        return
    rows = [
        (
            preset.name,
            preset.model,
            preset.settings["num_inference_steps"],
            f"{preset.settings['guidance_scale']:g}",
            f"{preset.settings['width']} x {preset.settings['height']}",
            preset.settings["dtype"],
            preset.settings["micro_batch_size"],
        )
        for preset in PRESETS.values()
    ]
    print_table(("preset", "model", "steps", "guidance", "size", "dtype", "micro-batch"), rows)
    click.echo()
    for preset in PRESETS.values():
        click.echo(f"{preset.name}: {preset.note}")
    click.echo("\nUse one: isekai-gen generate --preset sdxl --concepts concepts.yaml")
