"""Small real LoRA adapters, written by diffusers itself."""

from __future__ import annotations

import json
from pathlib import Path

from tests.tiny_models import seeded_and_quiet

_ATTENTION = ["to_q", "to_k", "to_v", "to_out.0"]


def write_lora(folder: Path, model: Path, *, seed: int = 0, name: str = "style") -> Path:
    """An adapter with random weights for the denoiser of a tiny model; returns its file."""
    from diffusers import DiffusionPipeline
    from peft import LoraConfig, get_peft_model_state_dict

    with seeded_and_quiet(seed):
        # Components that were saved as absent are reloaded only if told to be.
        index = json.loads((model / "model_index.json").read_text())
        absent = {name: None for name, kind in index.items() if kind == [None, None]}
        pipeline = DiffusionPipeline.from_pretrained(model, **absent)
        part = "unet" if hasattr(pipeline, "unet") else "transformer"
        denoiser = getattr(pipeline, part)
        denoiser.add_adapter(LoraConfig(r=4, lora_alpha=4, target_modules=_ATTENTION))
        for parameter_name, parameter in denoiser.named_parameters():
            if "lora_B" in parameter_name:  # zero in a new adapter
                parameter.data.normal_(0, 0.3)
        type(pipeline).save_lora_weights(
            folder,
            **{f"{part}_lora_layers": get_peft_model_state_dict(denoiser)},
            weight_name=f"{name}.safetensors",
        )
    return folder / f"{name}.safetensors"
