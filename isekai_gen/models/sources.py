"""From what the user named to local files: folder, single file, or Hub id.

No torch here: missing, incomplete, pickled and damaged models are found before anything heavy is
imported.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from isekai_gen.errors import ModelError
from isekai_gen.models.adapters import LoraFile, find_lora
from isekai_gen.models.folders import (
    INDEX,
    PipelineIndex,
    choose_files,
    configuration_only,
    names_in,
    read_index,
    read_json,
)
from isekai_gen.models.headers import read_tensor_shapes
from isekai_gen.models.hub import Fetch, Snapshot, find_snapshot
from isekai_gen.models.paths import PICKLES, local_path, looks_like_path
from isekai_gen.models.single_files import identify_checkpoint
from isekai_gen.models.spec import GeneratorSpec
from isekai_gen.models.vae_files import VaeFiles, check_fits, find_vae

VAE = "vae"
SAFETY_CHECKER = "safety_checker"


@dataclass(frozen=True)
class GeneratorFiles:
    """Local files of an image generator.

    Attributes:
        root: Folder with model_index.json; for a single file, its configuration folder.
        index: What model_index.json says, without a safety checker that is not wanted.
        names: Files in `root` that loading reads, relative, sorted.
        single_file: The checkpoint, or None for a diffusers folder.
        revision: Commit of a Hub model, or "".
        vae: The VAE in place of the model's own, or None.
        loras: Adapters, in the order they are applied.
    """

    root: Path
    index: PipelineIndex
    names: tuple[str, ...]
    single_file: Path | None
    revision: str
    vae: VaeFiles | None = None
    loras: tuple[LoraFile, ...] = ()


def find_generator_files(spec: GeneratorSpec) -> GeneratorFiles:
    """Find, or download, the files of an image generator, and check that they are whole.

    Raises:
        ModelError: What was looked for, where, and the remedy.
    """
    path = local_path(spec.source)
    if path.is_dir():
        files = _from_folder(path, spec)
    elif path.is_file():
        files = _from_single_file(path, spec)
    elif looks_like_path(spec.source):
        raise ModelError(
            f"{spec.source}: no such file or folder; check the path "
            "(a Hub id has the form owner/name)"
        )
    else:
        files = _from_hub(spec)
    for name in files.names:
        if name.endswith(".safetensors"):
            read_tensor_shapes(files.root / name)
    loras = tuple(find_lora(lora) for lora in spec.loras)
    return replace(files, vae=_find_vae(files, spec), loras=loras)


def _find_vae(files: GeneratorFiles, spec: GeneratorSpec) -> VaeFiles | None:
    if spec.vae is None:
        return None
    own = f"{VAE}/config.json"
    if own not in files.names:
        raise ModelError(f"{spec.source}: has no VAE to replace; leave --vae out")
    vae = find_vae(spec.vae, spec.variant)
    check_fits(vae, read_json(files.root / own), spec.label)
    return vae


def _as_asked(index: PipelineIndex, spec: GeneratorSpec) -> PipelineIndex:
    """The index, its safety checker marked as absent if the user wants none."""
    if spec.safety_checker or SAFETY_CHECKER not in index.components:
        return index
    return replace(index, components={**index.components, SAFETY_CHECKER: None})


def _replaced(spec: GeneratorSpec) -> tuple[str, ...]:
    return () if spec.vae is None else (VAE,)


def _refuse_file_options(spec: GeneratorSpec) -> None:
    if spec.revision is not None:
        raise ModelError(f"{spec.source}: --revision is for Hub models; leave it out")


def _refuse_config(spec: GeneratorSpec) -> None:
    if spec.config is not None:
        raise ModelError(
            f"{spec.source}: a configuration folder is for single .safetensors files; leave it out"
        )


def _from_folder(folder: Path, spec: GeneratorSpec) -> GeneratorFiles:
    _refuse_file_options(spec)
    _refuse_config(spec)
    index = _as_asked(read_index(folder), spec)
    names = choose_files(names_in(folder), index, spec.variant, str(folder), _replaced(spec))
    return GeneratorFiles(folder, index, tuple(names), None, "")


def _from_hub(spec: GeneratorSpec) -> GeneratorFiles:
    _refuse_config(spec)

    def choose(names: Collection[str], fetch: Fetch) -> list[str]:
        index = _as_asked(_fetched_index(spec.source, names, fetch), spec)
        return choose_files(names, index, spec.variant, spec.source, _replaced(spec))

    found = find_snapshot(spec.source, spec.revision, choose)
    index = _as_asked(read_index(found.folder), spec)
    return GeneratorFiles(found.folder, index, found.chosen, None, found.commit)


def _fetched_index(repo: str, names: Collection[str], fetch: Fetch) -> PipelineIndex:
    if INDEX not in names:
        raise ModelError(
            f"{repo}: has no {INDEX}, so it is not a diffusers pipeline; choose a model "
            "in diffusers form, or download its .safetensors file and pass that"
        )
    return read_index(fetch(INDEX).parent)


def _from_single_file(path: Path, spec: GeneratorSpec) -> GeneratorFiles:
    _refuse_file_options(spec)
    if path.suffix != ".safetensors":
        what = "a pickle, which can run code" if path.suffix in PICKLES else "no checkpoint"
        raise ModelError(f"{path}: {what}; only .safetensors files are loaded: convert it")
    if spec.variant is not None:
        raise ModelError(f"{path}: a single file has no variants; leave --variant out")
    kind = identify_checkpoint(path)
    if spec.config is not None:
        config = local_path(spec.config)
        index = _as_asked(read_index(config), spec)
        names = configuration_only(names_in(config), index)
        return GeneratorFiles(config, index, tuple(names), path, "")
    found = _configuration_of(path, kind.title, kind.config_repo)
    index = _as_asked(read_index(found.folder), spec)
    return GeneratorFiles(found.folder, index, found.chosen, path, "")


def _configuration_of(path: Path, title: str, repo: str) -> Snapshot:
    def choose(names: Collection[str], fetch: Fetch) -> list[str]:
        return configuration_only(names, _fetched_index(repo, names, fetch))

    try:
        return find_snapshot(repo, None, choose)
    except ModelError as error:
        raise ModelError(
            f"{path} is a {title} checkpoint and needs that pipeline's configuration: {error}, "
            "as the model's configuration folder (its json and txt files are enough)"
        ) from error
