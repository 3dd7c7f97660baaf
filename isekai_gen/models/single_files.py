"""Which pipeline a single .safetensors checkpoint belongs to, from the names of its tensors.

Unknown checkpoints are refused here: diffusers would take them for Stable Diffusion 1.x.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from isekai_gen.errors import ModelError
from isekai_gen.models.headers import TensorShapes, read_tensor_shapes

_UNET = "model.diffusion_model."
_INPUT = _UNET + "input_blocks.0.0.weight"
_SD_ATTENTION = _UNET + "input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight"
_SD_LAST = _UNET + "output_blocks.11.0.skip_connection.weight"
_XL_TEXT = "conditioner.embedders.1.model.transformer.resblocks.9.mlp.c_proj.bias"
_SD3_BLOCK = "joint_blocks.0.context_block.adaLN_modulation.1.bias"
_SD35_LARGE_BLOCK = "joint_blocks.37.x_block.mlp.fc1.weight"
_FLUX_BLOCK = "double_blocks.0.img_attn.norm.key_norm.scale"


@dataclass(frozen=True)
class CheckpointKind:
    """What a single file is.

    Attributes:
        title: For people.
        config_repo: Hub id whose configuration and tokenizers fit this checkpoint.
    """

    title: str
    config_repo: str


_SD1 = CheckpointKind("Stable Diffusion 1.x", "stable-diffusion-v1-5/stable-diffusion-v1-5")
_SD2 = CheckpointKind("Stable Diffusion 2.x", "stabilityai/stable-diffusion-2-1")
_SDXL = CheckpointKind("Stable Diffusion XL", "stabilityai/stable-diffusion-xl-base-1.0")
_SD3 = CheckpointKind("Stable Diffusion 3", "stabilityai/stable-diffusion-3-medium-diffusers")
_SD35_MEDIUM = CheckpointKind(
    "Stable Diffusion 3.5 medium", "stabilityai/stable-diffusion-3.5-medium"
)
_SD35_LARGE = CheckpointKind("Stable Diffusion 3.5 large", "stabilityai/stable-diffusion-3.5-large")
_FLUX_DEV = CheckpointKind("Flux dev", "black-forest-labs/FLUX.1-dev")
_FLUX_SCHNELL = CheckpointKind("Flux schnell", "black-forest-labs/FLUX.1-schnell")


def identify_checkpoint(path: Path) -> CheckpointKind:
    """What pipeline a single file holds.

    Raises:
        ModelError: If the file is damaged or no text-to-image checkpoint that is known here.
    """
    kind = _kind_of(read_tensor_shapes(path))
    if kind is None:
        raise ModelError(
            f"{path}: not a text-to-image checkpoint that can be loaded alone (known: Stable "
            "Diffusion 1.x, 2.x, XL, 3, 3.5, Flux); pass the whole diffusers folder instead"
        )
    return kind


def _kind_of(shapes: TensorShapes) -> CheckpointKind | None:
    if _has(shapes, _SD35_LARGE_BLOCK):
        return _SD35_LARGE
    if _has(shapes, _SD3_BLOCK):
        return _sd3_kind(shapes)
    if _has(shapes, _FLUX_BLOCK):
        return _flux_kind(shapes)
    if _INPUT not in shapes or _last(shapes, _INPUT, axis=1) != 4:
        return None  # no UNet, or one for inpainting, which needs a picture and a mask
    if _XL_TEXT in shapes:
        return _SDXL
    if _SD_LAST not in shapes:
        return None
    return _SD2 if _last(shapes, _SD_ATTENTION) == 1024 else _SD1


def _sd3_kind(shapes: TensorShapes) -> CheckpointKind:
    # Medium 3.5 learned positions on a grid of 384 x 384 patches, 3.0 on 192 x 192.
    is_35 = _last(shapes, "pos_embed", axis=1) == 384 * 384
    return _SD35_MEDIUM if is_35 else _SD3


def _flux_kind(shapes: TensorShapes) -> CheckpointKind | None:
    if _last(shapes, "img_in.weight", axis=1) not in (None, 64):
        return None  # fill and depth models take a picture beside the noise
    return _FLUX_DEV if _has(shapes, "guidance_in.in_layer.bias") else _FLUX_SCHNELL


def _has(shapes: TensorShapes, name: str) -> bool:
    return name in shapes or _UNET + name in shapes


def _last(shapes: TensorShapes, name: str, axis: int = -1) -> int | None:
    shape = shapes.get(name) or shapes.get(_UNET + name)
    return shape[axis] if shape and len(shape) > 1 else None
