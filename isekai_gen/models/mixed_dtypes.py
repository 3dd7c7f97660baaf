"""Components of different number formats in one pipeline.

Diffusers hands tensors from one component to the next as they are, and torch refuses to mix
formats in one layer. So the denoiser and the VAE cast what they are given to their own format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isekai_gen.models.dtypes import DtypeSpec

if TYPE_CHECKING:
    import torch

_DENOISERS = ("unet", "transformer", "transformer_2", "prior")


def torch_dtypes(dtypes: DtypeSpec) -> torch.dtype | dict[str, torch.dtype]:
    """What `from_pretrained` takes as `dtype`; `dtypes` is resolved."""
    import torch

    base: torch.dtype = getattr(torch, dtypes.base)
    if not dtypes.by_component:
        return base
    apart = {name: getattr(torch, dtype) for name, dtype in dtypes.by_component.items()}
    return {"default": base, **apart}


def cast_components(pipeline: Any, dtypes: DtypeSpec) -> None:  # noqa: ANN401 - a pipeline
    """Bring every network of a loaded pipeline to its format; `dtypes` is resolved."""
    import torch

    for name, part in pipeline.components.items():
        if isinstance(part, torch.nn.Module):
            part.to(dtype=getattr(torch, dtypes.by_component.get(name, dtypes.base)))


def join_components(pipeline: Any) -> None:  # noqa: ANN401 - a diffusers pipeline
    """Let denoisers and VAE cast floating tensors that they are given to their own format."""
    for name in _DENOISERS:
        denoiser = getattr(pipeline, name, None)
        if denoiser is not None:
            denoiser.register_forward_pre_hook(_cast_inputs, with_kwargs=True)
    vae = getattr(pipeline, "vae", None)
    if vae is not None:
        decode = vae.decode

        def decode_cast(latents: torch.Tensor, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            return decode(latents.to(vae.dtype), *args, **kwargs)

        vae.decode = decode_cast


def _cast_inputs(
    module: Any,  # noqa: ANN401 - a diffusers model
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> tuple[Any, dict[str, Any]]:
    return _cast(args, module.dtype), _cast(kwargs, module.dtype)


def _cast(value: Any, dtype: torch.dtype) -> Any:  # noqa: ANN401 - whatever a model is given
    """`value` with every floating tensor in it, also in lists and dicts, of this format."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.to(dtype) if value.is_floating_point() else value
    if isinstance(value, dict):
        return {key: _cast(part, dtype) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_cast(part, dtype) for part in value)
    return value
