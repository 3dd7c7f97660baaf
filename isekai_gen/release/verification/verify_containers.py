"""Check the files that carry images: Parquet below data/, tar shards below shards/.

Either folder must hold exactly every image of metadata.jsonl, once, in the file of its split, with
the bytes and the row that metadata.jsonl has.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from isekai_gen.cores import usable_cores
from isekai_gen.errors import ReleaseError
from isekai_gen.release.containers.container_read import ContainedImage
from isekai_gen.release.containers.image_containers import (
    IMAGE_CONTAINERS,
    PARQUET,
    TAR,
    ImageContainer,
)
from isekai_gen.release.containers.parquet_images import IMAGES_COLUMNS
from isekai_gen.release.layout import METADATA_FILE, SHARDS_FILE
from isekai_gen.release.progress import Advance
from isekai_gen.release.verification.received_release import ImageRow, ReceivedRelease
from isekai_gen.release.verification.verify_metadata import row_digest
from isekai_gen.release.verification.verify_parquet import check_parquet_form
from isekai_gen.release.verification.verify_pixels import PictureCheck

_IMAGES_AT_ONCE = 64
_IMAGES_A_TASK = 16
_BYTES_AT_ONCE = 1 << 26


def check_containers(
    release: ReceivedRelease, pictures: PictureCheck | None, advance: Advance
) -> None:
    """Report containers that lack images, or have others.

    Args:
        release: As read.
        pictures: How pictures that are not loose as well are checked, or None.
        advance: Told of every file.
    """
    for container in IMAGE_CONTAINERS:
        files = release.files_below(container.folder, container.suffix)
        if not files:
            if release.profile == container.profile:
                message = f"a {container.profile} release carries its images there"
                release.tree.report(f"{container.folder}/", "missing", message)
            continue
        with ThreadPoolExecutor(usable_cores()) as pool:
            check = _ContainerCheck(release, container, pictures, pool)
            counts = {}
            for name in files:
                counts[name] = check.check_file(name)
                advance(1)
        lacking = [path for path in release.images if path not in check.seen]
        release.tree.report_some(
            files[0], "container", [f"no file beside it has image {path!a}" for path in lacking]
        )
        _check_numbers(release, container, files)
        if container is TAR:
            _check_shards_index(release, counts)


@dataclass
class _ContainerCheck:
    """Checks the files of one container.

    Attributes:
        release: As read.
        container: Which.
        pictures: How pictures that are not loose as well are checked, or None.
        pool: Hashes and decodes.
        seen: Paths of the images so far.
    """

    release: ReceivedRelease
    container: ImageContainer
    pictures: PictureCheck | None
    pool: ThreadPoolExecutor
    seen: set[str] = field(default_factory=set)

    def check_file(self, name: str) -> int:
        """Report what is wrong with a file; returns its number of images."""
        path = self.release.tree.files[name]
        faults: list[str] = []
        count = 0
        try:
            if self.container is PARQUET:
                labels = [str(each.get("slug")) for each in self.release.concepts]
                faults += check_parquet_form(path, IMAGES_COLUMNS, labels)
            for batch in _batches(self.container.read(path)):
                count += len(batch)
                for image in batch:
                    faults += self._check_row(name, image)
                    self.seen.add(image.name)
                for found in self.pool.map(self._check_contents, _slices(batch)):
                    faults += found
        except ReleaseError as error:
            faults.append(str(error))
        self.release.tree.report_some(name, "container", faults)
        return count

    def _check_row(self, file: str, image: ContainedImage) -> list[str]:
        row = self.release.images.get(image.name)
        if row is None:
            return [f"{METADATA_FILE} has no row for {image.name!a}"]
        faults = []
        if image.name in self.seen:
            faults.append(f"{image.name!a} is there twice")
        if not _is_told_by(image, row):
            faults.append(f"{image.name!a}: its row is not that of {METADATA_FILE}")
        if self.container.split_of(file) != row.split:
            faults.append(f"{image.name!a} is of split {row.split!a}, not of that in its name")
        return faults

    def _check_contents(self, images: Sequence[ContainedImage]) -> list[str]:
        return [fault for image in images for fault in self._check_content(image)]

    def _check_content(self, image: ContainedImage) -> list[str]:
        row = self.release.images.get(image.name)
        if row is None:
            return []
        if hashlib.sha256(image.content).hexdigest() != row.sha256:
            return [f"{image.name!a}: {METADATA_FILE} has another sha256"]
        if len(image.content) != row.size:
            return [f"{image.name!a}: {METADATA_FILE} has another size in bytes"]
        if self.pictures is None or image.name in self.release.tree.files:
            return []
        return [f"{image.name!a}: {each}" for each in self.pictures.faults(image.content, row)]


def _batches(images: Iterator[ContainedImage]) -> Iterator[list[ContainedImage]]:
    """Images a few at a time, so that a batch is never much larger than one picture."""
    batch: list[ContainedImage] = []
    size = 0
    for image in images:
        batch.append(image)
        size += len(image.content)
        if len(batch) == _IMAGES_AT_ONCE or size >= _BYTES_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _slices(batch: Sequence[ContainedImage]) -> list[Sequence[ContainedImage]]:
    """What a thread takes at a time: handing over takes as long as hashing a small picture."""
    return [batch[start : start + _IMAGES_A_TASK] for start in range(0, len(batch), _IMAGES_A_TASK)]


def _is_told_by(image: ContainedImage, row: ImageRow) -> bool:
    """Whether the row that goes with a picture is that of metadata.jsonl."""
    if image.text and hashlib.sha256(image.text).digest() == row.digest:
        return True
    try:
        return row_digest(image.row) == row.digest
    # Values that JSON has no form for, or numbers that no float64 is.
    except (TypeError, ValueError, OverflowError):
        return False


def _check_numbers(release: ReceivedRelease, container: ImageContainer, files: list[str]) -> None:
    """Report misnamed files, and gaps in their numbers."""
    totals = Counter(container.split_of(name) for name in files)
    next_number: Counter[str] = Counter()
    for name in files:
        found = container.match(name)
        if found is None:
            release.tree.report(name, "container", "its name does not tell its split and number")
            continue
        split = found["split"]
        if int(found["number"]) != next_number[split]:
            message = f"its number must be {next_number[split]}"
            release.tree.report(name, "container", message)
        next_number[split] += 1
        if found["of"] and int(found["of"]) != totals[split]:
            message = f"its name says of {int(found['of'])} files, but there are {totals[split]}"
            release.tree.report(name, "container", message)


def _check_shards_index(release: ReceivedRelease, counts: Mapping[str, int]) -> None:
    value = release.tree.read_json(SHARDS_FILE)
    if value is None:
        if SHARDS_FILE not in release.tree.files:
            release.tree.report(SHARDS_FILE, "missing", "it lists the tar shards")
        return
    listed = value.get("shardlist") if isinstance(value, Mapping) else None
    entries = listed if isinstance(listed, list) else []
    stated = sorted(
        ascii([each.get(key) for key in ("url", "nsamples", "filesize", "sha256")])
        for each in entries
        if isinstance(each, Mapping)
    )
    sizes = {name: release.tree.files[name].stat().st_size for name in counts}
    found = sorted(
        ascii([PurePosixPath(name).name, count, sizes[name], release.measured.get(name)])
        for name, count in counts.items()
    )
    if stated != found:
        release.tree.report(SHARDS_FILE, "container", "does not list the tar shards as they are")
    if not isinstance(value, Mapping) or value.get("name") != release.index.get("name"):
        release.tree.report(SHARDS_FILE, "container", "has another name than release.json")
