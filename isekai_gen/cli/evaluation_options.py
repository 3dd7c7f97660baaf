"""Options of `evaluate`, declared once each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from isekai_gen.cli.options import combined, device_names_from, request_option

if TYPE_CHECKING:
    from isekai_gen.evaluation.models import TransformersOptions
    from isekai_gen.models.chat_requests import ChatLimits, ChatPrices

_EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
_METRICS = ("lcl", "strict")
_SERVER_LIMITS = (
    "max_concurrent",
    "requests_per_minute",
    "max_tries",
    "max_tokens",
    "temperature",
)
_TRANSFORMERS = ("batch_size", "max_tokens")
_SERVER_ONLY = (*_SERVER_LIMITS, "timeout", "leave_out", "prompt_price", "completion_price")
# Option to the kinds of models that honor it.
_TAKERS: dict[str, set[str]] = {
    **{name: {"openai"} for name in _SERVER_ONLY},
    **{name: {"hf"} for name in _TRANSFORMERS},
    "max_tokens": {"openai", "hf"},
    "devices": {"clip", "hf"},
}


class _FiniteRange(click.FloatRange):
    """A number in a range; "inf" and "nan" are none."""

    def convert(
        self,
        value: Any,  # noqa: ANN401 - as click has it
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number; give one such as 30", param, ctx)
        return number


_option = partial(request_option, section="evaluate")

question_options = combined(
    _option(
        "--manifest",
        type=_EXISTING_FILE,
        required=True,
        help="ISEKAI-10, ISEKAI-pair, lcl-test, or a file of episodes.",
    ),
    _option(
        "--model",
        "models",
        multiple=True,
        required=True,
        metavar="KIND:NAME",
        help="openai:BASE_URL#MODEL, hf:DIR_OR_ID or clip:ENCODER; may be repeated.",
    ),
    _option(
        "--shots",
        help="Demonstrations of both sides together, as in the paper: 0,2,4,8 or 0,2,...,16. "
        "[default: 0,2,...,16, as far as the manifest goes]",
    ),
    _option(
        "--images", type=_FOLDER, help="Where the manifest's paths begin. [default: the workspace]"
    ),
    _option("--words", type=_EXISTING_FILE, help="How to ask. [default: shipped words]"),
    _option(
        "--seed",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        help="Of the order of demonstrations, the sample and the ablations.",
    ),
    _option(
        "--limit",
        type=click.IntRange(min=1),
        help="Ask at most so many rows, balanced over concepts. [default: all]",
    ),
    _option(
        "--ablation",
        "ablations",
        multiple=True,
        metavar="position|false-labels[=SHARES]",
        help="At the largest shot count: a false label at each position, or shares of false "
        "labels (0,0.25,0.5,0.75,1); may be repeated.",
    ),
    _option(
        "--counterfactuals",
        is_flag=True,
        help="Ask again at the largest shot count with the workspace's counterfactual samples in "
        "the place of queries, and report the shortcut gap; reports/shortcuts.json flags concepts.",
    ),
)
result_options = combined(
    _option(
        "--metric",
        type=click.Choice([*_METRICS, "both"]),
        default="both",
        show_default=True,
        help="lcl: upstream's. strict: the right label, and no other, as whole words.",
    ),
    _option("--name", help="Folder of the results. [default: the manifest's name]"),
    _option(
        "--out",
        type=_FOLDER,
        help="Folder of answers and results, outside a workspace; needs --images. "
        "[default: evaluations/ of the workspace]",
    ),
    _option(
        "--plot/--no-plot",
        default=None,
        help="Draw accuracy.png. [default: if matplotlib is installed]",
    ),
    click.option(
        "--devices",
        envvar="ISEKAI_GEN_DEVICES",
        show_envvar=True,
        help="Where clip: and hf: models run: cpu or cuda:0. [default: the first GPU, else the "
        "CPU]",
    ),
)
model_options = combined(
    _option(
        "--max-concurrent",
        type=click.IntRange(min=1),
        help="Servers: requests under way at once. [default: 8]",
    ),
    _option(
        "--requests-per-minute",
        type=_FiniteRange(min=0, min_open=True),
        help="Servers: requests started in a minute. [default: no limit]",
    ),
    _option(
        "--timeout",
        type=_FiniteRange(min=0, min_open=True),
        help="Servers: seconds to wait for an answer. [default: 120]",
    ),
    _option(
        "--max-tries",
        type=click.IntRange(min=1),
        help="Servers: how often a question is sent before it is given up. [default: 5]",
    ),
    _option(
        "--max-tokens",
        type=click.IntRange(min=1),
        help="Servers and hf: length of an answer. [default: 256]",
    ),
    _option(
        "--batch-size",
        type=click.IntRange(min=1),
        help="hf: questions at once. [default: 8]",
    ),
    _option(
        "--temperature",
        type=_FiniteRange(min=0),
        help="Servers: 0 for the likeliest words. [default: 0]",
    ),
    _option(
        "--leave-out",
        type=click.Choice(["temperature", "seed"]),
        multiple=True,
        help="Servers: send no such field, for those that refuse it; may be repeated.",
    ),
    _option(
        "--prompt-price",
        type=_FiniteRange(min=0),
        help="Servers: price of a million tokens read, to tell the cost.",
    ),
    _option(
        "--completion-price",
        type=_FiniteRange(min=0),
        help="Servers: price of a million tokens written.",
    ),
)


def metrics_from(options: Mapping[str, Any]) -> tuple[str, ...]:
    """The metrics that --metric names."""
    return _METRICS if options["metric"] == "both" else (options["metric"],)


def check_model_options(options: Mapping[str, Any]) -> None:
    """Refuse options that none of the models honors, or that no model could."""
    from isekai_gen.evaluation.models import kind_of

    kinds = {kind_of(model) for model in options["models"]}
    context = click.get_current_context()
    for name, takers in _TAKERS.items():
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if given and not kinds & takers:
            raise click.UsageError(
                f"--{name.replace('_', '-')} is for models of kind {', '.join(sorted(takers))}, "
                "and no --model is one"
            )
    if context.get_parameter_source("devices") is ParameterSource.COMMANDLINE:
        devices = device_names_from(options["devices"])
        if devices == ("all",) or len(devices) > 1:
            raise click.UsageError(
                "--devices names more than one device, and a model is asked on one; name it, as "
                "in --devices cuda:0"
            )


def limits_from(options: Mapping[str, Any]) -> ChatLimits:
    """How servers are asked."""
    from isekai_gen.models.chat_requests import ChatLimits

    named = {name: options[name] for name in _SERVER_LIMITS if options[name] is not None}
    if options["timeout"] is not None:
        named["timeout_seconds"] = options["timeout"]
    left_out: dict[str, None] = dict.fromkeys(options["leave_out"])
    if named.keys() & left_out.keys():
        raise click.UsageError("--temperature sets what --leave-out leaves out; give one of them")
    return ChatLimits(**named, **left_out)  # type: ignore[arg-type]


def transformers_from(options: Mapping[str, Any]) -> TransformersOptions:
    """How transformers models are run."""
    from isekai_gen.evaluation.models import TransformersOptions

    named = {name: options[name] for name in _TRANSFORMERS if options[name] is not None}
    return TransformersOptions(**named)


def prices_from(options: Mapping[str, Any]) -> ChatPrices | None:
    """What servers charge; None if no option says so."""
    from isekai_gen.models.chat_requests import ChatPrices

    prices = (options["prompt_price"], options["completion_price"])
    if prices == (None, None):
        return None
    if None in prices:
        raise click.UsageError("--prompt-price and --completion-price belong together")
    return ChatPrices(*prices)
