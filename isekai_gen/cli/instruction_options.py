"""Options of the instruction formats of `manifest`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.option_types import InputFile
from isekai_gen.cli.options import combined, request_option

if TYPE_CHECKING:
    from isekai_gen.stages.instructions import InstructionRequest

_FILE = InputFile()
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

instruction_options = combined(
    request_option(
        "--episodes",
        section="manifest",
        type=_FILE,
        help="Episodes to write as instructions. [default: one for each kept image]",
    ),
    request_option(
        "--images",
        section="manifest",
        type=_FOLDER,
        help="Folder that the paths in --episodes are relative to. [default: the workspace]",
    ),
    request_option(
        "--words",
        section="manifest",
        type=_FILE,
        help="How episodes are put in words. [default: shipped]",
    ),
    request_option(
        "--templates",
        section="manifest",
        type=_FILE,
        help="Instructions and responses about single images. [default: shipped]",
    ),
    request_option(
        "--images-as",
        section="manifest",
        type=click.Choice(["path", "data-url"]),
        default="path",
        show_default=True,
        help="How openai-chat names images; data-url holds them whole.",
    ),
)


def instruction_request(options: Mapping[str, Any]) -> InstructionRequest:
    """The request of a command with `instruction_options`."""
    from isekai_gen.stages.instructions import InstructionRequest

    return InstructionRequest(
        episodes=options["episodes"],
        images=options["images"],
        words=options["words"],
        templates=options["templates"],
        images_as=options["images_as"],
    )
