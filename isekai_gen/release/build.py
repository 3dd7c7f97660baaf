"""Build a release: aside, verified, and only then renamed into place."""

from __future__ import annotations

from pathlib import Path

from isekai_gen.errors import ReleaseError
from isekai_gen.release.content import ReleaseContent, ReleaseOptions, ReleaseSummary
from isekai_gen.release.staging import refuse_existing, staged_folder
from isekai_gen.release.verify import verify_release
from isekai_gen.release.writer import SHEET_FILE, ReleaseWriter
from isekai_gen.workspace import Workspace


def build_release(
    workspace: Workspace, out: Path, options: ReleaseOptions, content: ReleaseContent
) -> ReleaseSummary:
    """Write a release to `out`, a folder that must not exist yet.

    Images are copied byte for byte. Manifests and neighbor tables are taken from the workspace if
    they are there, with paths rewritten to those of the release. The same workspace, versions and
    SOURCE_DATE_EPOCH give the same bytes. Files are not synced one by one: after a power cut,
    `verify_release` says whether all arrived.

    Raises:
        ReleaseError: If `out` exists, nothing is kept, manifests or tables are out of date, or the
            release would not verify.
        ChecksumError: If an image is not what its record says.
        LockedError: If another process is building `out`.
        StorageError: If the disk is full or read-only; nothing is then at `out`.
    """
    refuse_existing(out)
    if not content.kept:
        raise ReleaseError(
            "no image is kept, so there is nothing to release; generate more, or relax the limits"
        )
    with staged_folder(out) as folder:
        writer = ReleaseWriter(workspace, folder, options, content)
        writer.write_all()
        _refuse_findings(folder)
        files = [path for path in folder.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
    return ReleaseSummary(
        folder=out,
        counts=writer.counts,
        files=len(files),
        size=size,
        contact_sheet=out / SHEET_FILE,
        manifests=writer.manifests,
    )


def _refuse_findings(folder: Path) -> None:
    findings = verify_release(folder)
    if findings:
        shown = "; ".join(f"{each.file}: {each.message}" for each in findings[:3])
        raise ReleaseError(
            f"the release would not verify ({len(findings)} findings): {shown}; "
            "run the curation and manifest stages again"
        )
