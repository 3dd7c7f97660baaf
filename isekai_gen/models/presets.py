"""Models that people ask for by name, each with settings that suit it.

A preset is a model together with the settings that its authors recommend, adapted to what is drawn
here: many pictures on a data-center GPU, from the smallest download that the Hub offers.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isekai_gen.errors import InputError
from isekai_gen.settings import DEFAULT, STARTER


@dataclass(frozen=True)
class Preset:
    """A model and settings that suit it.

    Attributes:
        name: What `--preset` calls it.
        model: Hub id, or "starter".
        settings: Keys of [generate] in isekai.toml, beside `model`.
        note: What to know before using it, for people.
    """

    name: str
    model: str
    settings: Mapping[str, Any]
    note: str


# Settings that belong to one model and would be wrong, or refused, for another.
MODEL_KEYS = (
    "model",
    "revision",
    "variant",
    "dtype",
    "model_config",
    "vae",
    "loras",
    "scheduler",
    "cache",
    "num_inference_steps",
    "guidance_scale",
    "width",
    "height",
    "micro_batch_size",
)


def _settings(
    steps: int, guidance: float, side: int, dtype: str, micro_batch_size: int, **others: str
) -> dict[str, Any]:
    return {
        "num_inference_steps": steps,
        "guidance_scale": guidance,
        "width": side,
        "height": side,
        "dtype": dtype,
        "micro_batch_size": micro_batch_size,
        **others,
    }


_PRESETS = (
    Preset(
        "starter",
        STARTER,
        _settings(8, 4.0, 128, "auto", 4),
        "comes with the package, for trying things out; runs on a CPU",
    ),
    Preset(
        "sd15",
        "stable-diffusion-v1-5/stable-diffusion-v1-5",
        _settings(25, 7.5, 512, "bfloat16", 16, variant="fp16", scheduler="dpm++"),
        "Stable Diffusion 1.5: small and fast; has a safety checker",
    ),
    # float16 overflows in the VAE of Stable Diffusion XL, bfloat16 does not.
    Preset(
        "sdxl",
        "stabilityai/stable-diffusion-xl-base-1.0",
        _settings(30, 5.0, 1024, "bfloat16", 8, variant="fp16"),
        "Stable Diffusion XL 1.0, without its refiner",
    ),
    Preset(
        "sdxl-turbo",
        "stabilityai/sdxl-turbo",
        _settings(4, 0.0, 512, "bfloat16", 16, variant="fp16"),
        "distilled: 1 to 4 steps; no guidance, so no negative prompts; non-commercial license",
    ),
    Preset(
        "sd35",
        "stabilityai/stable-diffusion-3.5-medium",
        _settings(40, 4.5, 1024, "bfloat16", 4),
        "Stable Diffusion 3.5 medium; accept its license on the Hub first",
    ),
    Preset(
        "flux-schnell",
        "black-forest-labs/FLUX.1-schnell",
        _settings(4, 0.0, 1024, "bfloat16", 4),
        "distilled, 12 billion parameters: wants 40 GB of GPU memory; no negative prompts",
    ),
)
PRESETS: Mapping[str, Preset] = {preset.name: preset for preset in _PRESETS}


def preset_settings(name: str) -> dict[str, dict[str, Any]]:
    """Overrides for `Settings.with_overrides`: section to key to value.

    A preset says everything about the model: a key of `MODEL_KEYS` that it does not set goes back
    to its default, so that the scheduler, VAE, adapters or revision that an isekai.toml has for
    another model do not stay behind. Settings that are not about one model (seed, numbers of
    images, compile, safety checker, file format, ...) are left alone.

    Raises:
        InputError: If there is no such preset; suggests one.
    """
    preset = PRESETS.get(name)
    if preset is None:
        close = difflib.get_close_matches(name, PRESETS, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise InputError(f"--preset {name!r}: no such preset; {hint}known: {', '.join(PRESETS)}")
    defaults = dict.fromkeys(MODEL_KEYS, DEFAULT)
    return {"generate": {**defaults, "model": preset.model, **preset.settings}}
