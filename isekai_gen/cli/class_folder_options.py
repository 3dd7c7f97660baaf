"""Options that name a dataset with a folder of images for each class."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from isekai_gen.cli.option_types import InputFile
from isekai_gen.cli.options import request_option

F = TypeVar("F", bound=Callable[..., Any])

class_map_option = request_option(
    "--class-map",
    type=InputFile(),
    help="The map_clsloc.txt of ILSVRC2012, for its ids and names. [default: looked for in "
    "--imagenet, its devkit/data and beside it]",
)


def imagenet_option(use: str) -> Callable[[F], F]:
    """--imagenet.

    Args:
        use: What the command takes it for; the end of the help.
    """
    return request_option(
        "--imagenet",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help=f"ImageNet's folder, or any with a folder of images for each class{use}",
    )
