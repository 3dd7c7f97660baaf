"""ARCH/TAG of OpenCLIP's registry to weights in the local cache, downloaded when online.

The registry names some older weights that exist only as pickles; those are read with torch's
`weights_only` loader, which runs no code.
"""

from __future__ import annotations

import difflib
import importlib.util
from pathlib import Path
from typing import Any

from isekai_gen.errors import ModelError
from isekai_gen.hashing import digest_of, file_sha256
from isekai_gen.models.encoder_kinds import EncoderFiles
from isekai_gen.models.headers import read_tensor_shapes
from isekai_gen.models.hub import is_offline, list_repository, why_no_download
from isekai_gen.models.quiet import quiet_libraries

_HUB_WEIGHTS = "open_clip_pytorch_model.bin"
_HUB_SAFE_WEIGHTS = "open_clip_model.safetensors"


def find_in_registry(source: str) -> EncoderFiles:
    """Find, or download, what ARCH/TAG names.

    Raises:
        ModelError: What was looked for, where, and the remedy.
    """
    architecture, _, tag = source.partition("/")
    known = _architectures()
    if architecture not in known:
        raise ModelError(
            f"unknown encoder architecture {architecture!r}{_close(architecture, known)}; "
            "use ARCH/TAG such as ViT-B-32/laion2b_s34b_b79k, or a folder"
        )
    with quiet_libraries():
        import open_clip

    tags = open_clip.list_pretrained_tags_by_model(architecture)
    # The registry spells a few tags with a dash where it stores an underscore.
    if tag.lower().replace("-", "_") not in {name.lower().replace("-", "_") for name in tags}:
        raise ModelError(
            f"{architecture} has no weights tagged {tag!r}{_close(tag, tags)}; "
            f"it has: {', '.join(tags) or 'none'}"
        )
    entry = open_clip.get_pretrained_cfg(architecture, tag)
    weights = _registry_weights(source, entry)
    if weights.suffix == ".safetensors":
        read_tensor_shapes(weights)
    # The location of the weights is no part of what they are.
    config = {key: value for key, value in entry.items() if key not in ("url", "hf_hub", "file")}
    described = {
        "architecture": open_clip.get_model_config(architecture),
        "tag": config,
        "weights": file_sha256(weights),
    }
    return EncoderFiles("open_clip", architecture, weights, config, digest_of(described))


def _architectures() -> list[str]:
    """Architectures that open_clip has a file for; importing it takes seconds, for torch."""
    package = importlib.util.find_spec("open_clip")
    folders = (package and package.submodule_search_locations) or ()
    return sorted(
        path.stem for folder in folders for path in Path(folder, "model_configs").glob("*.json")
    )


def _close(word: str, known: list[str]) -> str:
    matches = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    return f" (did you mean {', '.join(matches)}?)" if matches else ""


def _registry_weights(source: str, entry: dict[str, Any]) -> Path:
    """The weight file behind a registry entry: cached, or downloaded when online."""
    if entry.get("hf_hub"):
        repo, _, filename = str(entry["hf_hub"]).rpartition("/")
        return _hub_weights(source, repo, filename)
    return _url_weights(source, str(entry["url"]))


def _hub_weights(source: str, repo: str, filename: str) -> Path:
    from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache

    # As open_clip does, but saying so: the safetensors form of a file first.
    names = [filename] if filename else [_HUB_SAFE_WEIGHTS, _HUB_WEIGHTS]
    stem, dot, suffix = filename.rpartition(".")
    if suffix in ("bin", "pth", "pt"):
        safe = _HUB_SAFE_WEIGHTS if filename == _HUB_WEIGHTS else f"{stem}{dot}safetensors"
        names.insert(0, safe)
    cache = str(constants.HF_HUB_CACHE)
    for name in names:
        cached = try_to_load_from_cache(repo, name, cache_dir=cache)
        if isinstance(cached, str):
            return Path(cached)
    if is_offline():
        raise ModelError(
            f"{source}: weights {repo}/{names[0]} are not in the local cache {cache}, and offline "
            f"mode is on (HF_HUB_OFFLINE); run `hf download {repo} {names[0]}` while connected, "
            "or pass a local folder"
        )
    try:
        there, commit = list_repository(repo, None)
    except ModelError as error:
        raise ModelError(f"{source}: {error}") from error
    found = next((name for name in names if name in there), None)
    if found is None:
        raise ModelError(
            f"{source}: {repo} has none of {', '.join(names)}; choose another tag, or pass a "
            "local folder"
        )
    try:
        return Path(hf_hub_download(repo, found, revision=commit))
    except Exception as error:  # every HTTP and file-system error of the client
        raise ModelError(f"{source}: {why_no_download(repo, None, error)}") from error


def _url_weights(source: str, url: str) -> Path:
    from open_clip.pretrained import download_pretrained_from_url

    name = url.rsplit("/", 1)[-1]
    cached = Path.home() / ".cache" / "clip" / name  # where open_clip keeps them
    if cached.is_file():
        return cached
    if is_offline():
        raise ModelError(
            f"{source}: weights are not in {cached}, and offline mode is on (HF_HUB_OFFLINE); "
            f"download {url} to that path while connected, or pass a local folder"
        )
    try:
        return Path(download_pretrained_from_url(url))
    except Exception as error:  # network, disk or checksum
        detail = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{source}: cannot download {url} ({type(error).__name__}: {detail}); "
            "connect, or pass a local folder"
        ) from error
