"""How settings that commands, presets and options bring meet each other."""

from __future__ import annotations

import click

from isekai_gen.cli.options import open_workspace


def settings_of(root, presets, **options):
    with click.Context(click.Command("any")):
        context = open_workspace(
            {"workspace": root, "quiet": True, **options}, must_exist=False, presets=presets
        )
    with context as opened:
        return opened.settings


def test_presets_of_a_command_yield_to_the_preset_option_and_both_to_options(tmp_path):
    own = {"generate": {"width": 8, "height": 8, "seed": 9}, "release": {"name": "demo"}}
    drawn = settings_of(tmp_path, own, preset="sdxl", generate__height=640)
    assert drawn.generate.model == "stabilityai/stable-diffusion-xl-base-1.0"
    assert (drawn.generate.width, drawn.generate.height) == (1024, 640)
    assert (drawn.generate.seed, drawn.release.name) == (9, "demo")


def test_presets_of_a_command_hold_without_a_preset_option(tmp_path):
    drawn = settings_of(tmp_path, {"generate": {"width": 8, "seed": 9}}, generate__seed=1)
    assert (drawn.generate.width, drawn.generate.seed) == (8, 1)
