"""A VAE in place of a model's own: its files, and whether it fits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isekai_gen.errors import ModelError
from isekai_gen.models.folders import choose_network_files, names_in, read_json
from isekai_gen.models.headers import read_tensor_shapes
from isekai_gen.models.hub import Fetch, find_snapshot
from isekai_gen.models.paths import local_path, looks_like_path

_CONFIG = "config.json"
# What must agree for latents to mean the same, and what AutoencoderKL assumes where an old
# configuration does not say it.
_LATENTS = {
    "_class_name": None,
    "latent_channels": 4,
    "scaling_factor": 0.18215,
    "shift_factor": None,
}


@dataclass(frozen=True)
class VaeFiles:
    """Local files of a VAE.

    Attributes:
        label: What records call it: a Hub id, or the name of a folder.
        folder: Holds config.json and the weights.
        names: Files in `folder` that loading reads, sorted.
        config: Its configuration.
        variant: Weights variant of the files, or None.
    """

    label: str
    folder: Path
    names: tuple[str, ...]
    config: dict[str, Any]
    variant: str | None

    @property
    def class_name(self) -> str:
        """Diffusers class."""
        return str(self.config.get("_class_name"))


def find_vae(source: str, variant: str | None) -> VaeFiles:
    """Find, or download, a VAE: a folder or Hub id of its own, or of a pipeline that has one.

    Args:
        source: Local folder or Hub id.
        variant: Weights variant; plain weights are taken if it has none of it.

    Raises:
        ModelError: What was looked for, where, and the remedy.
    """
    path = local_path(source)
    if path.is_file():
        raise ModelError(
            f"--vae {source}: a single file; pass a folder with {_CONFIG} and weights, "
            "as written by save_pretrained, or a Hub id"
        )
    if path.is_dir():
        label, root, chosen = path.resolve().name, path, _choose(names_in(path), source, variant)
    elif looks_like_path(source):
        raise ModelError(
            f"--vae {source}: no such folder; check the path (a Hub id has the form owner/name)"
        )
    else:

        def choose(names: Collection[str], _fetch: Fetch) -> list[str]:
            return _choose(names, source, variant)

        snapshot = find_snapshot(source, None, choose)
        label, root, chosen = source, snapshot.folder, list(snapshot.chosen)
    folder, names = root / Path(chosen[0]).parent, sorted(Path(name).name for name in chosen)
    for name in names:
        if name.endswith(".safetensors"):
            read_tensor_shapes(folder / name)
    used = variant if any(f".{variant}" in name for name in names) else None
    return VaeFiles(label, folder, tuple(names), read_json(folder / _CONFIG), used)


def _choose(names: Collection[str], source: str, variant: str | None) -> list[str]:
    """Names of a VAE's files, at the top or, for a whole pipeline, in its folder vae/."""
    prefix = next((start for start in ("", "vae/") if start + _CONFIG in names), None)
    if prefix is None:
        raise ModelError(f"--vae {source}: no {_CONFIG} and no vae/{_CONFIG}; pass a VAE's folder")
    inside = [name[len(prefix) :] for name in names if name.startswith(prefix)]
    chosen = choose_network_files(inside, variant, f"--vae {source}")
    return [prefix + name for name in chosen]


def check_fits(vae: VaeFiles, own: dict[str, Any], label: str) -> None:
    """Refuse a VAE whose latents are not those of the model.

    Args:
        vae: The one in place of the model's own.
        own: Configuration of the model's own.
        label: The model, for messages.

    Raises:
        ModelError: Names what differs.
    """
    for key, default in _LATENTS.items():
        has, needs = vae.config.get(key, default), own.get(key, default)
        if has != needs:
            raise ModelError(
                f"--vae {vae.label}: its {key.lstrip('_')} is {has}, where {label} needs {needs}; "
                "use a VAE of the same kind of model"
            )
