"""The reproducibility profile: what, beside the recipe, an image's bits depend on.

Within one profile the same recipe gives the same pixels; across profiles only visual equality is
promised. Measured: bits change with the CPU thread count, so a worker always runs one thread.
"""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING, Any

from isekai_gen.errors import ModelError
from isekai_gen.models.spec import Device

if TYPE_CHECKING:
    import torch

DTYPES = ("float32", "float16", "bfloat16")
_LIBRARIES = ("torch", "diffusers", "transformers", "numpy", "pillow")


def available_devices() -> list[Device]:
    """Every CUDA device of this machine; the CPU, once, if there is none."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return [Device(f"cuda:{number}") for number in range(count)] or [Device("cpu")]


def resolve_dtype(name: str, device: Device) -> str:
    """The number format behind "auto": float32 on the CPU, bfloat16 on a GPU that has it.

    Raises:
        ModelError: If the name is unknown.
    """
    if name == "auto":
        if device.kind == "cpu":
            return "float32"
        import torch

        return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    if name not in DTYPES:
        raise ModelError(f"unknown dtype {name!r}; use auto, {', '.join(DTYPES)}")
    return name


def torch_device(device: Device) -> torch.device:
    """The device as torch knows it.

    Raises:
        ModelError: If this machine does not have it.
    """
    import torch

    if device.kind not in ("cpu", "cuda"):
        raise ModelError(f"unknown device {device.name!r}; use cpu or cuda:N")
    try:
        found = torch.device(device.name)
    except RuntimeError as error:
        raise ModelError(f"unknown device {device.name!r}; use cpu or cuda:N") from error
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if found.type == "cuda" and (found.index or 0) >= count:
        raise ModelError(
            f"device {device.name!r} is not on this machine (CUDA devices: {count}); "
            "name another with --devices"
        )
    return found


def make_deterministic(device: Device) -> None:
    """Set this process so that the same batch gives the same bits, run after run.

    One thread on the CPU; on CUDA no autotuning, no TF32, deterministic convolutions.
    """
    import torch

    if device.kind == "cpu":
        torch.set_num_threads(1)
        return
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def reproducibility_profile(device: Device, dtype: str) -> dict[str, str]:
    """Everything outside the recipe that an image's bits depend on.

    Args:
        device: Where the images are drawn.
        dtype: Number formats as the user writes them; "auto" is resolved.

    Returns:
        Library versions, device kind, CPU capability, GPU name (on CUDA), threads and dtype.
    """
    import torch

    from isekai_gen.models.dtypes import resolve_dtypes  # which builds on this module

    found = torch_device(device)
    profile = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    profile["device"] = device.kind
    profile["dtype"] = resolve_dtypes(dtype, device)
    profile["threads"] = "1"
    # The noise is drawn on the CPU on every device, so its vector unit always counts.
    capability: Any = torch.backends.cpu.get_cpu_capability  # type: ignore[no-untyped-call, unused-ignore]
    profile["cpu_capability"] = str(capability())
    if device.kind == "cuda":
        profile["gpu"] = torch.cuda.get_device_name(found)
        profile["cuda"] = str(torch.version.cuda)
        profile["cudnn"] = str(torch.backends.cudnn.version())  # type: ignore[no-untyped-call]
    return profile
