"""Networks of each kind of encoder, loaded onto a device in float32.

Nothing here returns random weights: a weight that is missing or superfluous is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from isekai_gen.errors import ModelError
from isekai_gen.models.encoder_kinds import EncoderFiles
from isekai_gen.models.encoder_pictures import Preparation, preparation_of
from isekai_gen.models.encoder_preprocess import Preprocess

if TYPE_CHECKING:
    import torch

# Arguments that would have timm load other weights than those beside config.json.
_NOT_FROM_CONFIG = {"cache_dir", "checkpoint_path", "pretrained", "pretrained_cfg"}


@dataclass(frozen=True)
class TextSide:
    """How an encoder reads text.

    Attributes:
        tokenize: From texts to tokens [n, window], on the CPU.
        encode: From tokens on the device to vectors [n, d].
    """

    tokenize: Callable[[list[str]], torch.Tensor]
    encode: Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Network:
    """A loaded encoder, before batches.

    Attributes:
        preparation: How pictures are prepared.
        encode: From float32 [n, 3, height, width] on the device to vectors [n, d].
        text: Its text side, or None.
        model: The module of OpenCLIP that both belong to; None for other kinds of encoders.
    """

    preparation: Preparation
    encode: Callable[[torch.Tensor], torch.Tensor]
    text: TextSide | None = None
    model: Any = None


def load_network(files: EncoderFiles, device: torch.device) -> Network:
    """Load what was found; raises whatever the libraries raise for a broken model."""
    loaders = {"open_clip": _open_clip, "timm": _timm, "torchscript": _torchscript}
    return loaders[files.kind](files, device)


def _open_clip(files: EncoderFiles, device: torch.device) -> Network:
    import open_clip

    arguments: dict[str, Any] = {}
    if entry := files.config:
        # The weight file is given by path, so the tag's own settings have to be passed along.
        arguments = {
            "pretrained": str(files.weights),
            "image_mean": entry.get("mean"),
            "image_std": entry.get("std"),
            "image_interpolation": entry.get("interpolation"),
            "image_resize_mode": entry.get("resize_mode"),
            "force_quick_gelu": bool(entry.get("quick_gelu", False)),
        }
    model, transform = open_clip.create_model_from_pretrained(
        files.model_name, precision="fp32", device=device, weights_only=True, **arguments
    )
    model = model.eval()
    text = TextSide(open_clip.get_tokenizer(files.model_name), model.encode_text)
    return Network(preparation_of(transform, files.model_name), model.encode_image, text, model)


def _timm(files: EncoderFiles, device: torch.device) -> Network:
    """The model with its classifier as saved, which is then taken off."""
    import timm
    from safetensors.torch import load_file

    config = files.config
    arguments = config.get("model_args") or {}
    if surprising := sorted(_NOT_FROM_CONFIG & arguments.keys()):
        raise ModelError(f"model_args has {surprising[0]}, which names other files; take it out")
    if not timm.is_model(files.model_name):
        raise ModelError(f"timm has no architecture {files.model_name!r}; a newer timm may")
    if "num_classes" in config:
        arguments = {**arguments, "num_classes": config["num_classes"]}
    model = timm.create_model(files.model_name, pretrained=False, **arguments)
    weights, wanted = load_file(files.weights), model.state_dict()
    shared = weights.keys() & wanted.keys()
    odd = [*(weights.keys() ^ wanted.keys())]
    odd += [name for name in shared if weights[name].shape != wanted[name].shape]
    if odd:
        raise ModelError(
            f"weights do not fit {files.model_name} as config.json has it: {min(odd)} and "
            f"{len(odd) - 1} more are missing, superfluous or of another shape; download it again"
        )
    model.load_state_dict(weights)
    if model.num_classes:
        model.reset_classifier(0)
    looks = timm.data.resolve_data_config(
        {}, pretrained_cfg=config.get("pretrained_cfg") or {}, model=model
    )
    preparation = preparation_of(
        timm.data.create_transform(**looks, is_training=False), files.model_name
    )
    return Network(preparation, model.eval().float().to(device))


def _torchscript(files: EncoderFiles, device: torch.device) -> Network:
    """The program as saved; `torch.jit.load` reads it with a restricted unpickler in C++."""
    import torch

    program = torch.jit.load(str(files.weights), map_location=device)  # type: ignore[no-untyped-call]
    program = program.eval().float()

    def encode(pictures: torch.Tensor) -> torch.Tensor:
        # Its optimizer rewrites a program after the first calls, and the bits with it.
        with torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
            found: torch.Tensor = program(pictures)
        return found

    return Network(_declared(Preprocess.model_validate(files.config)), encode)


def _declared(preprocess: Preprocess) -> Preparation:
    from torchvision.transforms import CenterCrop, InterpolationMode, Resize

    side, mode = preprocess.size, InterpolationMode(preprocess.interpolation)
    steps: Sequence[Any] = (
        (Resize((side, side), mode),)
        if preprocess.resize_mode == "squash"
        else (Resize(side, mode), CenterCrop(side))
    )
    return Preparation(tuple(steps), preprocess.mean, preprocess.std)
