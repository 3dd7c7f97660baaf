"""What an image generator is, from its files alone: no torch, no diffusers.

The digest covers the bytes of every file that loading reads, so that the same weights under
another path have the same identity. Big files are hashed each time; nothing is cached on disk.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isekai_gen.errors import ModelError
from isekai_gen.hashing import digest_of
from isekai_gen.models.caches import check_cache_name, check_cacheable
from isekai_gen.models.digests import GeneratorDigests
from isekai_gen.models.dtypes import parse_dtype
from isekai_gen.models.families import (
    default_steps_and_guidance,
    family_of,
    text_to_image_class_name,
)
from isekai_gen.models.flow_timesteps import check_timesteps
from isekai_gen.models.folders import OWN_DEFAULTS, read_json
from isekai_gen.models.schedulers import (
    SchedulerConfig,
    SchedulerSpec,
    override_scheduler,
    parse_scheduler,
    require_libraries,
)
from isekai_gen.models.sources import VAE, GeneratorFiles, find_generator_files
from isekai_gen.models.spec import GeneratorIdentity, GeneratorSpec

# What diffusers' transformer pipelines assume when the configuration names no sample size.
_SAMPLE_SIZE = 128


def identify_generator(spec: GeneratorSpec) -> GeneratorIdentity:
    """Identity, defaults and limits of an image generator.

    Raises:
        ModelError: If its files cannot be found, are damaged, or describe no pipeline.
    """
    # What needs no files is said before any of them is looked for, or downloaded.
    dtypes = parse_dtype(spec.dtype)
    override = None if spec.scheduler is None else parse_scheduler(spec.scheduler)
    if spec.cache is not None:
        check_cache_name(spec.cache, reproducible=spec.reproducible)
    files = find_generator_files(spec)
    dtypes.check_components(_networks(files), spec.label)
    if spec.cache is not None:
        check_cacheable(spec.cache, files.index.components.get("transformer"), spec.label)
    pipeline = text_to_image_class_name(files.index.class_name)
    scheduler, scheduler_digest = _scheduler(files, override, spec)
    denoiser = _config(files, "unet") or _config(files, "transformer")
    steps, guidance = _defaults(files, spec, pipeline, scheduler)
    digests = GeneratorDigests.of(files)
    return GeneratorIdentity(
        label=spec.label,
        revision=files.revision,
        digest=digests.whole(files),
        pipeline=pipeline,
        scheduler=scheduler,
        scheduler_config_digest=scheduler_digest,
        default_size=_default_size(denoiser, _latent_scale(files)),
        default_steps=steps,
        default_guidance=guidance,
        # A UNet distilled for guidance (LCM) never runs the unconditional half.
        accepts_negative_prompt=family_of(pipeline).negative
        and denoiser.get("time_cond_proj_dim") is None,
        size_multiple=_size_multiple(files, denoiser),
        adapters=digests.adapters(files),
    )


def read_own_scheduler(files: GeneratorFiles) -> SchedulerConfig:
    """The scheduler that a model was saved with.

    Raises:
        ModelError: If its configuration is missing.
    """
    name = "scheduler/scheduler_config.json"
    if name not in files.names:
        raise ModelError(f"{files.root}: {name} is missing; copy or download the whole model")
    content = read_json(files.root / name)
    kind = files.index.components["scheduler"] or str(content.get("_class_name"))
    return SchedulerConfig(kind, {k: v for k, v in content.items() if not k.startswith("_")})


def _scheduler(
    files: GeneratorFiles, override: SchedulerSpec | None, spec: GeneratorSpec
) -> tuple[str, str]:
    """Class and configuration digest of the scheduler that will be used."""
    own = read_own_scheduler(files)
    used, digest = own, digest_of(own.canonical)
    if override is not None:
        used = own.replaced_by(override)
        digest = override_scheduler(own, override, spec.label)
        if own.is_flow:
            pipeline = text_to_image_class_name(files.index.class_name)
            check_timesteps(used, pipeline, spec.label)
    if spec.reproducible:
        used.refuse_if_not_reproducible(spec.label)
    require_libraries(used.class_name)
    return used.class_name, digest


def _networks(files: GeneratorFiles) -> list[str]:
    """Components with weights, which have a number format."""
    return [name for name in files.index.components if f"{name}/config.json" in files.names]


def _config(files: GeneratorFiles, component: str) -> dict[str, Any]:
    """Configuration of a network, {} if the pipeline has no such component."""
    name = f"{component}/config.json"
    return read_json(files.root / name) if name in files.names else {}


def _defaults(
    files: GeneratorFiles, spec: GeneratorSpec, pipeline: str, scheduler: str
) -> tuple[int, float]:
    if OWN_DEFAULTS in files.names:
        return _own_defaults(files.root / OWN_DEFAULTS)
    # Last parts only: a folder above the model may be called anything.
    name = " ".join(Path(text).name for text in (spec.source, spec.label, files.index.name))
    return default_steps_and_guidance(pipeline, name, scheduler, _config(files, "transformer"))


def _own_defaults(path: Path) -> tuple[int, float]:
    content = read_json(path)
    wanted = {"num_inference_steps", "guidance_scale"}
    if content.keys() != wanted:
        raise ModelError(f"{path}: must have exactly {sorted(wanted)}, has {sorted(content)}")
    steps, guidance = content["num_inference_steps"], content["guidance_scale"]
    steps_fit = isinstance(steps, int) and not isinstance(steps, bool) and steps > 0
    if not steps_fit or not isinstance(guidance, int | float) or guidance < 0:
        raise ModelError(f"{path}: needs steps >= 1 and guidance >= 0, has {steps!r}, {guidance!r}")
    return steps, float(guidance)


def _latent_scale(files: GeneratorFiles) -> int:
    """Pixels per latent cell: 2 for each halving in the VAE's encoder."""
    vae = _config(files, VAE) if files.vae is None else files.vae.config
    blocks = vae.get("block_out_channels") or vae.get("encoder_block_out_channels")
    return int(2 ** (len(blocks) - 1)) if blocks else 8


def _default_size(denoiser: Mapping[str, Any], scale: int) -> tuple[int, int]:
    sample = denoiser.get("sample_size") or _SAMPLE_SIZE
    height, width = (sample, sample) if isinstance(sample, int) else sample
    return int(width) * scale, int(height) * scale


def _size_multiple(files: GeneratorFiles, denoiser: Mapping[str, Any]) -> int:
    """8 for UNets; for transformers also a whole number of patches, at least 16."""
    scale = _latent_scale(files)
    if "transformer/config.json" not in files.names:
        return math.lcm(8, scale)
    return math.lcm(16, scale * int(denoiser.get("patch_size") or 1))
