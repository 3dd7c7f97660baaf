"""Verify a release folder, whoever it comes from, without the network or any model.

What is checked: every file against both lists (see `index`), so that a changed byte, a missing
and an extra file are found; images, wherever they travel, against metadata.jsonl; tables,
manifests, numbers, splits and documents against each other; similarities, if embeddings are
there. Not checked: who made the release, unless it is said who may have signed it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from isekai_gen.errors import ReleaseError
from isekai_gen.release.containers.image_containers import container_files
from isekai_gen.release.layout import CONCEPTS_FILE, INDEX_FILE
from isekai_gen.release.progress import Advance, ignore_progress
from isekai_gen.release.signing.c2pa_check import can_check_c2pa
from isekai_gen.release.signing.sign import require_signers
from isekai_gen.release.verification.findings import in_order
from isekai_gen.release.verification.received import Finding, ReceivedTree, walk_release
from isekai_gen.release.verification.received_release import ReceivedRelease
from isekai_gen.release.verification.verify_card import check_card
from isekai_gen.release.verification.verify_containers import check_containers
from isekai_gen.release.verification.verify_counterfactuals import check_counterfactuals
from isekai_gen.release.verification.verify_documents import check_documents
from isekai_gen.release.verification.verify_files import (
    check_loose_images,
    measure_files,
)
from isekai_gen.release.verification.verify_limits import check_limits
from isekai_gen.release.verification.verify_lists import check_lists
from isekai_gen.release.verification.verify_manifests import check_manifests
from isekai_gen.release.verification.verify_metadata import read_images
from isekai_gen.release.verification.verify_numbers import check_numbers
from isekai_gen.release.verification.verify_picture_tables import check_picture_tables
from isekai_gen.release.verification.verify_pixels import PictureCheck, pillow_warnings_as_faults
from isekai_gen.release.verification.verify_reports import check_reports
from isekai_gen.release.verification.verify_sample_rows import read_samples
from isekai_gen.release.verification.verify_signature import check_signatures, not_checked
from isekai_gen.release.verification.verify_similarities import check_similarities
from isekai_gen.release.verification.verify_splits import check_splits
from isekai_gen.release.verification.verify_tables import (
    check_concepts,
    check_prompts,
    check_rejected,
)

__all__ = ["Finding", "count_steps", "read_release", "unchecked", "verify_release"]

_CHECKS: tuple[Callable[[ReceivedRelease], None], ...] = (
    check_lists,
    check_limits,
    check_loose_images,
    check_concepts,
    check_prompts,
    check_rejected,
    check_numbers,
    check_splits,
    check_manifests,
    check_picture_tables,
    check_similarities,
    check_reports,
    check_documents,
    check_card,
)


def verify_release(
    folder: Path,
    *,
    pixels: bool = True,
    advance: Advance | None = None,
    allowed_signers: Path | None = None,
) -> list[Finding]:
    """Everything that is wrong with a release, causes first; empty if nothing is.

    The content is not trusted: links are not followed, no path in it is opened, and whatever
    cannot be read is a finding.

    Args:
        folder: The release.
        pixels: Whether pictures are decoded, and their C2PA marks checked; without, only that
            their bytes are those of the lists.
        advance: Told of every step, of `count_steps` in all.
        allowed_signers: Who may have signed it (see `sign.check_signature`); None checks a
            signature as far as that is possible without.

    Raises:
        ReleaseError: If there is no such folder, or no `allowed_signers`.
        MissingDependencyError: If a signature is to be checked and OpenSSH is not installed.
    """
    require_signers(allowed_signers)
    release, pictures, told = read_release(folder), None, advance or ignore_progress
    if pixels:
        marked = release.index.get("signed_pictures") is True and can_check_c2pa()
        pictures = PictureCheck(marked)
    with pillow_warnings_as_faults():
        shown = {**release.images, **release.samples.rows}
        release.measured.update(measure_files(release.tree, shown, pictures, told))
        check_containers(release, pictures, told)
        check_counterfactuals(release, pictures)
    for check in _CHECKS:
        check(release)
    check_signatures(release, allowed_signers)
    # The same file may have been read for several checks.
    return in_order(release.tree.findings)


def count_steps(folder: Path) -> int:
    """How many steps `verify_release` takes: one a file, and one more that carries images.

    Raises:
        ReleaseError: If there is no such folder.
    """
    files = _walk(folder).files
    return len(files) + container_files(files)


def unchecked(folder: Path, allowed_signers: Path | None) -> list[str]:
    """What `verify_release` could not check here, each with what would check it.

    Raises:
        ReleaseError: If there is no such folder.
    """
    tree = _walk(folder)
    release = ReceivedRelease(tree, _read_index(tree), [], {}, {})
    return not_checked(release, allowed_signers)


def _walk(folder: Path) -> ReceivedTree:
    if not folder.is_dir():
        raise ReleaseError(f"{folder} is no folder; name the folder of a release")
    return walk_release(folder)


def _read_index(tree: ReceivedTree) -> dict[str, object]:
    index = tree.read_json(INDEX_FILE)
    if index is not None and not isinstance(index, dict):
        tree.report(INDEX_FILE, "json", "must be a JSON object")
    return index if isinstance(index, dict) else {}


def read_release(folder: Path) -> ReceivedRelease:
    """A release as far as it can be read, with `measured` still empty.

    Raises:
        ReleaseError: If there is no such folder.
    """
    tree = _walk(folder)
    index = _read_index(tree)
    concepts = tree.read_rows(CONCEPTS_FILE)
    images = read_images(tree, concepts)
    by_id = {image.id: image for image in images.values()}
    samples = read_samples(tree, concepts, by_id)
    return ReceivedRelease(tree, index, concepts, images, by_id, samples=samples)
