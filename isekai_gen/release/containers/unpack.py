"""Give a release whose images travel in Parquet files or tar shards its folder images/ back."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.errors import ChecksumError, ReleaseError
from isekai_gen.manifests.paths import check_relative_path
from isekai_gen.release.building.staging import staged_folder
from isekai_gen.release.containers.container_read import ContainedImage
from isekai_gen.release.containers.image_containers import IMAGE_CONTAINERS
from isekai_gen.release.layout import COUNTERFACTUALS_FILE, METADATA_FILE
from isekai_gen.release.verification.received import walk_release

# What names images by their paths, and so works beside images/ only.
_MANIFESTS = "lcl/"
# Of a file or folder, on the file systems of today.
_MAX_NAME_BYTES = 255


@dataclass(frozen=True)
class Unpacked:
    """What was given back.

    Attributes:
        images: How many.
        samples_left_out: Where counterfactual samples of the release are, or None.
    """

    images: int
    samples_left_out: Path | None


def unpack_release(folder: Path, out: Path) -> Unpacked:
    """Write images/ of a release into a new folder, beside copies of metadata.jsonl and lcl/.

    Every image is held against its digest in metadata.jsonl, and only paths that stand there are
    written. Memory holds a row group, and names and digests of all images. Counterfactual samples
    stay where they are: whoever reads a folder of images reads all below it, and would take them
    for images.

    Args:
        folder: The release; images in Parquet files or tar shards.
        out: To make; must not exist.

    Raises:
        ReleaseError: If `out` exists, the release has no such containers, or they are malformed.
        ChecksumError: If images are missing or other than metadata.jsonl says.
        LockedError: If another process is unpacking to `out`.
        StorageError: If the disk is full or read-only; nothing is then at `out`.
    """
    files = walk_release(folder).files
    if METADATA_FILE not in files:
        raise ReleaseError(f"{folder} has no {METADATA_FILE}; give the folder of a release")
    sha256_by_path = _listed_images(files[METADATA_FILE])
    images = _contained_images(folder, files)
    with staged_folder(out) as tree:
        _write_images(tree, folder, images, sha256_by_path)
        for name, path in files.items():
            if name == METADATA_FILE or name.startswith(_MANIFESTS):
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, tree / name)
    samples = files.get(COUNTERFACTUALS_FILE)
    return Unpacked(len(sha256_by_path), None if samples is None else samples.parent)


def _write_images(
    tree: Path, folder: Path, images: Iterator[ContainedImage], sha256_by_path: Mapping[str, str]
) -> None:
    """Write exactly the images that are listed, each with the bytes that it must have."""
    missing = set(sha256_by_path)
    for image in images:
        if image.name not in missing:
            raise ChecksumError(
                f"{folder}: {image.name!a} is contained twice, or is not in {METADATA_FILE}; "
                "copy the release again"
            )
        if hashlib.sha256(image.content).hexdigest() != sha256_by_path[image.name]:
            raise ChecksumError(
                f"{folder}: bytes of {image.name} differ from their digest in "
                f"{METADATA_FILE}; copy the release again"
            )
        missing.remove(image.name)
        _write(tree / image.name, image.content)
    if missing:
        raise ChecksumError(
            f"{folder}: {len(missing)} images of {METADATA_FILE} are not contained, such as "
            f"{min(missing)}; copy the release again"
        )


def _listed_images(metadata: Path) -> dict[str, str]:
    """Path of every image to its digest.

    Raises:
        ReleaseError: If a row cannot be read, or its path is not of the form images/CONCEPT/FILE.
    """
    sha256_by_path: dict[str, str] = {}
    with metadata.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line)
                name, sha256 = row["file_name"], row["sha256"]
                unsafe = bool(check_relative_path(name)) or not _is_image_path(name)
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise ReleaseError(
                    f"{metadata}:{number}: not a row with file_name and sha256; copy the release "
                    "again"
                ) from error
            if unsafe:
                raise ReleaseError(
                    f"{metadata}:{number}: {name!a} is not images/CONCEPT/FILE; copy the release "
                    "again"
                )
            sha256_by_path[name] = sha256
    return sha256_by_path


def _is_image_path(name: str) -> bool:
    """Whether no file of that form can lie where another one needs a folder, or be too long."""
    parts = name.split("/")
    long = any(len(part.encode()) > _MAX_NAME_BYTES for part in parts)
    return parts[0] == "images" and len(parts) == 3 and not long


def _contained_images(folder: Path, files: Mapping[str, Path]) -> Iterator[ContainedImage]:
    for container in IMAGE_CONTAINERS:
        names = sorted(filter(container.has, files))
        if names:
            return (image for name in names for image in container.read(files[name]))
    raise ReleaseError(
        f"{folder} has neither data/*.parquet nor shards/*.tar, so there is nothing to unpack; "
        "give a release of the hub or webdataset profile"
    )


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(content)
