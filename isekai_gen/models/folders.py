"""Which files of a diffusers folder a pipeline loads, from the names alone.

Works on names, so that the same rules choose what to download, what to check on disk and what to
hash. Only safetensors weights are ever chosen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isekai_gen.errors import ModelError

INDEX = "model_index.json"
OWN_DEFAULTS = "isekai_gen.json"
_WEIGHTS = re.compile(
    r"(?:diffusion_pytorch_model|model|pytorch_model)"
    r"(?:\.(?P<variant>\w+))?(?:-\d{5}-of-\d{5})?(?:\.(?P<old_variant>\w+))?\.safetensors"
)
_SHARD_INDEX = re.compile(r".*\.safetensors\.index(?:\.(?P<variant>\w+))?\.json")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".msgpack")
_CONFIGURATION = (".json", ".txt", ".model", ".jinja")


@dataclass(frozen=True)
class PipelineIndex:
    """The content of a model_index.json.

    Attributes:
        class_name: Pipeline class that saved the model.
        name: What the model calls itself, or "".
        components: Name to class name, None for a component that was saved as absent.
    """

    class_name: str
    name: str
    components: Mapping[str, str | None]


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a model's folder.

    Raises:
        ModelError: If the file is missing, unreadable, or no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"{path}: file not found; the model is incomplete") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: not readable as JSON ({error}); copy it again") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path}: not a JSON object; copy the file again")
    return content


def read_index(folder: Path) -> PipelineIndex:
    """The pipeline that a diffusers folder describes.

    Raises:
        ModelError: If there is no model_index.json, or it asks for custom code.
    """
    path = folder / INDEX
    if not path.exists():
        hint = (
            "it is one component of a pipeline: pass the folder above it"
            if (folder / "config.json").exists()
            else "pass a folder written by a diffusers pipeline's save_pretrained, "
            "a Hub id, or a .safetensors file"
        )
        raise ModelError(f"{folder}: no {INDEX}, so not a diffusers pipeline; {hint}")
    content = read_json(path)
    class_name = content.get("_class_name")
    if not isinstance(class_name, str):
        raise ModelError(
            f"{path}: asks for custom pipeline code ({class_name!r}), which is never run; "
            "use a model whose _class_name is a diffusers class"
        )
    parts = {
        key: value[1]
        for key, value in content.items()
        if not key.startswith("_") and isinstance(value, list) and len(value) == 2
    }
    return PipelineIndex(class_name, str(content.get("_name_or_path", "")), parts)


def names_in(folder: Path) -> list[str]:
    """Names of all files below `folder`, relative, with "/", sorted; hidden folders left out."""
    names = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(
        name.as_posix() for name in names if not any(part.startswith(".") for part in name.parts)
    )


def choose_files(
    names: Collection[str],
    index: PipelineIndex,
    variant: str | None,
    where: str,
    replaced: Collection[str] = (),
) -> list[str]:
    """Names of the files that loading this pipeline reads, and our own defaults; sorted.

    Args:
        names: Everything in the folder or repository, relative, with "/".
        index: Its model_index.json.
        variant: Weights variant such as "fp16"; a component without it gives its plain weights.
        where: Folder or Hub id, for messages.
        replaced: Components whose weights come from elsewhere: their configuration is enough.

    Raises:
        ModelError: If a component or its weights are missing, are pickles only, or come only in
            another variant.
    """
    chosen = [name for name in (INDEX, OWN_DEFAULTS) if name in names]
    used_variant = False
    for component in sorted(index.components):
        if index.components[component] is None:
            continue
        inside = _inside(names, component)
        if not inside:
            raise ModelError(
                f"{where}: component {component!r} of {INDEX} is missing; "
                "copy or download the whole model"
            )
        picked = _configuration_files(inside)
        if component in replaced:
            picked = [name for name in picked if name == "config.json"]
        elif "config.json" in inside:  # only neural networks have a plain config.json
            weights, of_variant = _weights(inside, variant, f"{where}: {component}")
            used_variant = used_variant or of_variant
            picked += weights
        chosen += [f"{component}/{name}" for name in picked]
    if variant is not None and not used_variant:
        raise ModelError(
            f"{where}: no weights of variant {variant!r}; leave --variant out or name one it has"
        )
    return sorted(chosen)


def choose_network_files(inside: Collection[str], variant: str | None, where: str) -> list[str]:
    """Names of the configuration and weights of one network, among those of its folder; sorted.

    Args:
        inside: Everything in the folder.
        variant: Weights variant; plain weights are taken if there are none of it.
        where: Folder or Hub id, for messages.

    Raises:
        ModelError: If the weights are missing, are pickles only, or come only in another variant.
    """
    weights, _ = _weights(inside, variant, where)
    return sorted(["config.json", *weights])


def configuration_only(names: Collection[str], index: PipelineIndex) -> list[str]:
    """Names of the pipeline's configuration and tokenizer files, without any weights; sorted."""
    present = [name for name, kind in index.components.items() if kind is not None]
    chosen = [INDEX]
    for component in present:
        inside = _configuration_files(_inside(names, component))
        chosen += [f"{component}/{name}" for name in inside]
    return sorted(chosen)


def _inside(names: Collection[str], component: str) -> list[str]:
    """Names of the files directly in a component's folder."""
    parts = (name.split("/") for name in names)
    return [part[1] for part in parts if len(part) == 2 and part[0] == component]


def _configuration_files(inside: Collection[str]) -> list[str]:
    return [
        name
        for name in inside
        if name.endswith(_CONFIGURATION) and not _SHARD_INDEX.fullmatch(name)
    ]


def _weights(inside: Collection[str], variant: str | None, where: str) -> tuple[list[str], bool]:
    """Weight files and shard indexes of one component, and whether they are of the variant."""
    by_variant: dict[str | None, list[str]] = {}
    for name in inside:
        match = _WEIGHTS.fullmatch(name)
        if match:
            key = match["variant"] or match["old_variant"]
            by_variant.setdefault(key, []).append(name)
    wanted = variant if variant in by_variant else None
    if wanted not in by_variant:
        raise ModelError(f"{where}: {_why_no_weights(inside, by_variant, variant)}")
    indexes = [
        name
        for name in inside
        if (match := _SHARD_INDEX.fullmatch(name)) and match["variant"] == wanted
    ]
    return by_variant[wanted] + indexes, wanted is not None


def _why_no_weights(
    inside: Collection[str], by_variant: Mapping[str | None, list[str]], variant: str | None
) -> str:
    others = sorted(name for name in by_variant if name)
    if others and variant is not None:
        return f"no weights of variant {variant!r}; it has only {', '.join(others)}"
    if others:
        return f"weights come only as variant {', '.join(others)}; pass --variant {others[0]}"
    if any(name.endswith(_PICKLES) for name in inside):
        return (
            "weights are pickle files (.bin), which can run code and are never loaded; "
            "convert them to .safetensors or choose a model that ships them"
        )
    return "weights (.safetensors) are missing; copy or download the model again"
