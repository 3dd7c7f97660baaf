"""Files of a local encoder: a folder of OpenCLIP or timm, or a TorchScript file.

Folders of OpenCLIP and timm hold safetensors only. TorchScript is a program by nature: it is loaded
only where a person named that very file or folder.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from isekai_gen.errors import ModelError
from isekai_gen.hashing import digest_of, file_sha256
from isekai_gen.models.encoder_kinds import (
    OPEN_CLIP_CONFIG,
    TIMM_CONFIG,
    EncoderFiles,
    torchscript_files,
)
from isekai_gen.models.encoder_preprocess import read_preprocess
from isekai_gen.models.folders import read_json
from isekai_gen.models.headers import read_tensor_shapes

# In the order in which OpenCLIP itself prefers them.
_OPEN_CLIP_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors")
_TIMM_WEIGHTS = "model.safetensors"
_TOKENIZER_SUFFIXES = (".json", ".txt", ".model")
_PREPROCESS = "preprocess.json"


def find_open_clip_folder(folder: Path) -> EncoderFiles:
    """Files of a folder in OpenCLIP's layout.

    Raises:
        ModelError: If one is missing or damaged.
    """
    if "model_cfg" not in read_json(folder / OPEN_CLIP_CONFIG):
        raise ModelError(f"{folder / OPEN_CLIP_CONFIG}: has no model_cfg; copy the file again")
    weights = _weights(folder, _OPEN_CLIP_WEIGHTS)
    others = sorted(
        path for path in folder.iterdir() if path.is_file() and path.suffix in _TOKENIZER_SUFFIXES
    )
    if not any(path.name.startswith("tokenizer") for path in others):
        raise ModelError(f"{folder}: no tokenizer.json; copy the tokenizer's files there")
    digest = digest_of({path.name: file_sha256(path) for path in [weights, *others]})
    return EncoderFiles("open_clip", f"local-dir:{folder.resolve()}", weights, {}, digest)


def find_timm_folder(folder: Path) -> EncoderFiles:
    """Files of a folder as timm's `save_for_hf` and `push_to_hf_hub` write it.

    Raises:
        ModelError: If one is missing or damaged.
    """
    path = folder / TIMM_CONFIG
    config = read_json(path)
    if not isinstance(config["architecture"], str):
        raise ModelError(f"{path}: architecture must be a name of timm's; copy the file again")
    for key in ("pretrained_cfg", "model_args"):
        if not isinstance(config.get(key) or {}, dict):
            raise ModelError(f"{path}: {key} must be a JSON object; copy the file again")
    weights = _weights(folder, (_TIMM_WEIGHTS,))
    digest = digest_of({file.name: file_sha256(file) for file in (weights, path)})
    return EncoderFiles("timm", config["architecture"], weights, config, digest)


def _weights(folder: Path, names: tuple[str, ...]) -> Path:
    found = next((folder / name for name in names if (folder / name).exists()), None)
    if found is None:
        raise ModelError(
            f"{folder}: no {names[0]}; weights in .bin or .pt files are pickles, which can run "
            "code and are never loaded: convert them to safetensors"
        )
    read_tensor_shapes(found)
    return found


def find_torchscript(path: Path) -> EncoderFiles:
    """A TorchScript file, or the only one of a folder, with its preprocess.json if there is one.

    A file gets the same digest alone and in a folder that says what is the default.

    Raises:
        ModelError: If there is not exactly one, or it is no TorchScript or cut short.
    """
    folder = path if path.is_dir() else None
    files = torchscript_files(folder) if folder else [path]
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise ModelError(f"{path}: has several TorchScript files ({names}); name one of them")
    (weights,) = files
    _check_archive(weights)
    preprocess = read_preprocess(folder / _PREPROCESS if folder else None)
    described = {"torchscript": file_sha256(weights), "preprocess": preprocess.model_dump()}
    return EncoderFiles(
        "torchscript", weights.name, weights, preprocess.model_dump(), digest_of(described)
    )


def _check_archive(path: Path) -> None:
    """Raise ModelError unless a file is a whole archive as `torch.jit.save` writes it."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            damaged = archive.testzip()
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"{path}: not a TorchScript file, or cut short; copy it again, or save the model with "
            "torch.jit.save"
        ) from error
    if damaged is not None:
        raise ModelError(f"{path}: damaged at {damaged}; copy the file again")
    if not any("/code/" in name for name in names):
        raise ModelError(
            f"{path}: pickled weights and no TorchScript; pickles can run code and are never "
            "loaded: save the model with torch.jit.save"
        )
