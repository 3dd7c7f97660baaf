"""Snapshots of Hub models: from the local cache when they are there, else downloaded.

A snapshot that is in the cache is used as it is, without any network; `hf download` brings a newer
one. Nothing is downloaded in offline mode (HF_HUB_OFFLINE=1).
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.errors import ModelError
from isekai_gen.models.folders import names_in

# name in the repository -> its local path, downloaded if need be
Fetch = Callable[[str], Path]
# (names in the repository, fetch) -> names that are needed
Choose = Callable[[Collection[str], Fetch], list[str]]
_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Snapshot:
    """Files of one commit of a Hub model.

    Attributes:
        folder: Where they lie in the local cache.
        commit: 40 hex digits.
        chosen: Names of the files that were asked for, relative to `folder`.
    """

    folder: Path
    commit: str
    chosen: tuple[str, ...]


def is_offline() -> bool:
    """Whether the environment forbids the network (HF_HUB_OFFLINE)."""
    from huggingface_hub import constants

    named = os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}
    return named or bool(constants.HF_HUB_OFFLINE)


def find_snapshot(repo: str, revision: str | None, choose: Choose) -> Snapshot:
    """The chosen files of a Hub repository, cached or downloaded.

    Args:
        repo: Hub id, "owner/name".
        revision: Branch, tag or commit; None for the default branch.
        choose: Which files are needed; its ModelError says what the repository lacks.

    Raises:
        ModelError: If they are not cached and cannot be downloaded; says what was looked for,
            where, and the remedy.
    """
    cached = _cached_folder(repo, revision)
    if cached is not None:
        try:
            chosen = choose(names_in(cached), cached.joinpath)
            return Snapshot(cached, cached.name, tuple(chosen))
        except ModelError as error:
            if is_offline():
                raise ModelError(
                    f"{error} (only part of {repo} is in the cache {cached}, and offline mode "
                    f"is on; run `hf download {repo}` while connected)"
                ) from error
    elif is_offline():
        raise ModelError(
            f"{repo}@{revision or 'main'}: not in the local cache {_cache_root()}, and offline "
            f"mode is on (HF_HUB_OFFLINE); run `hf download {repo}` while connected, or pass a "
            "local path"
        )
    return _download(repo, revision, choose)


def _cache_root() -> str:
    from huggingface_hub import constants

    return str(constants.HF_HUB_CACHE)


def _cached_folder(repo: str, revision: str | None) -> Path | None:
    """The snapshot of a revision in the local cache, however much of it is there."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.file_download import repo_folder_name

    try:
        base = Path(_cache_root()) / repo_folder_name(repo_id=repo, repo_type="model")
    except HFValidationError as error:
        raise ModelError(
            f"{repo!r} is neither a local path nor a Hub id (owner/name); check the spelling"
        ) from error
    reference = base / "refs" / (revision or "main")
    commit = reference.read_text().strip() if reference.is_file() else revision
    folder = base / "snapshots" / commit if commit else None
    return folder if folder is not None and folder.is_dir() else None


def list_repository(repo: str, revision: str | None) -> tuple[list[str], str]:
    """Names of the files of a Hub model, and its commit; asks once, so it fails fast offline.

    Raises:
        ModelError: If the Hub cannot be reached or does not have it.
    """
    from huggingface_hub import HfApi

    try:
        info = HfApi().model_info(repo, revision=revision, timeout=_TIMEOUT_SECONDS)
    except Exception as error:  # every HTTP error of the client
        raise ModelError(why_no_download(repo, revision, error)) from error
    return [sibling.rfilename for sibling in info.siblings or []], str(info.sha)


def _download(repo: str, revision: str | None, choose: Choose) -> Snapshot:
    from huggingface_hub import hf_hub_download, snapshot_download

    names, commit = list_repository(repo, revision)
    try:
        chosen = choose(names, lambda name: Path(hf_hub_download(repo, name, revision=commit)))
        patterns = [glob.escape(name) for name in chosen]
        folder = snapshot_download(repo, revision=commit, allow_patterns=patterns)
    except ModelError:
        raise
    except Exception as error:  # every HTTP and file-system error of the client
        raise ModelError(why_no_download(repo, revision, error)) from error
    return Snapshot(Path(folder), commit, tuple(chosen))


def why_no_download(repo: str, revision: str | None, error: BaseException) -> str:
    """One line for an error of the Hub client: what was looked for, and the remedy."""
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return (
            f"{repo}: the Hub grants access only after its license is accepted; "
            "accept it on the model's page and run `hf auth login`"
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{repo}: no revision {revision!r} on the Hub; name a branch, tag or commit it has"
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"{repo}: not found on the Hub, or private; check the id or run `hf auth login`"
    detail = " ".join(str(error).split())[:200]
    return (
        f"{repo}: not in the local cache {_cache_root()}, and downloading from the Hub "
        f"failed ({type(error).__name__}: {detail}); check the connection, or pass a local path"
    )
