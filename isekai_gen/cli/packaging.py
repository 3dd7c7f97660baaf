"""The group `release`."""

from __future__ import annotations

import click

from isekai_gen.cli.release_changes import diff
from isekai_gen.cli.release_checks import gate, verify
from isekai_gen.cli.release_push import push
from isekai_gen.cli.releasing import build, init, unpack


@click.group()
def release() -> None:
    """Build, check, compare and publish releases.

    Example: isekai-gen release verify ./isekai-demo/release
    """


for command in (init, build, unpack, verify, gate, diff, push):
    release.add_command(command)
