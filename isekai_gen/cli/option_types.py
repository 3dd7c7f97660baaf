"""Kinds of values that click has not: files, finite numbers, and the word `default`.

Where the default of what isekai.toml remembers is no value but a rule, such as "calibrated; else
0.95", only the word `default` takes a remembered value back.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import click

_WORD = "default"


class _RegularFile(click.Path):
    """A `Path` that no pipe, device or folder is at."""

    def __init__(self, *, exists: bool) -> None:
        super().__init__(exists=exists, dir_okay=False, path_type=Path)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Path:
        """The path of a text."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not path.is_file() and (self.exists or path.exists()):
            remedy = "name one" if self.exists else "name one, or a new one"
            self.fail(f"{str(path)!r} is no regular file; {remedy}", param, ctx)
        return path


class InputFile(_RegularFile):
    """A file to read; a pipe is none: some are read twice, and one may never end."""

    def __init__(self) -> None:
        """Of a file that exists."""
        super().__init__(exists=True)


class OutputFile(_RegularFile):
    """A file to write: a new one or a regular one, for writing replaces what is there.

    The superuser could replace a device by it.
    """

    def __init__(self) -> None:
        """Of a file that need not exist."""
        super().__init__(exists=False)


class FiniteRange(click.FloatRange):
    """A number in a range; "inf" is none, and "nan", which click finds in every range."""

    def convert(
        self,
        value: Any,  # noqa: ANN401 - as click has it
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """The number that a text says."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


class _OrDefault(click.ParamType[Any]):
    """Mixed into a type of click: its values, or `settings.DEFAULT` for the word."""

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """As help shows it."""
        return f"{super().get_metavar(param, ctx) or self.name.upper()}|{_WORD}"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - as click has it
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401 - a number, or an enumeration
        """The number that a text says, or `settings.DEFAULT`."""
        from isekai_gen.settings import DEFAULT

        if value is DEFAULT or value == _WORD:
            return DEFAULT
        return super().convert(value, param, ctx)


class WholeOrDefault(_OrDefault, click.IntRange):
    """A whole number in a range, or the word `default`."""


class RealOrDefault(_OrDefault, FiniteRange):
    """A number in a range, or the word `default`."""
