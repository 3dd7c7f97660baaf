"""How settings that commands, presets and options bring meet each other."""

from __future__ import annotations

import click
import pytest

from isekai_gen.cli.console import tell_if_starter
from isekai_gen.cli.options import open_workspace
from isekai_gen.settings import Settings
from isekai_gen.stages.context import StageContext
from isekai_gen.workspace import Workspace
from tests.small_jobs import Recorder

MODEL = "--model stabilityai/sdxl-turbo"
ENCODER = "--encoder ViT-B-32/laion2b_s34b_b79k"


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


@pytest.mark.parametrize(
    ("uses", "own", "better"),
    [
        ({"embeds": True}, {}, ENCODER),
        ({"draws": True}, {}, MODEL),
        ({"draws": True, "embeds": True}, {}, f"{MODEL} {ENCODER}"),
        ({"draws": True, "embeds": True}, {"generate": {"model": "org/own"}}, ENCODER),
        ({"embeds": True, "to": "run"}, {}, f"{ENCODER} to isekai-gen run"),
        ({"embeds": True}, {"embed": {"encoder": "ViT-B-32/own"}}, None),
        ({}, {}, None),
    ],
)
def test_the_notice_of_starter_models_names_what_would_help(tmp_path, uses, own, better):
    told = Recorder()
    context = StageContext(Workspace(tmp_path), Settings().with_overrides(own), told)
    tell_if_starter(context, **uses)
    lead = "The starter models are for trying things out; for real work pass "
    assert told.notes == ([] if better is None else [lead + better])
