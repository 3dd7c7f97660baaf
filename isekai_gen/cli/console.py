"""What people see: notes and progress bars on stderr, results on stdout."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click


class ConsoleReporter:
    """Shows notes and progress on stderr: bars on a terminal, plain lines elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def note(self, message: str) -> None:
        if not self._quiet:
            click.echo(message, err=True)

    @contextmanager
    def task(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        if self._quiet or total == 0:
            yield lambda _steps: None
        elif sys.stderr.isatty():
            with _bar(title, total) as advance:
                yield advance
        else:
            yield from _lines(title, total)


@contextmanager
def _bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("passed,"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=total)
        yield lambda steps: progress.advance(task, steps)


def _lines(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """One line at every tenth of a long task, and one at its end."""
    started, done, told = time.monotonic(), 0, 0

    def advance(steps: int) -> None:
        nonlocal done, told
        done += steps
        tenth = 10 * done // total
        if tenth > told and done < total and time.monotonic() - started > 2:
            click.echo(f"{title}: {done} of {total}", err=True)
            told = tenth

    yield advance
    click.echo(f"{title}: {done} in {time.monotonic() - started:.1f} s", err=True)


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
