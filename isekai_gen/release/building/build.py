"""Build a release: aside, verified, and only then renamed into place."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from isekai_gen.errors import ReleaseError
from isekai_gen.release.building.request import BuildRequest
from isekai_gen.release.building.staging import refuse_existing, resumable_folder
from isekai_gen.release.building.writer import ReleaseWriter
from isekai_gen.release.containers.archive import archive_path, write_archive
from isekai_gen.release.content import ReleaseSummary
from isekai_gen.release.layout import CARD_FILE, SHEET_FILE
from isekai_gen.release.verification.findings import findings_in_brief
from isekai_gen.release.verification.verify import verify_release
from isekai_gen.release.verification.verify_limits import MAX_ENTRIES, MAX_FILES, REMEDY


def build_release(request: BuildRequest) -> ReleaseSummary:
    """Write a release to `request.out`, a folder that must not exist yet.

    Images are copied byte for byte, or marked if asked. Manifests and neighbor tables are taken
    from the workspace if they are there, with paths rewritten to those of the release. The same
    workspace, versions and SOURCE_DATE_EPOCH give the same bytes. A build that was killed goes on
    with the shards that it finished. Files are not synced one by one: after a power cut,
    `verify_release` says whether all arrived.

    Raises:
        ReleaseError: If `out` exists, nothing is kept, manifests or tables are out of date, or the
            release would not verify.
        ChecksumError: If an image is not what its record says.
        LockedError: If another process is building `out`.
        StorageError: If the disk is full or read-only; nothing is then at `out`.
    """
    plan = request.plan
    _refuse_request(request)
    with resumable_folder(request.out) as staging:
        writer = ReleaseWriter(request, staging)
        writer.write_all()
        _refuse_findings(staging.tree)
    files = writer.draft.listed()
    archive = None
    if plan.archive is not None:
        archive = write_archive(request.out, _archive_stem(request), plan.archive)
    return ReleaseSummary(
        folder=request.out,
        profile=plan.profile,
        counts=writer.counts,
        files=len(files),
        size=sum(file.size for file in files),
        card=request.out / CARD_FILE,
        contact_sheet=request.out / SHEET_FILE,
        manifests=writer.manifests,
        archive=archive,
    )


def _refuse_request(request: BuildRequest) -> None:
    """Refuse at once what would fail after everything is written."""
    plan, content = request.plan, request.content
    refuse_existing(request.out)
    if plan.archive is not None:
        refuse_existing(archive_path(_archive_stem(request), plan.archive))
    if not content.kept:
        raise ReleaseError(
            "no image is kept, so there is nothing to release; generate more, or relax the limits"
        )
    if plan.hard_link and plan.marker is not None:
        raise ReleaseError("a linked image cannot be marked; leave out --hard-link or --c2pa-cert")
    if plan.hard_link and not plan.has_loose_images:
        raise ReleaseError("no image is a file of its own here; leave out --hard-link")
    if plan.profile == "hub" and plan.loose_images:
        _refuse_too_many(request)
    splits = sorted(set(content.splits.values()))
    if plan.profile == "files" and len(splits) > 1:
        raise ReleaseError(
            f"the profile files cannot tell splits apart ({', '.join(splits)}): readers of image "
            "folders would load every image into each; use --profile hub or webdataset"
        )


def _refuse_too_many(request: BuildRequest) -> None:
    """The whole release is counted when it is verified; images alone can be counted now."""
    by_concept = Counter(record.concept for record in request.content.kept_records())
    slug, most = max(by_concept.items(), key=lambda each: each[1])
    if by_concept.total() > MAX_FILES:
        raise ReleaseError(
            f"{by_concept.total()} loose images; hubs take at most {MAX_FILES} files: {REMEDY}"
        )
    if most > MAX_ENTRIES:
        raise ReleaseError(
            f"{most} loose images of {slug}; hubs take at most {MAX_ENTRIES} in a folder: {REMEDY}"
        )


def _archive_stem(request: BuildRequest) -> Path:
    options = request.options
    return request.out.parent / f"{options.name}-{options.version}"


def _refuse_findings(folder: Path) -> None:
    # Every byte is read back: digests were taken on the way to the disk, and what is released is
    # what arrived there. Pixels are not decoded again: the bytes are those of the records.
    findings = verify_release(folder, pixels=False)
    if findings:
        raise ReleaseError(
            f"the release would not verify {findings_in_brief(findings)}; "
            "run the curation and manifest stages again"
        )
