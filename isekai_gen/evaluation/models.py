"""What `--model` names: a server, a transformers model, or the baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from isekai_gen.errors import InputError
from isekai_gen.evaluation.answer_clip import ClipAnswerer, ClipOptions
from isekai_gen.evaluation.answer_server import ServerAnswerer
from isekai_gen.evaluation.protocols import Answerer
from isekai_gen.models.chat_requests import ChatLimits
from isekai_gen.models.spec import Device

SERVER = "openai"


@dataclass(frozen=True)
class TransformersOptions:
    """How a transformers model is run.

    Attributes:
        batch_size: Questions at once.
        max_tokens: Length of an answer, at most.
    """

    batch_size: int = 8
    max_tokens: int = 256


@dataclass(frozen=True)
class ModelOptions:
    """What the kinds of models take beside a name.

    Attributes:
        limits: How servers are asked.
        transformers: How transformers models are run.
        clip: For the baseline.
        device: Where models of this machine run.
        tell: Told in one line what the user should know.
    """

    limits: ChatLimits
    transformers: TransformersOptions
    clip: ClipOptions
    device: Callable[[], Device]
    tell: Callable[[str], None]


Opener = Callable[[str, ModelOptions], Answerer]


def _open_server(address: str, options: ModelOptions) -> Answerer:
    return ServerAnswerer.open(address, options.limits)


def _open_transformers(source: str, options: ModelOptions) -> Answerer:
    from isekai_gen.evaluation.answer_transformers import TransformersAnswerer

    run = options.transformers
    return TransformersAnswerer.open(
        source, options.device(), run.batch_size, run.max_tokens, options.tell
    )


def _open_clip(encoder: str, options: ModelOptions) -> Answerer:
    return ClipAnswerer.open(encoder, options.clip, options.device())


_OPENERS: Mapping[str, Opener] = {
    SERVER: _open_server,
    "hf": _open_transformers,
    "clip": _open_clip,
}
_FORMS = "openai:BASE_URL#MODEL, hf:DIR_OR_ID or clip:ENCODER"


def kind_of(model: str) -> str:
    """The part of a model's name that tells its kind.

    Raises:
        InputError: If there is no such kind, or nothing behind it.
    """
    kind, _, source = model.partition(":")
    if kind not in _OPENERS or not source:
        raise InputError(f"--model {model!r} is no model to ask; give {_FORMS}")
    return kind


def open_answerer(model: str, options: ModelOptions) -> Answerer:
    """The model that a name means.

    Raises:
        InputError: If the name has no known kind.
        ModelError: If the model cannot be found or loaded.
    """
    return _OPENERS[kind_of(model)](model.partition(":")[2], options)
