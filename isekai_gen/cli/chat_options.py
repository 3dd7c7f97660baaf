"""Options of chat servers, for every command that asks one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from isekai_gen.cli.option_types import FiniteRange
from isekai_gen.cli.options import combined, request_option

if TYPE_CHECKING:
    from isekai_gen.models.chat_requests import ChatPrices

F = TypeVar("F", bound=Callable[..., Any])

CHAT_OPTIONS = (
    "requests_per_minute",
    "timeout",
    "max_tries",
    "temperature",
    "leave_out",
    "prompt_price",
    "completion_price",
)
"""Parameters that `chat_options` makes."""
_LIMITS = ("requests_per_minute", "max_tries", "max_tokens", "temperature")


def chat_options(section: str, whose: str, *, temperature: float) -> Callable[[F], F]:
    """The options of `CHAT_OPTIONS`.

    Args:
        section: Of their environment twins.
        whose: What each help text begins with: to what the options belong.
        temperature: The default, for the help alone.
    """
    option = partial(request_option, section=section)
    price = FiniteRange(min=0, max=1e9)
    return combined(
        option(
            "--requests-per-minute",
            type=FiniteRange(min=0.001, max=1e6),
            help=f"{whose}: requests started in a minute. [default: no limit]",
        ),
        option(
            "--timeout",
            type=FiniteRange(min=0, min_open=True, max=1e6),
            help=f"{whose}: seconds to wait for an answer. [default: 120]",
        ),
        option(
            "--max-tries",
            type=click.IntRange(min=1),
            help=f"{whose}: how often a request is sent before it is given up. [default: 5]",
        ),
        option(
            "--temperature",
            type=FiniteRange(min=0, max=10),
            help=f"{whose}: 0 for the likeliest words. [default: {temperature:g}]",
        ),
        option(
            "--leave-out",
            type=click.Choice(["temperature", "seed"]),
            multiple=True,
            help=f"{whose}: send no such field, for servers that refuse it; may be repeated.",
        ),
        option(
            "--prompt-price",
            type=price,
            help=f"{whose}: price of a million tokens read, to tell the cost.",
        ),
        option(
            "--completion-price",
            type=price,
            help=f"{whose}: price of a million tokens written.",
        ),
    )


def limits_said(options: Mapping[str, Any]) -> dict[str, Any]:
    """Field of `ChatLimits` to its value, for those that options say, --max-tokens among them."""
    said = {name: options[name] for name in _LIMITS if options[name] is not None}
    left_out = dict.fromkeys(options["leave_out"])
    if said.keys() & left_out.keys():
        raise click.UsageError("--temperature sets what --leave-out leaves out; give one of them")
    if options["timeout"] is not None:
        said["timeout_seconds"] = options["timeout"]
    return said | left_out


def prices_from(options: Mapping[str, Any]) -> ChatPrices | None:
    """What servers charge; None if no option says so."""
    from isekai_gen.models.chat_requests import ChatPrices

    prices = (options["prompt_price"], options["completion_price"])
    if prices.count(None) == 1:
        raise click.UsageError("--prompt-price and --completion-price belong together")
    return None if None in prices else ChatPrices(*prices)
