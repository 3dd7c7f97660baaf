"""Write the trained networks in the form in which they are shipped: fp16 safetensors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from isekai_gen.starter.training.contrastive import DEVIATION, MEAN, clip_config
from isekai_gen.starter.training.denoiser import noise_schedule
from isekai_gen.starter.training.settings import TrainingSettings

# What is drawn with unless the user says otherwise; the card compares other samplers.
_DEFAULTS = {"num_inference_steps": 8, "guidance_scale": 4.0}


def export_pipeline(folder: Path, vae: Any, unet: Any, text_encoder: Any, tokenizer: Any) -> None:  # noqa: ANN401
    """Save a `StableDiffusionPipeline` that any diffusers loader reads."""
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    pipeline = StableDiffusionPipeline(
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=DDIMScheduler(**noise_schedule(), set_alpha_to_one=True),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).to(device="cpu", dtype=torch.float16)
    pipeline.save_pretrained(folder, safe_serialization=True)
    _add_key_prefix(folder / "text_encoder" / "model.safetensors")
    (folder / "isekai_gen.json").write_text(json.dumps(_DEFAULTS, sort_keys=True) + "\n")


def _add_key_prefix(file: Path) -> None:
    # transformers 5 drops "text_model." when it saves; version 4 would then silently start from
    # random weights. Both read the keys with the prefix.
    weights = load_file(file)
    if not all(name.startswith("text_model.") for name in weights):
        prefixed = {f"text_model.{name}": tensor for name, tensor in weights.items()}
        save_file(prefixed, file, metadata={"format": "pt"})


def export_encoder(folder: Path, model: Any, tokenizer: Any, settings: TrainingSettings) -> None:  # noqa: ANN401
    """Save an OpenCLIP model in the layout that "local-dir:" reads."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        name: tensor.detach().to(device="cpu", dtype=torch.float16).contiguous()
        for name, tensor in model.state_dict().items()
    }
    save_file(weights, folder / "open_clip_model.safetensors", metadata={"format": "pt"})
    config = {
        "model_cfg": clip_config(settings, len(tokenizer), tokenizer.eos_token_id),
        "preprocess_cfg": {
            "mean": list(MEAN),
            "std": list(DEVIATION),
            "interpolation": "bicubic",
            "resize_mode": "squash",
        },
    }
    (folder / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n")
    tokenizer.save_pretrained(folder)
