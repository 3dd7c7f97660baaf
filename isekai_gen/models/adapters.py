"""LoRA adapters: from what the user typed to weights that are part of the model.

Adapters are fused: their product is added to the model's own weights once, after loading, so that
drawing is as fast as without them and runs through plain layers.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isekai_gen.errors import MissingDependencyError, ModelError
from isekai_gen.models.headers import read_tensor_shapes
from isekai_gen.models.hub import Fetch, find_snapshot
from isekai_gen.models.paths import PICKLES, local_path, looks_like_path
from isekai_gen.models.quiet import quiet_libraries
from isekai_gen.models.spec import LoraSpec


@dataclass(frozen=True)
class LoraFile:
    """A LoRA adapter on this machine.

    Attributes:
        path: Its .safetensors file.
        label: What records call it: a Hub id, or the name of a file or folder.
        weight: Scale of the adapter.
    """

    path: Path
    label: str
    weight: float


def parse_lora(text: str) -> LoraSpec:
    """An adapter from "PATH_OR_ID" or "PATH_OR_ID:WEIGHT".

    Raises:
        ModelError: If the weight is no finite number, or there is nothing before it.
    """
    source, colon, weight = text.rpartition(":")
    try:
        value = float(weight) if colon else 1.0
    except ValueError:
        return LoraSpec(text)
    if not colon:
        source = text
    if not source or not math.isfinite(value):
        raise ModelError(f"--lora {text!r}: write PATH_OR_ID:WEIGHT, such as style.safetensors:0.8")
    return LoraSpec(source, value)


def find_lora(spec: LoraSpec) -> LoraFile:
    """Find, or download, an adapter, and check by its header that it is one.

    Raises:
        ModelError: What was looked for, where, and the remedy.
        MissingDependencyError: If peft is not installed.
    """
    path = local_path(spec.source)
    label = spec.source
    if path.is_dir():
        label, path = path.resolve().name, path / _only_adapter(_names_below(path), str(path))
    elif path.is_file():
        label = path.name
        if path.suffix != ".safetensors":
            what = "a pickle, which can run code" if path.suffix in PICKLES else "no adapter"
            raise ModelError(f"{path}: {what}; only .safetensors adapters are loaded: convert it")
    elif looks_like_path(spec.source):
        raise ModelError(
            f"--lora {spec.source}: no such file or folder; check the path "
            "(a Hub id has the form owner/name)"
        )
    else:
        path = _from_hub(spec.source)
    if not any("lora" in name.lower() for name in read_tensor_shapes(path)):
        raise ModelError(f"{path}: holds no LoRA weights; pass the adapter's own file")
    # Looked for, not imported: that would take seconds.
    if importlib.util.find_spec("peft") is None:
        raise MissingDependencyError(
            "LoRA adapters need peft, which is not installed; run: pip install 'isekai-gen[lora]'"
        )
    return LoraFile(path, label, spec.weight)


def _names_below(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def _from_hub(repo: str) -> Path:
    def choose(names: Collection[str], _fetch: Fetch) -> list[str]:
        return [_only_adapter([name for name in names if "/" not in name], repo)]

    found = find_snapshot(repo, None, choose)
    return found.folder / found.chosen[0]


def _only_adapter(names: Collection[str], where: str) -> str:
    adapters = sorted(name for name in names if name.endswith(".safetensors"))
    if len(adapters) == 1:
        return adapters[0]
    if adapters:
        raise ModelError(
            f"{where}: has {len(adapters)} .safetensors files ({', '.join(adapters[:5])}); "
            "download and pass the one file that you mean"
        )
    pickled = any(Path(name).suffix in PICKLES for name in names)
    what = "only pickle files, which can run code and are never loaded" if pickled else "no file"
    raise ModelError(f"{where}: {what}; an adapter is one .safetensors file")


def fuse_adapters(pipeline: Any, adapters: Sequence[LoraFile], label: str) -> None:  # noqa: ANN401
    """Add adapters to the weights of a loaded diffusers pipeline.

    Raises:
        ModelError: If the pipeline takes no adapters, or one does not fit this model entirely.
    """
    if not hasattr(pipeline, "load_lora_weights"):
        raise ModelError(f"{label}: {type(pipeline).__name__} takes no LoRA; leave --lora out")
    names = [f"adapter_{number}" for number in range(len(adapters))]
    for name, adapter in zip(names, adapters, strict=True):
        _load(pipeline, adapter, name, label)
    pipeline.set_adapters(names, adapter_weights=[adapter.weight for adapter in adapters])
    fitted = [part for part in pipeline._lora_loadable_modules if _count(pipeline, part, names)]
    # Safe fusing refuses weights that are not finite.
    pipeline.fuse_lora(components=fitted, adapter_names=names, safe_fusing=True)
    pipeline.unload_lora_weights()


def _load(pipeline: Any, adapter: LoraFile, name: str, label: str) -> None:  # noqa: ANN401
    """Load one adapter; every tensor of it must find its layer."""
    try:
        with quiet_libraries() as said:
            pipeline.load_lora_weights(
                str(adapter.path.parent),
                weight_name=adapter.path.name,
                adapter_name=name,
                use_safetensors=True,
                local_files_only=True,
            )
    except Exception as error:  # diffusers and peft raise nearly every type for a misfit
        detail = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{adapter.path}: does not fit {label} ({type(error).__name__}: {detail}); "
            "use an adapter that was trained for this model"
        ) from error
    ignored = any("unexpected keys" in message for message in said.messages)
    if ignored or not any(_count(pipeline, part, [name]) for part in pipeline.components):
        what = "has layers that are not in" if ignored else "changes no layer of"
        raise ModelError(
            f"{adapter.path}: {what} {label}; use an adapter that was trained for this model"
        )


def _count(pipeline: Any, part: str, names: Collection[str]) -> int:  # noqa: ANN401
    """Layers of one component that carry any of the adapters."""
    import torch

    component = getattr(pipeline, part, None)
    if not isinstance(component, torch.nn.Module):
        return 0
    layers = (getattr(module, "lora_A", {}) for module in component.modules())
    return sum(any(name in layer for name in names) for layer in layers)
