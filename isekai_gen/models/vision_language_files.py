"""Files of a transformers image-text-to-text model: a local folder or a Hub snapshot.

Safetensors only. No torch here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.errors import ModelError
from isekai_gen.hashing import digest_of, file_sha256
from isekai_gen.models.folders import choose_network_files, names_in, read_json
from isekai_gen.models.headers import read_tensor_shapes
from isekai_gen.models.hub import find_snapshot
from isekai_gen.models.paths import local_path, looks_like_path

_CONFIG = "config.json"
_READ_ALONG = (".json", ".txt", ".model", ".jinja")
_SHARD_INDEX = ".safetensors.index."


@dataclass(frozen=True)
class VisionLanguageFiles:
    """Local files of a model.

    Attributes:
        folder: Where they lie.
        label: Hub id, or the folder's name.
        model_type: As its configuration has it, such as "llava".
        digest: SHA-256 over the names and bytes of all files that loading reads.
    """

    folder: Path
    label: str
    model_type: str
    digest: str


def find_vision_language_files(source: str) -> VisionLanguageFiles:
    """Find, or download, the files of a model, and check that they are whole.

    Args:
        source: A folder written by save_pretrained, or a Hub id.

    Raises:
        ModelError: What was looked for, where, and the remedy.
    """
    path = local_path(source)
    if path.is_dir():
        folder, label = path, path.resolve().name
        names = _choose(names_in(path), source)
    elif path.exists() or looks_like_path(source):
        raise ModelError(
            f"{source}: no such folder; check the path (a Hub id has the form owner/name)"
        )
    else:
        snapshot = find_snapshot(source, None, lambda names, _: _choose(names, source))
        folder, label, names = snapshot.folder, source, list(snapshot.chosen)
    for name in names:
        if name.endswith(".safetensors"):
            read_tensor_shapes(folder / name)
    digest = digest_of({name: file_sha256(folder / name) for name in names})
    return VisionLanguageFiles(folder, label, _model_type(folder / _CONFIG), digest)


def _choose(names: Collection[str], where: str) -> list[str]:
    """Names of what loading reads: configuration, processor, template, weights; sorted."""
    inside = [name for name in names if "/" not in name]
    if _CONFIG not in inside:
        raise ModelError(
            f"{where}: no {_CONFIG}, so not a transformers model; pass a folder written by "
            "save_pretrained, or a Hub id"
        )
    along = [name for name in inside if name.endswith(_READ_ALONG) and _SHARD_INDEX not in name]
    return sorted({*along, *choose_network_files(inside, None, where)})


def _model_type(path: Path) -> str:
    model_type = read_json(path).get("model_type")
    if not isinstance(model_type, str):
        raise ModelError(f"{path}: names no model_type; copy the file again")
    return model_type
