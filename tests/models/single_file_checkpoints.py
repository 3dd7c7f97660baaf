"""Write a Stable Diffusion 1.x pipeline as one .safetensors file in the original (LDM) naming.

The naming is the public one of the CompVis checkpoints; a tiny model in it proves that single
files are really loaded, not only refused.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.tiny_models import _ddim, _text_config, build_tiny_tokenizer, seeded_and_quiet

LEVELS = 4
_RESNET = [
    ("norm1", "in_layers.0"),
    ("conv1", "in_layers.2"),
    ("norm2", "out_layers.0"),
    ("conv2", "out_layers.3"),
    ("time_emb_proj", "emb_layers.1"),
    ("conv_shortcut", "skip_connection"),
]
_UNET = [
    ("time_embedding.linear_1.", "time_embed.0."),
    ("time_embedding.linear_2.", "time_embed.2."),
    ("conv_in.", "input_blocks.0.0."),
    ("conv_norm_out.", "out.0."),
    ("conv_out.", "out.2."),
    ("mid_block.attentions.0.", "middle_block.1."),
    ("mid_block.resnets.0.", "middle_block.0."),
    ("mid_block.resnets.1.", "middle_block.2."),
]
_VAE = [
    ("conv_shortcut", "nin_shortcut"),
    ("conv_norm_out", "norm_out"),
    ("mid_block.attentions.0.", "mid.attn_1."),
    ("mid_block.resnets.0.", "mid.block_1."),
    ("mid_block.resnets.1.", "mid.block_2."),
    ("group_norm.", "norm."),
    ("to_q.", "q."),
    ("to_k.", "k."),
    ("to_v.", "v."),
    ("to_out.0.", "proj_out."),
]


def _unet_renames() -> list[tuple[str, str]]:
    renames = list(_UNET)
    for level in range(LEVELS):
        for part, kind in enumerate(("resnets", "attentions")):
            for block in range(3):
                down, up = 3 * level + block + 1, 3 * level + block
                old = f"blocks.{level}.{kind}.{block}."
                renames.append((f"down_{old}", f"input_blocks.{down}.{part}."))
                renames.append((f"up_{old}", f"output_blocks.{up}.{part}."))
        downsampler = f"down_blocks.{level}.downsamplers.0.conv."
        renames.append((downsampler, f"input_blocks.{3 * (level + 1)}.0.op."))
        place = 1 if level == 0 else 2  # the first up level has no attention before it
        upsampler = f"up_blocks.{level}.upsamplers.0."
        renames.append((upsampler, f"output_blocks.{3 * level + 2}.{place}."))
    return renames


def _vae_renames() -> list[tuple[str, str]]:
    renames = list(_VAE)
    for level in range(LEVELS):
        mirrored = LEVELS - 1 - level
        for block in range(3):
            old = f"blocks.{level}.resnets.{block}."
            renames.append((f"down_{old}", f"down.{level}.block.{block}."))
            renames.append((f"up_{old}", f"up.{mirrored}.block.{block}."))
        renames.append((f"down_blocks.{level}.downsamplers.0.", f"down.{level}.downsample."))
        renames.append((f"up_blocks.{level}.upsamplers.0.", f"up.{mirrored}.upsample."))
    return renames


def _original_unet(tensors: dict[str, Any]) -> dict[str, Any]:
    renamed = {}
    for name, tensor in tensors.items():
        new = name
        if ".resnets." in name:
            for ours, original in _RESNET:
                new = new.replace(ours, original)
        for ours, original in _unet_renames():
            new = re.sub("^" + re.escape(ours), original, new)
        renamed["model.diffusion_model." + new] = tensor
    return renamed


def _original_vae(tensors: dict[str, Any]) -> dict[str, Any]:
    renamed = {}
    for name, tensor in tensors.items():
        new = name
        for ours, original in _vae_renames():
            new = new.replace(ours, original)
        is_projection = re.search(r"attn_1\.(q|k|v|proj_out)\.weight", new)
        renamed["first_stage_model." + new] = tensor[..., None, None] if is_projection else tensor
    return renamed


def _pipeline() -> Any:
    from diffusers import AutoencoderKL, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel

    tokenizer = build_tiny_tokenizer()
    widths = (16, 16, 32, 32)
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=widths,
        cross_attention_dim=32,
        norm_num_groups=8,
        attention_head_dim=2,
    )
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * LEVELS,
        up_block_types=("UpDecoderBlock2D",) * LEVELS,
        block_out_channels=widths,
        layers_per_block=2,
        norm_num_groups=8,
        latent_channels=4,
    )
    return StableDiffusionPipeline(
        vae=vae,
        text_encoder=CLIPTextModel(_text_config(tokenizer, 32)),
        tokenizer=tokenizer,
        unet=unet,
        scheduler=_ddim(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def build_tiny_single_file(folder: Path) -> tuple[Path, Path]:
    """The same tiny model twice: as a diffusers folder and as a single file in LDM naming."""
    from safetensors.torch import save_file

    with seeded_and_quiet():
        pipeline = _pipeline()
        pipeline.save_pretrained(folder / "folder")
    text = "cond_stage_model.transformer.text_model."
    tensors = {
        **_original_unet(pipeline.unet.state_dict()),
        **_original_vae(pipeline.vae.state_dict()),
        **{text + name: value for name, value in pipeline.text_encoder.state_dict().items()},
    }
    path = folder / "tiny-v1.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    return folder / "folder", path
