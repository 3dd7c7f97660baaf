"""Options of `evaluate`, declared once each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.chat_options import CHAT_OPTIONS, chat_options, limits_said
from isekai_gen.cli.option_types import InputFile
from isekai_gen.cli.options import combined, device_names_from, request_option, was_given

if TYPE_CHECKING:
    from isekai_gen.evaluation.models import TransformersOptions
    from isekai_gen.models.chat_requests import ChatLimits

_EXISTING_FILE = InputFile()
_FOLDER = click.Path(file_okay=False, path_type=Path)
_METRICS = ("lcl", "strict")
_TRANSFORMERS = ("batch_size", "max_tokens")
# Option to the kinds of models that honor it.
_TAKERS: dict[str, set[str]] = {
    **{name: {"openai"} for name in ("max_concurrent", *CHAT_OPTIONS)},
    "batch_size": {"hf"},
    "max_tokens": {"openai", "hf"},
    "devices": {"clip", "hf"},
}


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
    request_option(
        "--devices",
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
    chat_options("evaluate", "Servers", temperature=0),
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
)


def metrics_from(options: Mapping[str, Any]) -> tuple[str, ...]:
    """The metrics that --metric names."""
    return _METRICS if options["metric"] == "both" else (options["metric"],)


def check_model_options(options: Mapping[str, Any]) -> None:
    """Refuse options that none of the models honors, or that no model could."""
    from isekai_gen.evaluation.models import kind_of

    kinds = {kind_of(model) for model in options["models"]}
    for name, takers in _TAKERS.items():
        if was_given(name) and not kinds & takers:
            raise click.UsageError(
                f"--{name.replace('_', '-')} is for models of kind {', '.join(sorted(takers))}, "
                "and no --model is one"
            )
    if was_given("devices"):
        devices = device_names_from(options["devices"])
        if devices == ("all",) or len(devices) > 1:
            raise click.UsageError(
                "--devices names more than one device, and a model is asked on one; name it, as "
                "in --devices cuda:0"
            )


def limits_from(options: Mapping[str, Any]) -> ChatLimits:
    """How servers are asked."""
    from isekai_gen.models.chat_requests import ChatLimits

    said = limits_said(options)
    if options["max_concurrent"] is not None:
        said["max_concurrent"] = options["max_concurrent"]
    return ChatLimits(**said)


def transformers_from(options: Mapping[str, Any]) -> TransformersOptions:
    """How transformers models are run."""
    from isekai_gen.evaluation.models import TransformersOptions

    named = {name: options[name] for name in _TRANSFORMERS if options[name] is not None}
    return TransformersOptions(**named)
