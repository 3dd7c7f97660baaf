"""Read every file of a received release once: its SHA-256, and of a loose image its pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from isekai_gen.cores import usable_cores
from isekai_gen.hashing import file_sha256
from isekai_gen.release.layout import METADATA_FILE
from isekai_gen.release.verification.received import ReceivedTree, brief
from isekai_gen.release.verification.received_release import ImageRow, ReceivedRelease
from isekai_gen.release.verification.verify_pixels import PictureCheck

# Files that are in hand at once; results of this many are held.
_FILES_AT_ONCE = 256
Advance = Callable[[int], None]
"""Called with a number of files checked since the last call."""


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

    def measure(name: str) -> tuple[str, list[str]] | OSError:
        return _measure(tree.files[name], images.get(name), pictures)

    with ThreadPoolExecutor(usable_cores()) as pool:
        for start in range(0, len(names), _FILES_AT_ONCE):
            batch = names[start : start + _FILES_AT_ONCE]
            for name, result in zip(batch, pool.map(measure, batch), strict=True):
                advance(1)
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


def ignore_progress(files: int) -> None:
    """An `Advance` that nobody watches."""
    del files
