"""Few-shot manifests of the kept images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from isekai_gen.errors import ManifestError
from isekai_gen.hashing import canonical_json
from isekai_gen.manifests.files import MANIFEST_NAMES, refuse_empty, write_manifest
from isekai_gen.manifests.isekai import (
    KeptImage,
    Manifest,
    ManifestRequest,
    build_isekai_10,
    build_isekai_pair,
    largest_shots,
)
from isekai_gen.manifests.isekai_labels import LABELS_FILE, label_rows
from isekai_gen.manifests.upstream_config import ISEKAI_CONFIG, isekai_config
from isekai_gen.manifests.upstream_readme import isekai_readme
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.dedupe import FILTER, linked_groups
from isekai_gen.stages.manifest_earlier import remove_files, shots_of_others, shots_that_stay
from isekai_gen.stages.manifest_report import KeptSupply, ManifestReport
from isekai_gen.stages.selection import Selection, select
from isekai_gen.storage import write_atomically

__all__ = ["BUILDERS", "ManifestReport", "write_manifests"]

BUILDERS: Mapping[str, Callable[[ManifestRequest], Manifest]] = {
    "isekai-10": build_isekai_10,
    "isekai-pair": build_isekai_pair,
}
FILE_NAMES = dict(zip(BUILDERS, MANIFEST_NAMES, strict=True))
UPSTREAM_SHOTS = 16
"""Without --shots: as many as every group can give, up to this, the most of the paper."""
_README = "README.md"


def write_manifests(
    context: StageContext, formats: Sequence[str], *, strict: bool = False
) -> list[ManifestReport]:
    """Write manifests/; the caller holds the workspace's lock.

    Args:
        context: The workspace.
        formats: Keys of `BUILDERS`. Without any, every format that is possible is written, and
            it is said why another is not.
        strict: Refuse if a concept of a group cannot give the shots asked for (16 if none are),
            rather than leave its group out or ask for fewer.

    Raises:
        ManifestError: If a named format would have no rows, or break its rules; or as `strict`.
    """
    selection = select(context)
    request = _request(context, selection)
    most = largest_shots(request)
    wanted = context.settings.manifest.shots or UPSTREAM_SHOTS
    if strict:
        request = replace(request, shots=wanted)
        _refuse_few(request, most)
    folder = context.workspace.manifests
    others = {}
    if formats:
        there = _paths(folder, BUILDERS.keys() - formats)
        others = shots_of_others(context.reporter, request, there)
    built = {}
    for name in formats or BUILDERS:
        try:
            chosen = request if strict else _with_shots(context, request, most)
            built[name] = BUILDERS[name](chosen)
            refuse_empty(built[name])
        except ManifestError as error:
            if formats:
                raise
            built.pop(name, None)
            context.reporter.note(f"No {name} manifest: {error}")
    # Not before all are built: a format that is refused leaves everything as it is.
    reports = [_write(folder, manifest, request, most, wanted) for manifest in built.values()]
    if not formats:
        others = shots_that_stay(request, _paths(folder, BUILDERS.keys() - built.keys()))
    shots = others | {report.name: report.shots for report in reports}
    _write_companions(folder, selection, shots)
    if reports:
        context.remember_settings("manifest")
    return reports


def _write(
    folder: Path, manifest: Manifest, request: ManifestRequest, most: Mapping[str, int], wanted: int
) -> ManifestReport:
    path = write_manifest(folder, manifest)
    only_fictional = manifest.name == FILE_NAMES["isekai-pair"]
    concepts = [
        concept.slug
        for fictional, real in request.groups
        for concept in ((fictional,) if only_fictional else (fictional, real))
    ]
    few = {
        slug: KeptSupply(len(request.kept.get(slug, ())), most[slug])
        for slug in concepts
        if most[slug] < wanted
    }
    return ManifestReport(
        manifest.name, path, len(manifest.rows), manifest.shots, manifest.skipped, wanted, few
    )


def _write_companions(folder: Path, selection: Selection, shots: Mapping[str, int]) -> None:
    """What describes the manifests that lie there, and how to run upstream's code on them.

    Args:
        folder: Of the manifests.
        selection: What is kept.
        shots: Name of each manifest there to its shots.
    """
    if not shots:
        remove_files(folder / name for name in (LABELS_FILE, ISEKAI_CONFIG, _README))
        return
    labels = "".join(f"{canonical_json(row)}\n" for row in label_rows(selection.groups()))
    write_atomically(folder / LABELS_FILE, labels.encode())
    write_atomically(folder / ISEKAI_CONFIG, isekai_config(sorted(shots)).encode())
    write_atomically(folder / _README, isekai_readme(shots).encode())


def _paths(folder: Path, formats: Iterable[str]) -> dict[str, Path]:
    """Format to where its manifest lies, if there is one."""
    return {name: folder / f"{FILE_NAMES[name]}.json" for name in sorted(formats)}


def _request(context: StageContext, selection: Selection) -> ManifestRequest:
    kept = {
        slug: [KeptImage(image.image_id, image.concept, image.path) for image in images]
        for slug, images in selection.kept_by_concept().items()
    }
    settings = context.settings.manifest
    return ManifestRequest(
        kept=kept,
        groups=selection.groups(),
        shots=settings.shots or 1,
        seed=settings.seed,
        duplicate_groups=_duplicates(context, selection),
    )


def _with_shots(
    context: StageContext, request: ManifestRequest, most: Mapping[str, int]
) -> ManifestRequest:
    """The request for the shots asked for; else for the most, up to 16, that every group has.

    Raises:
        ManifestError: If no group can give even one.
    """
    if context.settings.manifest.shots is not None:
        return request
    possible = [min(most[fictional.slug], most[real.slug]) for fictional, real in request.groups]
    usable = [shots for shots in possible if shots > 0]
    if not usable:
        raise ManifestError(
            "no group keeps two images of its fictional and two of its real concept, the least "
            "for one shot; generate more images or relax the limits"
        )
    return replace(request, shots=min(UPSTREAM_SHOTS, *usable))


def _refuse_few(request: ManifestRequest, most: Mapping[str, int]) -> None:
    short = [
        f"{slug} ({len(request.kept.get(slug, ()))} kept images, at most {shots} shots)"
        for slug, shots in most.items()
        if shots < request.shots
    ]
    if short:
        raise ManifestError(
            f"--strict: {request.shots} shots need {request.shots + 1} kept images that are no "
            f"near-duplicates, but there are fewer of {', '.join(short)}; generate more with "
            f"`isekai-gen topup --kept {request.shots + 1}`, or ask for fewer --shots"
        )


def _duplicates(context: StageContext, selection: Selection) -> list[frozenset[str]]:
    """Groups of kept images that are near-duplicates all the same, as people decided."""
    workspace = context.workspace
    if not workspace.parts(workspace.verdicts(FILTER)):
        return []
    return linked_groups(context, selection.kept)
