"""Read every file of a received release once: its SHA-256, and of a loose image its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from isekai_gen.cores import usable_cores
from isekai_gen.hashing import file_sha256
from isekai_gen.release.layout import METADATA_FILE
from isekai_gen.release.progress import Advance
from isekai_gen.release.verification.received import ReceivedTree, brief
from isekai_gen.release.verification.received_release import ImageRow, ReceivedRelease
from isekai_gen.release.verification.verify_pixels import PictureCheck

# Handing work to a thread takes as long as hashing a small picture.
_FILES_A_TASK = 16
# Results of this many tasks are held.
_TASKS_AT_ONCE = 64


def measure_files(
    tree: ReceivedTree,
    images: Mapping[str, ImageRow],
    pictures: PictureCheck | None,
    advance: Advance,
) -> dict[str, str]:
    """Path of every readable file to its SHA-256; loose images are checked on the way.

    Args:
        tree: The folder.
        images: Path to row of metadata.jsonl.
        pictures: How pictures are checked, or None if only their bytes are.
        advance: Told of every file.
    """
    measured: dict[str, str] = {}
    names = sorted(tree.files)
    batches = [names[n : n + _FILES_A_TASK] for n in range(0, len(names), _FILES_A_TASK)]

    def measure(batch: list[str]) -> list[tuple[str, list[str]] | OSError]:
        return [_measure(tree.files[name], images.get(name), pictures) for name in batch]

    with ThreadPoolExecutor(usable_cores()) as pool:
        for start in range(0, len(batches), _TASKS_AT_ONCE):
            some = batches[start : start + _TASKS_AT_ONCE]
            for batch, results in zip(some, pool.map(measure, some), strict=True):
                advance(len(batch))
                for name, result in zip(batch, results, strict=True):
                    if isinstance(result, OSError):
                        tree.report(name, "unreadable", brief(result))
                        continue
                    measured[name], faults = result
                    tree.report_some(name, "metadata", faults)
    return measured


def _measure(
    path: Path, row: ImageRow | None, pictures: PictureCheck | None
) -> tuple[str, list[str]] | OSError:
    """SHA-256 of a file and faults of the picture in it, or why it cannot be read."""
    try:
        digest = file_sha256(path)
        # Pictures are decoded only if they are those that the row tells of.
        if pictures is None or row is None or digest != row.sha256:
            return digest, []
        return digest, pictures.faults(path, row)
    except OSError as error:
        return error


def check_loose_images(release: ReceivedRelease) -> None:
    """Report files below images/ that are not exactly those of metadata.jsonl, if there are any."""
    tree, images, measured = release.tree, release.images, release.measured
    if release.profile != "files" and not release.files_below("images"):
        return
    for name, row in images.items():
        if name not in tree.files:
            tree.report(METADATA_FILE, "metadata", f"line {row.line}: no such image: {name!a}")
        elif name in measured:
            if measured[name] != row.sha256:
                tree.report(name, "metadata", f"{METADATA_FILE} has another sha256")
            if tree.files[name].stat().st_size != row.size:
                tree.report(name, "metadata", f"{METADATA_FILE} has another size in bytes")
    for name in sorted(tree.files.keys() - images.keys()):
        if name.startswith("images/"):
            tree.report(name, "metadata", f"{METADATA_FILE} has no row for it")
