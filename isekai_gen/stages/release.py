"""Package the kept images as a release that verifies itself."""

from __future__ import annotations

import itertools
import json
import os
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

from isekai_gen.errors import ChecksumError, InputError, ReleaseError
from isekai_gen.hashing import digest_of, file_sha256
from isekai_gen.release.build import build_release
from isekai_gen.release.content import ReleaseContent, ReleaseOptions, ReleaseSummary
from isekai_gen.release.verify import verify_release
from isekai_gen.settings import ReleaseSettings
from isekai_gen.shards import DoneMarker, read_marker, write_marker
from isekai_gen.stages.calibration_files import calibration_file
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.neighbors import require_current_tables
from isekai_gen.stages.plan_files import check_complete, count_planned
from isekai_gen.stages.selection import Selection, select
from isekai_gen.workspace import Workspace, slug_of

_STAGE = "release"


def write_release(context: StageContext, out: Path) -> ReleaseSummary:
    """Build a release at `out`, which must not exist; the caller holds the workspace's lock.

    Raises:
        ReleaseError: If nothing is kept, `out` exists, or manifests or tables are out of date.
    """
    selection = select(context)
    options = release_options(context.settings.release, selection.catalog.name)
    require_current_tables(context.workspace, selection)
    content = _content(context, selection)
    with context.reporter.task("Building the release", len(selection.kept)) as advance:
        summary = build_release(context.workspace, out, options, content)
        advance(len(selection.kept))
    context.remember_settings("release")
    return summary


def _free_name(path: Path) -> Path:
    """`path`, or with a number behind it if it is taken."""
    numbered = (path.with_name(f"{path.name}-{number}") for number in itertools.count(2))
    return next(name for name in itertools.chain([path], numbered) if not name.exists())


def write_current_release(context: StageContext, out: Path) -> bool:
    """Have `out` hold a release of what is kept now; returns whether it had to be built.

    A release is never changed: one of other content is renamed (it gets the first digits of its
    own fingerprint), and said.

    Raises:
        ReleaseError: As `write_release`; also if the release at `out` does not verify.
    """
    fingerprint = _fingerprint(context, select(context))
    marker = read_marker(context.workspace, _STAGE, 0)
    if out.exists():
        if marker is not None and marker.fingerprint == fingerprint:
            _require_verified(out)
            return False
        before = marker.fingerprint[:8] if marker is not None else "before"
        aside = _free_name(out.with_name(f"{out.name}-{before}"))
        context.reporter.note(f"{out} holds what was kept earlier: renamed to {aside}")
        out.rename(aside)
    # The marker comes first: without the folder it says nothing, with it whose content it has.
    write_marker(context.workspace, DoneMarker(_STAGE, 0, fingerprint, {}, ""))
    write_release(context, out)
    return True


def _require_verified(out: Path) -> None:
    findings = verify_release(out)
    if findings:
        raise ReleaseError(
            f"{out} was changed since it was built ({len(findings)} findings, such as "
            f"{findings[0].file}: {findings[0].message}); move it away and run again"
        )


def _fingerprint(context: StageContext, selection: Selection) -> str:
    """Digest of all that a release is made of."""
    workspace = context.workspace
    files = [
        path
        for folder in (workspace.manifests, workspace.neighbors)
        for path in sorted(folder.glob("*"))
        if path.is_file()
    ]
    if calibration_file(workspace).is_file():
        files.append(calibration_file(workspace))
    return digest_of(
        {
            "records": [record.to_json() for record in selection.records],
            "kept": list(selection.kept),
            "dropped": [verdict.to_json() for _, verdict in sorted(selection.dropped.items())],
            "catalog": file_sha256(workspace.catalog_file),
            "templates": file_sha256(workspace.templates_file),
            "files": {path.name: file_sha256(path) for path in files},
            "settings": context.settings.model_dump(by_alias=True, mode="json"),
            "date": os.environ.get("SOURCE_DATE_EPOCH", ""),
        }
    )


def release_options(settings: ReleaseSettings, catalog_name: str) -> ReleaseOptions:
    """How a release is called and licensed.

    Raises:
        InputError: If a name, version or license cannot be used.
    """
    title = settings.name or catalog_name
    return ReleaseOptions(
        name=slug_of(title),
        version=settings.version,
        title=title,
        license_id=settings.license,
        license_text=_license_text(settings.license_file),
    )


def _license_text(path: str | None) -> str:
    if path is None:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"license file {path} cannot be read: {error}") from error


def _content(context: StageContext, selection: Selection) -> ReleaseContent:
    workspace = context.workspace
    check_complete(workspace)
    planned: Counter[str] = Counter()
    for part in workspace.parts("plan"):
        planned.update(count_planned(workspace, part))
    return ReleaseContent(
        concepts=selection.catalog.concepts,
        planned=dict(planned),
        records=selection.records,
        kept=selection.kept,
        dropped=selection.dropped,
        templates=_templates(workspace),
        settings=_public_settings(context),
        environment=_environment(context),
    )


def _public_settings(context: StageContext) -> dict[str, Any]:
    """Settings without local folders: of an absolute path only the last part is told."""
    return {
        section: {
            key: Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value
            for key, value in values.items()
        }
        for section, values in context.settings.model_dump(by_alias=True, mode="json").items()
    }


def _templates(workspace: Workspace) -> str:
    path = workspace.templates_file
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ChecksumError(
            f"{path} cannot be read ({error}); put back the templates with "
            "`isekai-gen generate --templates FILE`"
        ) from error


def _profile(path: Path) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ChecksumError(
            f"{path} cannot be read ({error}); delete it and run generate again"
        ) from error


def _environment(context: StageContext) -> dict[str, Any]:
    """Versions, and the reproducibility profiles that records name by digest."""
    profiles = {
        path.stem.removeprefix("profile-"): _profile(path)
        for path in sorted(context.workspace.reports.glob("profile-*.json"))
    }
    return {
        "open_clip": version("open_clip_torch"),
        "profiles": profiles,
    }
