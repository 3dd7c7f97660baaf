"""From what the user named to local files: folder, single file, or Hub id.

No torch here: missing, incomplete, pickled and damaged models are found before anything heavy is
imported.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.errors import ModelError
from isekai_gen.models.folders import (
    PipelineIndex,
    choose_files,
    configuration_only,
    names_in,
    read_index,
)
from isekai_gen.models.headers import read_tensor_shapes
from isekai_gen.models.hub import Snapshot, find_snapshot
from isekai_gen.models.single_files import identify_checkpoint
from isekai_gen.models.spec import GeneratorSpec

_PICKLES = frozenset({".ckpt", ".pt", ".pth", ".bin", ".pkl"})


@dataclass(frozen=True)
class GeneratorFiles:
    """Local files of an image generator.

    Attributes:
        root: Folder with model_index.json; for a single file, its configuration folder.
        index: What model_index.json says.
        names: Files in `root` that loading reads, relative, sorted.
        single_file: The checkpoint, or None for a diffusers folder.
        revision: Commit of a Hub model, or "".
    """

    root: Path
    index: PipelineIndex
    names: tuple[str, ...]
    single_file: Path | None
    revision: str


def find_generator_files(spec: GeneratorSpec) -> GeneratorFiles:
    """Find, or download, the files of an image generator, and check that they are whole.

    Raises:
        ModelError: What was looked for, where, and the remedy.
    """
    path = Path(spec.source).expanduser()
    if path.is_dir():
        files = _from_folder(path, spec)
    elif path.is_file():
        files = _from_single_file(path, spec)
    elif _looks_like_path(spec.source):
        raise ModelError(
            f"{spec.source}: no such file or folder; check the path "
            "(a Hub id has the form owner/name)"
        )
    else:
        files = _from_hub(spec)
    for name in files.names:
        if name.endswith(".safetensors"):
            read_tensor_shapes(files.root / name)
    return files


def _looks_like_path(source: str) -> bool:
    has_file_suffix = Path(source).suffix in _PICKLES | {".safetensors"}
    return source.startswith((".", "/", "~")) or source.count("/") != 1 or has_file_suffix


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
    index = read_index(folder)
    names = choose_files(names_in(folder), index, spec.variant, str(folder))
    return GeneratorFiles(folder, index, tuple(names), None, "")


def _from_hub(spec: GeneratorSpec) -> GeneratorFiles:
    _refuse_config(spec)

    def choose(names: Collection[str], index: PipelineIndex) -> list[str]:
        return choose_files(names, index, spec.variant, spec.source)

    found = find_snapshot(spec.source, spec.revision, choose)
    return GeneratorFiles(found.folder, read_index(found.folder), found.chosen, None, found.commit)


def _from_single_file(path: Path, spec: GeneratorSpec) -> GeneratorFiles:
    _refuse_file_options(spec)
    if path.suffix != ".safetensors":
        what = "a pickle, which can run code" if path.suffix in _PICKLES else "no checkpoint"
        raise ModelError(f"{path}: {what}; only .safetensors files are loaded: convert it")
    if spec.variant is not None:
        raise ModelError(f"{path}: a single file has no variants; leave --variant out")
    kind = identify_checkpoint(path)
    if spec.config is not None:
        config = Path(spec.config).expanduser()
        index = read_index(config)
        names = configuration_only(names_in(config), index)
        return GeneratorFiles(config, index, tuple(names), path, "")
    found = _configuration_of(path, kind.title, kind.config_repo)
    return GeneratorFiles(found.folder, read_index(found.folder), found.chosen, path, "")


def _configuration_of(path: Path, title: str, repo: str) -> Snapshot:
    try:
        return find_snapshot(repo, None, configuration_only)
    except ModelError as error:
        raise ModelError(
            f"{path} is a {title} checkpoint and needs that pipeline's configuration: {error}, "
            "as the model's configuration folder (its json and txt files are enough)"
        ) from error
