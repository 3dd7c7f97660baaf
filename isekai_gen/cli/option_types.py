"""Values of options that isekai.toml remembers.

Where the default is no value but a rule, such as "calibrated; else 0.95", only the word `default`
takes a remembered value back.
"""

from __future__ import annotations

from typing import Any

import click

_WORD = "default"


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


class RealOrDefault(_OrDefault, click.FloatRange):
    """A number in a range, or the word `default`."""
