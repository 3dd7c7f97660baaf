"""Load an image generator with diffusers: any folder, Hub model or single file, one way.

Safetensors only, local files only (`sources` has fetched them), never custom code. Whatever goes
wrong becomes one ModelError line.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import Any

from isekai_gen.errors import IsekaiGenError, ModelError
from isekai_gen.models.adapters import fuse_adapters
from isekai_gen.models.caches import enable_cache
from isekai_gen.models.compiling import compile_pipeline, keep_vae_contiguous
from isekai_gen.models.drawing import DiffusersGenerator
from isekai_gen.models.dtypes import DtypeSpec, parse_dtype
from isekai_gen.models.families import text_to_image_class_name
from isekai_gen.models.identity import read_own_scheduler
from isekai_gen.models.mixed_dtypes import cast_components, join_components, torch_dtypes
from isekai_gen.models.profile import make_deterministic, torch_device
from isekai_gen.models.quiet import hide_progress_bars, quiet_libraries
from isekai_gen.models.schedulers import (
    SchedulerConfig,
    SchedulerSpec,
    parse_scheduler,
    replacement_settings,
)
from isekai_gen.models.sources import VAE, GeneratorFiles, find_generator_files
from isekai_gen.models.spec import Device, GeneratorSpec, ImageGenerator
from isekai_gen.models.vae_files import VaeFiles


def load_generator(spec: GeneratorSpec, device: Device) -> ImageGenerator:
    """Load an image generator onto a device, and make this process deterministic.

    Args:
        spec: Which model, and how.
        device: Where it draws; on the CPU the process is set to one thread.

    Raises:
        ModelError: If the model cannot be found or loaded; one line with the remedy.
    """
    return DiffusersGenerator(load_pipeline(spec, device), spec.label)


def load_pipeline(spec: GeneratorSpec, device: Device) -> Any:  # noqa: ANN401 - a diffusers pipeline
    """As `load_generator`, but the text-to-image pipeline itself, its safety checker in it.

    Raises:
        ModelError: As `load_generator`.
    """
    files = find_generator_files(spec)
    target = torch_device(device)
    make_deterministic(device)
    dtypes = parse_dtype(spec.dtype).resolved(device)
    with quiet_libraries() as said:
        import torch

        hide_progress_bars()
        pipeline_class = _pipeline_class(files)
        try:
            pipeline = _load(pipeline_class, files, spec.variant, dtypes)
            pipeline.to(target)
            if files.loras:
                fuse_adapters(pipeline, files.loras, spec.label)
            _align_weights(pipeline)
            _apply(spec, files, dtypes, pipeline)
        except torch.OutOfMemoryError as error:
            raise ModelError(
                f"{spec.source}: the model does not fit into the memory of {device.name}; "
                "use a smaller model, a half-precision dtype, or a device with more memory"
            ) from error
        except IsekaiGenError:
            raise
        except Exception as error:  # diffusers raises nearly every type for a broken model
            _refuse_random_weights(spec, said.messages)
            raise ModelError(_why_not_loaded(spec, error)) from error
    _refuse_random_weights(spec, said.messages)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _apply(spec: GeneratorSpec, files: GeneratorFiles, dtypes: DtypeSpec, pipeline: Any) -> None:  # noqa: ANN401
    """Scheduler, joints, cache and compilation, in this order: each builds on the one before."""
    if spec.scheduler is not None:
        _replace_scheduler(pipeline, read_own_scheduler(files), parse_scheduler(spec.scheduler))
    if dtypes.by_component:
        join_components(pipeline)
    if spec.cache is not None:
        enable_cache(pipeline, spec.cache)
    if spec.compiled:
        compile_pipeline(pipeline)
    elif pipeline.device.type == "cuda":
        keep_vae_contiguous(pipeline)


def _replace_scheduler(pipeline: Any, own: SchedulerConfig, override: SchedulerSpec) -> None:  # noqa: ANN401
    """Put another scheduler in place of a loaded pipeline's own, trained with the same settings."""
    import diffusers

    scheduler_class = getattr(diffusers, override.class_name)
    pipeline.scheduler = scheduler_class.from_config(
        pipeline.scheduler.config, **replacement_settings(own, override)
    )


def _pipeline_class(files: GeneratorFiles) -> Any:  # noqa: ANN401 - a diffusers class
    """The text-to-image class for a model, as diffusers' own table has it.

    Raises:
        ModelError: If diffusers has no such class, or it does not draw from text.
    """
    import diffusers
    from diffusers.pipelines.auto_pipeline import (
        AUTO_TEXT2IMAGE_PIPELINES_MAPPING,
        _get_task_class,
    )

    named = files.index.class_name
    mapped = _get_task_class(AUTO_TEXT2IMAGE_PIPELINES_MAPPING, named, False)
    found = mapped or getattr(diffusers, text_to_image_class_name(named), None)
    if found is None:
        raise ModelError(
            f"{files.root}: pipeline class {named!r} is unknown to diffusers "
            f"{diffusers.__version__}; upgrade diffusers or choose another model"
        )
    if "prompt" not in inspect.signature(found.__call__).parameters:
        raise ModelError(
            f"{files.root}: {named} takes no prompt, so it draws nothing from text; "
            "choose a text-to-image model"
        )
    return found


def _load(
    pipeline_class: Any,  # noqa: ANN401 - a diffusers class
    files: GeneratorFiles,
    variant: str | None,
    dtypes: DtypeSpec,
) -> Any:  # noqa: ANN401 - a diffusers pipeline
    accepted = inspect.signature(pipeline_class.__init__).parameters
    # Components saved as absent (SD3 without T5) cannot be reloaded unless passed as None.
    given: dict[str, Any] = {
        name: None
        for name, kind in files.index.components.items()
        if kind is None and name in accepted
    }
    if given.get("safety_checker", "") is None and "requires_safety_checker" in accepted:
        given["requires_safety_checker"] = False
    if files.vae is not None:
        given[VAE] = _load_vae(files.vae, dtypes)
    if files.single_file is None:
        return pipeline_class.from_pretrained(
            str(files.root),
            variant=variant,
            dtype=torch_dtypes(dtypes),
            use_safetensors=True,
            local_files_only=True,
            **given,
        )
    if not hasattr(pipeline_class, "from_single_file"):
        raise ModelError(f"{pipeline_class.__name__} loads from a folder only; pass the folder")
    # It takes one format for all; cast afterwards, from one that loses nothing.
    plain = DtypeSpec("float32", {}) if dtypes.by_component else dtypes
    # An explicit folder: without one, diffusers goes to the network even when told not to.
    pipeline = pipeline_class.from_single_file(
        str(files.single_file),
        config=str(files.root),
        dtype=torch_dtypes(plain),
        local_files_only=True,
        **given,
    )
    if dtypes.by_component:
        cast_components(pipeline, dtypes)
    return pipeline


def _load_vae(vae: VaeFiles, dtypes: DtypeSpec) -> Any:  # noqa: ANN401 - a diffusers model
    import diffusers

    own = DtypeSpec(dtypes.by_component.get(VAE, dtypes.base), {})
    return getattr(diffusers, vae.class_name).from_pretrained(
        str(vae.folder),
        variant=vae.variant,
        dtype=torch_dtypes(own),
        use_safetensors=True,
        local_files_only=True,
    )


def _align_weights(pipeline: Any) -> None:  # noqa: ANN401 - a diffusers pipeline
    """Copy weights that lie in a memory-mapped file to memory of torch's own alignment.

    Measured on the CPU: kernels round differently for unaligned weights, so the same weights gave
    other last bits from a single file than from a folder, whose headers have other lengths.
    """
    for part in pipeline.components.values():
        if not hasattr(part, "parameters"):
            continue
        for tensor in (*part.parameters(), *part.buffers()):
            if tensor.device.type == "cpu":
                tensor.data = tensor.data.clone()


def _refuse_random_weights(spec: GeneratorSpec, messages: Sequence[str]) -> None:
    """Refuse a model whose files lack parameters.

    Transformers and diffusers fill them with random numbers and only log it; the pictures would
    be noise. Names cannot be compared instead: both libraries rename parameters of older files.
    """
    for message in messages:
        if "newly initialized" in message:
            plain = " ".join(re.sub(r"\x1b\[\d*m", "", message).split())
            raise ModelError(
                f"{spec.source}: weight files lack some of the model's parameters "
                f"({plain[:200]} ...); download the model again"
            )


def _why_not_loaded(spec: GeneratorSpec, error: Exception) -> str:
    detail = " ".join(str(error).split())
    if len(detail) > 300:
        detail = detail[:300] + " ..."
    return (
        f"{spec.source}: diffusers cannot load this model ({type(error).__name__}: {detail}); "
        "download it again or choose another model"
    )
