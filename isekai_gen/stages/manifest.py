"""Few-shot manifests of the kept images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from isekai_gen.errors import ManifestError
from isekai_gen.manifests.files import MANIFEST_NAMES, write_manifest
from isekai_gen.manifests.isekai import (
    KeptImage,
    Manifest,
    ManifestRequest,
    build_isekai_10,
    build_isekai_pair,
    largest_shots,
)
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.dedupe import FILTER, linked_groups
from isekai_gen.stages.selection import Selection, select

BUILDERS: Mapping[str, Callable[[ManifestRequest], Manifest]] = {
    "isekai-10": build_isekai_10,
    "isekai-pair": build_isekai_pair,
}
FILE_NAMES = dict(zip(BUILDERS, MANIFEST_NAMES, strict=True))
MOST_SHOTS = 8
"""Without --shots: as many as every group can give, up to this."""


@dataclass(frozen=True)
class ManifestReport:
    """One manifest that was written.

    Attributes:
        name: As upstream calls it.
        path: Where.
        rows: Queries.
        shots: Support images per side.
        skipped: Concept slug to why it has no row.
    """

    name: str
    path: Path
    rows: int
    shots: int
    skipped: Mapping[str, str]


def write_manifests(context: StageContext, formats: Sequence[str]) -> list[ManifestReport]:
    """Write manifests/; the caller holds the workspace's lock.

    Args:
        context: The workspace.
        formats: Keys of `BUILDERS`. Without any, every format that is possible is written, and
            it is said why another is not.

    Raises:
        ManifestError: If a named format would have no rows, or break its rules.
    """
    selection = select(context)
    context.remember_settings("manifest")
    reports = []
    for name in formats or BUILDERS:
        try:
            reports.append(_write(context, BUILDERS[name](_request(context, selection))))
        except ManifestError as error:
            if formats:
                raise
            context.reporter.note(f"No {name} manifest: {error}")
            # One of images that were kept earlier would contradict what is kept now.
            (context.workspace.manifests / f"{FILE_NAMES[name]}.json").unlink(missing_ok=True)
    return reports


def _write(context: StageContext, manifest: Manifest) -> ManifestReport:
    path = write_manifest(context.workspace.manifests, manifest)
    return ManifestReport(manifest.name, path, len(manifest.rows), manifest.shots, manifest.skipped)


def _request(context: StageContext, selection: Selection) -> ManifestRequest:
    kept = {
        slug: [KeptImage(image.image_id, image.concept, image.path) for image in images]
        for slug, images in selection.kept_by_concept().items()
    }
    settings = context.settings.manifest
    request = ManifestRequest(
        kept=kept,
        groups=selection.groups(),
        shots=settings.shots or 1,
        seed=settings.seed,
        duplicate_groups=_duplicates(context, selection),
    )
    if settings.shots is not None:
        return request
    return replace(request, shots=_most_shots(request))


def _most_shots(request: ManifestRequest) -> int:
    """The most shots, up to MOST_SHOTS, that every group with at least one shot can give.

    Raises:
        ManifestError: If no group can give even one.
    """
    largest = largest_shots(request)
    possible = [
        min(largest[fictional.slug], largest[real.slug]) for fictional, real in request.groups
    ]
    usable = [shots for shots in possible if shots > 0]
    if not usable:
        raise ManifestError(
            "no group keeps two images of its fictional and two of its real concept, the least "
            "for one shot; generate more images or relax the limits"
        )
    return min(MOST_SHOTS, *usable)


def _duplicates(context: StageContext, selection: Selection) -> list[frozenset[str]]:
    """Groups of kept images that are near-duplicates all the same, as people decided."""
    workspace = context.workspace
    if not workspace.parts(workspace.verdicts(FILTER)):
        return []
    return linked_groups(context, selection.kept)
