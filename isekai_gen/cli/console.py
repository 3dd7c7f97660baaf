"""What people see: notes and progress bars on stderr, results on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.progress import progress_bar, progress_lines

if TYPE_CHECKING:
    from isekai_gen.stages.context import StageContext
    from isekai_gen.stages.reporting import Advance

CHECK_FAILED = 1
"""Exit code of a check that found something; bad input is 2."""


class ConsoleReporter:
    """Shows notes and progress on stderr: bars on a terminal, plain lines elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def note(self, message: str) -> None:
        if not self._quiet:
            click.echo(message, err=True)

    def task(self, title: str, total: int) -> AbstractContextManager[Advance]:
        if self._quiet or total == 0:
            from isekai_gen.stages.reporting import SilentReporter

            return SilentReporter().task(title, total)
        return (progress_bar if sys.stderr.isatty() else progress_lines)(title, total)


def print_json(value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Print one JSON document on stdout."""
    click.echo(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False))


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print aligned columns on stdout: numbers to the right, texts to the left."""
    cells = [list(header), *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(line[column]) for line in cells) for column in range(len(header))]
    numeric = [
        bool(rows) and all(isinstance(row[column], int) for row in rows)
        for column in range(len(header))
    ]
    for line in cells:
        shown = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ]
        click.echo("  ".join(shown).rstrip())


def counts_line(counts: Mapping[str, Any]) -> str:
    """The numbers of a status in two sums."""
    dropped = " + ".join(f"{number} dropped by {by}" for by, number in counts["dropped"].items())
    return (
        f"planned {counts['planned']} = {counts['generated']} generated + {counts['failed']} "
        f"failed + {counts['pending']} pending\n"
        f"generated {counts['generated']} = {counts['kept']} kept"
        + (f" + {dropped}" if dropped else "")
    )


def tell_if_starter(
    context: StageContext, *, draws: bool = False, embeds: bool = False, to: str = ""
) -> None:
    """Say that the starter models are for trying things out, if the running command uses them.

    Args:
        context: The workspace.
        draws: Whether the command draws with the model of --model.
        embeds: Whether it embeds with the encoder of --encoder.
        to: The command that takes these options, if this one does not.
    """
    from isekai_gen.settings import STARTER

    settings = context.settings
    better = []
    if draws and settings.generate.model == STARTER:
        better.append("--model stabilityai/sdxl-turbo")
    if embeds and settings.embed.encoder == STARTER:
        better.append("--encoder ViT-B-32/laion2b_s34b_b79k")
    if better:
        other = f" to isekai-gen {to}" if to else ""
        context.reporter.note(
            "The starter models are for trying things out; for real work pass "
            f"{' '.join(better)}{other}"
        )
