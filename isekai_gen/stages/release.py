"""Package the kept images as a release that verifies itself."""

from __future__ import annotations

import itertools
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from isekai_gen.errors import InputError, ReleaseError
from isekai_gen.hashing import digest_of, file_sha256
from isekai_gen.release.building.build import build_release
from isekai_gen.release.building.request import (
    BuildPlan,
    BuildRequest,
    PictureMarker,
    SumsSigner,
)
from isekai_gen.release.building.staging import refuse_existing
from isekai_gen.release.content import ReleaseContent, ReleaseOptions, ReleaseSummary
from isekai_gen.release.documents.answers import Answers
from isekai_gen.release.layout import Archive
from isekai_gen.release.verification.findings import findings_in_brief
from isekai_gen.release.verification.verify import verify_release
from isekai_gen.settings import ReleaseSettings
from isekai_gen.shards import DoneMarker, read_marker, write_marker
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.neighbors import require_current_tables
from isekai_gen.stages.release_answers import (
    answers_file,
    ensure_answers_file,
    load_answers,
)
from isekai_gen.stages.release_content import gather_content
from isekai_gen.stages.release_content_provenance import release_settings
from isekai_gen.stages.selection import select
from isekai_gen.workspace import Workspace, slug_of

_STAGE = "release"


@dataclass(frozen=True)
class Packing:
    """How one release is packed, beside what the settings say; fields as of `BuildPlan`."""

    hard_link: bool = False
    previous: Path | None = None
    marker: PictureMarker | None = None
    signer: SumsSigner | None = None
    archive: Archive | None = None
    max_shard_bytes: int = BuildPlan.max_shard_bytes


def begin_answers(context: StageContext) -> tuple[Path, int]:
    """Begin release.toml; returns it and the number of answers left to its authors.

    Raises:
        ReleaseError: If it is there already; it holds people's words, so it is never overwritten.
    """
    path = answers_file(context.workspace)
    if path.exists():
        raise ReleaseError(f"{path} is there already; edit it, or move it away to begin anew")
    return path, ensure_answers_file(context)


@dataclass(frozen=True)
class _Gathered:
    """What a release is made of.

    Attributes:
        options: Name, version, license.
        answers: Of the authors.
        content: Of the workspace.
    """

    options: ReleaseOptions
    answers: Answers
    content: ReleaseContent


def write_release(
    context: StageContext, out: Path, packing: Packing | None = None
) -> ReleaseSummary:
    """Build a release at `out`, which must not exist; the caller holds the workspace's lock.

    Raises:
        ReleaseError: If release.toml lacks answers (it is begun if it is not there), nothing is
            kept, `out` exists or lies among the workspace's own files, or manifests or tables are
            out of date.
    """
    refuse_existing(out)
    _refuse_inside(context.workspace, out)
    return _build(context, out, _gather(context), packing or Packing())


def _refuse_inside(workspace: Workspace, out: Path) -> None:
    """Stages read all of their folders; directly in the workspace a release is in nobody's way."""
    root, parent = workspace.root.resolve(), out.parent.resolve()
    if root in parent.parents:
        raise ReleaseError(
            f"{out} is inside a folder of the workspace {workspace.root}; choose an --out outside "
            f"it, or directly in it, such as {workspace.root / out.name}"
        )


def _gather(context: StageContext) -> _Gathered:
    selection = select(context)
    options = release_options(context.settings.release, selection.catalog.name)
    workspace = context.workspace
    if not answers_file(workspace).exists():
        left = ensure_answers_file(context, selection.catalog)
        context.reporter.note(f"{answers_file(workspace)} is begun; {left} answers are yours")
    answers = load_answers(workspace, selection.records)
    require_current_tables(workspace, selection)
    return _Gathered(options, answers, gather_content(context, selection))


def _build(
    context: StageContext, out: Path, gathered: _Gathered, packing: Packing
) -> ReleaseSummary:
    kept = len(gathered.content.kept)
    with context.reporter.task("Building the release", kept) as advance:
        summary = build_release(
            BuildRequest(
                workspace=context.workspace,
                out=out,
                options=gathered.options,
                answers=gathered.answers,
                content=gathered.content,
                plan=_plan(context.settings.release, packing),
                advance=advance,
            )
        )
    context.remember_settings("release")
    return summary


def _plan(settings: ReleaseSettings, packing: Packing) -> BuildPlan:
    return BuildPlan(
        profile=settings.profile,
        loose_images=settings.loose_images,
        pair_shots=settings.pair_shots,
        **packing.__dict__,
    )


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
    gathered = _gather(context)
    fingerprint = _fingerprint(context, gathered)
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
    _build(context, out, gathered, Packing())
    return True


def _require_verified(out: Path) -> None:
    findings = verify_release(out, pixels=False)
    if findings:
        raise ReleaseError(
            f"{out} was changed since it was built {findings_in_brief(findings)}; "
            "move it away and run again"
        )


def _fingerprint(context: StageContext, gathered: _Gathered) -> str:
    """Digest of all that a release is made of."""
    workspace, content = context.workspace, gathered.content
    files = [
        path
        for folder in (workspace.manifests, workspace.neighbors)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    files += [workspace.catalog_file, answers_file(workspace)]
    return digest_of(
        {
            "records": [record.to_json() for record in content.records],
            "kept": list(content.kept),
            "dropped": [verdict.to_json() for _, verdict in sorted(content.dropped.items())],
            "templates": content.templates,
            "measures": {key: asdict(value) for key, value in content.measures.items()},
            "splits": dict(content.splits),
            "reports": dict(content.reports),
            "encoder": content.encoder,
            "license": gathered.options.license_text,
            "files": {
                path.relative_to(workspace.root).as_posix(): file_sha256(path) for path in files
            },
            **_samples_told(content),
            "settings": release_settings(context.settings, samples=bool(content.samples)),
            "date": os.environ.get("SOURCE_DATE_EPOCH", ""),
        }
    )


def _samples_told(content: ReleaseContent) -> dict[str, Any]:
    """Nothing without samples, so that a release that never had any stays as it is."""
    told = [sample.to_json() for sample in content.samples]
    return {"samples": told} if told else {}


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
