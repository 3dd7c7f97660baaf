"""Look at this machine: versions, devices, extras, models, disk. Changes nothing, calls nobody."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.cores import usable_cores
from isekai_gen.errors import IsekaiGenError
from isekai_gen.models.spec import starter_folder
from isekai_gen.optional import INSTALL_BY_MODULE, as_missing_dependency

_LIBRARIES = ("torch", "diffusers", "transformers", "open_clip_torch", "numpy", "pillow", "pyarrow")
_LOW_DISK_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    Attributes:
        name: What.
        ok: Whether the main job can rely on it.
        detail: What was found, and the remedy if it is not ok.
    """

    name: str
    ok: bool
    detail: str


def examine(workspace: Path) -> list[Check]:
    """Every check, in order.

    Args:
        workspace: Folder whose disk is measured; need not exist.
    """
    return [
        Check("python", True, f"{platform.python_version()} on {platform.platform()}"),
        *(_version(name) for name in _LIBRARIES),
        _look("devices", _devices),
        _faiss(),
        _look("starter image generator", _identify_generator),
        _look("starter encoder", _identify_encoder),
        _look("starter reference set", _open_reference),
        _look("Hub models", _hub_cache),
        _disk(workspace),
    ]


def _version(name: str) -> Check:
    try:
        return Check(name, True, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        install = INSTALL_BY_MODULE.get(name, "pip install isekai-gen")
        return Check(name, False, f"not installed; run: {install}")


def _look(name: str, found: Callable[[], str]) -> Check:
    """A check that fails for a reason that a user can mend."""
    try:
        return Check(name, True, found())
    except IsekaiGenError as error:
        return Check(name, False, str(error))
    except ModuleNotFoundError as error:
        missing = as_missing_dependency(error)
        if missing is None:
            raise
        return Check(name, False, str(missing))


def _devices() -> str:
    from isekai_gen.models.profile import available_devices

    names = [device.name for device in available_devices()]
    return f"{', '.join(names)}; {usable_cores()} CPU core(s)"


def _faiss() -> Check:
    if importlib.util.find_spec("faiss") is not None:
        return Check("faiss (optional)", True, "installed")
    remedy = "not installed; `pip install 'isekai-gen[cpu]'` or 'isekai-gen[gpu]' brings it"
    return Check("faiss (optional)", True, remedy)


def _identify_generator() -> str:
    from isekai_gen.models.identity import identify_generator
    from isekai_gen.settings import GenerateSettings
    from isekai_gen.stages.recipe import generator_spec

    identity = identify_generator(generator_spec(GenerateSettings()))
    width, height = identity.default_size
    return f"{identity.pipeline}, {width} x {height} pixels, weights {identity.digest[:12]}"


def _identify_encoder() -> str:
    from isekai_gen.models.encoder_files import identify_encoder
    from isekai_gen.settings import EmbedSettings
    from isekai_gen.stages.embed import encoder_spec

    return f"weights {identify_encoder(encoder_spec(EmbedSettings().encoder))[:12]}"


def _open_reference() -> str:
    from isekai_gen.neighbors.reference import load_reference

    reference = load_reference(starter_folder("reference"))
    return f"{reference.name}: {len(reference.classes)} classes"


def _hub_cache() -> str:
    from huggingface_hub import constants

    mode = "offline (HF_HUB_OFFLINE)" if constants.HF_HUB_OFFLINE else "on demand"
    return f"{mode}; cache {constants.HF_HUB_CACHE}"


def _disk(workspace: Path) -> Check:
    folder = workspace.resolve()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    writable = os.access(folder, os.W_OK)
    detail = f"{free / 1024**3:.1f} GiB free at {folder}"
    if not writable:
        return Check("disk", False, f"{folder} is not writable; choose another --workspace")
    if free < _LOW_DISK_BYTES:
        return Check("disk", False, f"{detail}; make room, or choose another --workspace")
    return Check("disk", True, detail)
