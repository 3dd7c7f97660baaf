"""Pipelines of the size of Stable Diffusion 1.5 and XL with random weights, for timing only.

What they draw is noise, but they take as long as the real ones: speed depends on shapes, not on
what the weights know. The VAE's last layer is scaled so that pictures have ordinary contrast, since
flat pictures would encode too fast (and be refused).
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

VOCABULARY = 49_408
WINDOW = 77
_START, _END = "<|startoftext|>", "<|endoftext|>"
_CONTRAST = 0.4


def build(size: str, folder: Path, device: str) -> Path:
    """Write a diffusers folder in float16, unless it is there; returns it.

    Args:
        size: "tiny" (to try the benchmark itself), "sd15" or "sdxl".
        folder: Where to.
        device: Where weights are drawn.
    """
    target = folder / size
    if (target / "model_index.json").exists():
        return target
    with warnings.catch_warnings(), torch.device(device):
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        pipeline = {"tiny": _tiny, "sd15": _sd15, "sdxl": _sdxl}[size]()
    _give_contrast(pipeline.vae, device)
    pipeline.to(dtype=torch.float16)
    pipeline.save_pretrained(target)
    return target


def _give_contrast(vae: Any, device: str) -> None:
    cells = 16
    latents = torch.randn(1, vae.config.latent_channels, cells, cells, device=device)
    with torch.no_grad():
        shown = vae.decode(latents, return_dict=False)[0]
        vae.decoder.conv_out.weight.mul_(_CONTRAST / float(shown.std()))
        vae.decoder.conv_out.bias.zero_()


def _tokenizer() -> Any:
    """Every byte is a token; the rest of a real vocabulary's length is filled up."""
    from tokenizers import pre_tokenizers
    from transformers import CLIPTokenizer

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = alphabet + [letter + "</w>" for letter in alphabet]
    tokens += [f"<unused-{number}>" for number in range(VOCABULARY - len(tokens) - 2)]
    tokens += [_START, _END]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=WINDOW)


def _text_config(width: int, layers: int, heads: int) -> Any:
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=VOCABULARY,
        hidden_size=width,
        intermediate_size=4 * width,
        projection_dim=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        max_position_embeddings=WINDOW,
        bos_token_id=VOCABULARY - 2,
        eos_token_id=VOCABULARY - 1,
        pad_token_id=VOCABULARY - 1,
    )


def _vae(channels: tuple[int, ...], sample_size: int, scaling: float) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=channels,
        down_block_types=("DownEncoderBlock2D",) * len(channels),
        up_block_types=("UpDecoderBlock2D",) * len(channels),
        layers_per_block=2,
        latent_channels=4,
        sample_size=sample_size,
        scaling_factor=scaling,
    )


def _scheduler() -> Any:
    from diffusers import DPMSolverMultistepScheduler

    return DPMSolverMultistepScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1
    )


def _sd(unet: Any, text: Any, vae: Any) -> Any:
    from diffusers import StableDiffusionPipeline

    return StableDiffusionPipeline(
        vae=vae,
        text_encoder=text,
        tokenizer=_tokenizer(),
        unet=unet,
        scheduler=_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _tiny() -> Any:
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextModel

    unet = UNet2DConditionModel(
        sample_size=16,
        layers_per_block=1,
        block_out_channels=(32, 64),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=64,
        attention_head_dim=4,
        norm_num_groups=8,
    )
    return _sd(unet, CLIPTextModel(_text_config(64, 2, 4)), _vae((32, 64), 32, 0.18215))


def _sd15() -> Any:
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextModel

    unet = UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8)
    text = CLIPTextModel(_text_config(768, 12, 12))
    return _sd(unet, text, _vae((128, 256, 512, 512), 512, 0.18215))


def _sdxl() -> Any:
    from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    unet = UNet2DConditionModel(
        sample_size=128,
        block_out_channels=(320, 640, 1280),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 2, 10),
        attention_head_dim=(5, 10, 20),
        cross_attention_dim=2048,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=2816,
    )
    return StableDiffusionXLPipeline(
        vae=_vae((128, 256, 512, 512), 1024, 0.13025),
        text_encoder=CLIPTextModel(_text_config(768, 12, 12)),
        text_encoder_2=CLIPTextModelWithProjection(_text_config(1280, 32, 20)),
        tokenizer=_tokenizer(),
        tokenizer_2=_tokenizer(),
        unet=unet,
        scheduler=_scheduler(),
        force_zeros_for_empty_prompt=True,
    )
