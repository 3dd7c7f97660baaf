"""Options of `concepts propose`, declared once each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from isekai_gen.cli.chat_options import CHAT_OPTIONS, chat_options, limits_said, prices_from
from isekai_gen.cli.option_types import InputFile
from isekai_gen.cli.options import combined, device_names_from, request_option, was_given

if TYPE_CHECKING:
    from isekai_gen.stages.propose_request import LlmRequest, LookRequest

_EXISTING_FILE = InputFile()
_option = partial(request_option, section="propose")
# What only a language model, and what only a look, honors.
_LLM_ONLY = ("max_calls", "answer_format", "max_tokens", *CHAT_OPTIONS)
_LOOK_ONLY = ("model", "images_per_concept", "look_rounds", "num_inference_steps", "devices")

wish_options = combined(
    _option(
        "--n",
        "wanted",
        type=click.IntRange(min=1, max=1000),
        default=20,
        show_default=True,
        help="Groups that the catalog shall have, those of --start included.",
    ),
    _option(
        "--from",
        "from_",
        multiple=True,
        metavar="DOMAIN",
        help="What the real counterparts are: a domain such as animals, or a name such as dog; "
        "may be repeated. [default: anything]",
    ),
    _option(
        "--with",
        "with_",
        multiple=True,
        metavar="DOMAIN",
        help="What they are combined with; may be repeated. [default: anything]",
    ),
    _option(
        "--avoid",
        multiple=True,
        metavar="NAME",
        help="What takes no part, such as spiders; may be repeated.",
    ),
    _option(
        "--parents",
        type=_EXISTING_FILE,
        help="Your own list of real things, in place of ImageNet's.",
    ),
    _option(
        "--seed",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        help="Of everything that is random.",
    ),
    _option(
        "--encoder",
        default="starter",
        show_default=True,
        metavar="starter|ARCH/TAG|DIR",
        help="Whose text embeddings tell what is alike, and who looks at images.",
    ),
    _option("--name", help="Of the catalog. [default: the file's name]"),
    _option(
        "--start",
        type=_EXISTING_FILE,
        help="A catalog whose groups stand already; those that a check refuses are replaced.",
    ),
    _option(
        "--templates",
        type=_EXISTING_FILE,
        help="Prompt templates that must be able to speak of every group. [default: with --look "
        "those shipped for the model]",
    ),
)
llm_options = combined(
    _option(
        "--llm",
        metavar="openai:BASE_URL#MODEL",
        help="A language model that proposes, behind any OpenAI-compatible server; its key is "
        "read from the environment. [default: the offline engine]",
    ),
    _option(
        "--max-calls",
        type=click.IntRange(min=1),
        help="--llm: the most requests ever sent for this catalog, tries included. [default: 200]",
    ),
    _option(
        "--answer-format",
        type=click.Choice(["schema", "json", "text"]),
        help="--llm: how JSON is asked for: by its schema, as any JSON, or in words alone. "
        "[default: schema]",
    ),
    chat_options("propose", "--llm", temperature=0.8),
    _option(
        "--max-tokens",
        type=click.IntRange(min=1),
        help="--llm: length of an answer. [default: 4096]",
    ),
)
look_options = combined(
    click.option(
        "--look",
        is_flag=True,
        help="Draw a few images of every group, and replace groups whose images show something "
        "real or each other.",
    ),
    _option(
        "--model",
        metavar="starter|HUB_ID|DIR|FILE",
        help="--look: image generator. [default: starter]",
    ),
    _option(
        "--images-per-concept",
        type=click.IntRange(min=4, max=64),
        help="--look: images of every concept. [default: 4]",
    ),
    _option(
        "--look-rounds",
        type=click.IntRange(min=1, max=100),
        help="--look: how often groups are drawn and replaced at most. [default: 3]",
    ),
    _option(
        "--num-inference-steps",
        type=click.IntRange(min=1),
        help="--look: denoising steps. [default: the model's own]",
    ),
    request_option(
        "--devices",
        help="--look: all, or names such as cuda:0 or cpu. [default: all GPUs, else the CPU]",
    ),
)


def llm_from(options: Mapping[str, Any]) -> LlmRequest | None:
    """The language model that --llm names; options that need one are refused without it."""
    if options["llm"] is None:
        _refuse_without("--llm", _LLM_ONLY)
        return None
    from dataclasses import replace

    from isekai_gen.proposals.llm_settings import LlmLimits
    from isekai_gen.stages.propose_request import LlmRequest

    limits = LlmLimits()
    own = ("max_calls", "answer_format")
    said = {name: options[name] for name in own if options[name] is not None}
    chat = replace(limits.chat, **limits_said(options))
    return LlmRequest(
        options["llm"], replace(limits, **said, chat=chat, prices=prices_from(options))
    )


def look_from(options: Mapping[str, Any]) -> LookRequest | None:
    """How --look draws; options that need it are refused without it."""
    if not options["look"]:
        _refuse_without("--look", _LOOK_ONLY)
        return None
    from isekai_gen.stages.propose_request import LookRequest

    fields = ("model", "images_per_concept", "num_inference_steps")
    named = {name: options[name] for name in fields if options[name] is not None}
    if options["look_rounds"] is not None:
        named["rounds"] = options["look_rounds"]
    return LookRequest(**named, devices=device_names_from(options["devices"]))


def _refuse_without(option: str, others: tuple[str, ...]) -> None:
    for name in others:
        if was_given(name):
            raise click.UsageError(f"--{name.replace('_', '-')} needs {option}")
