"""What made the images of a release: settings, versions, generators, encoder."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from isekai_gen.errors import ChecksumError
from isekai_gen.models.encoder_files import identify_encoder
from isekai_gen.settings import Settings
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.embed import encoder_spec
from isekai_gen.stages.selection import Selection
from isekai_gen.tool_version import tool_version

# What the bytes of a release, or the verdicts behind it, depend on.
_LIBRARIES = ("numpy", "open_clip_torch", "pillow", "pyarrow")
# How a path begins that can be no Hub id.
_LOCAL = ("/", "~", "./", "../")


@dataclass(frozen=True)
class KnownEncoder:
    """What images were embedded with.

    Attributes:
        label: For people.
        digest: Its identity.
    """

    label: str
    digest: str


def known_encoder(context: StageContext) -> KnownEncoder | None:
    """The encoder that images are judged by, or will be released with; None if there is none."""
    spec = encoder_spec(context.settings.embed.encoder)
    workspace = context.workspace
    embedded = workspace.parts(workspace.embeddings(spec.label), ".npy")
    if not embedded and not context.settings.release.embeddings:
        return None
    return KnownEncoder(spec.label, identify_encoder(spec))


def public_settings(settings: Settings, *, samples: bool = False) -> dict[str, Any]:
    """Settings without local folders: of a path that is clearly one only the last part is told.

    Args:
        settings: Of the workspace.
        samples: Whether counterfactual samples are released; nothing is told of them otherwise.
    """
    told = release_settings(settings, samples=samples)
    found = _without_folders(told)
    return dict(found)


def release_settings(settings: Settings, *, samples: bool) -> dict[str, Any]:
    """What a release depends on, JSON-ready; arguments as of `public_settings`."""
    left_out: dict[str, Any] = {"counterfactuals": True, "release": {"counterfactuals"}}
    return settings.model_dump(by_alias=True, mode="json", exclude=None if samples else left_out)


def _without_folders(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, Mapping):
        return {key: _without_folders(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_folders(each) for each in value]
    if isinstance(value, str) and value.startswith(_LOCAL):
        return Path(value).name
    return value


def release_environment(
    context: StageContext, selection: Selection, encoder: KnownEncoder | None
) -> dict[str, Any]:
    """provenance/environment.json.

    Returns:
        "isekai_gen" and "python" (versions), "libraries" (name to version), "encoder" (label and
        digest, or None), "generators" (of every image drawn: model, revision, digest, pipeline,
        scheduler), and "profiles" (digest, as records name it, to versions and device).
    """
    return {
        "isekai_gen": tool_version(),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "encoder": None if encoder is None else asdict(encoder),
        "generators": _generators(selection),
        "profiles": {
            path.stem.removeprefix("profile-"): _profile(path)
            for path in sorted(context.workspace.reports.glob("profile-*.json"))
        },
    }


def _generators(selection: Selection) -> list[dict[str, Any]]:
    """Every image generator used with its scheduler, sorted."""
    keys = ("model", "revision", "model_digest", "pipeline", "scheduler", "scheduler_config_digest")
    used = {tuple(getattr(record.provenance, key) for key in keys) for record in selection.records}
    return [dict(zip(keys, values, strict=True)) for values in sorted(used)]


def _profile(path: Path) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ChecksumError(
            f"{path} cannot be read ({error}); delete it and run generate again"
        ) from error
