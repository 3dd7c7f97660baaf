"""Images on their way into a release: read once, checked, and handed to whatever carries them."""

from __future__ import annotations

import errno
import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from threading import Lock

from isekai_gen.cores import usable_cores
from isekai_gen.errors import ChecksumError, ReleaseError
from isekai_gen.release.building.draft import ReleaseDraft
from isekai_gen.release.building.request import PictureMarker
from isekai_gen.release.containers.sinks import MetadataLine
from isekai_gen.release.images import ReleasedImage
from isekai_gen.release.tables import metadata_row
from isekai_gen.storage import storage_errors
from isekai_gen.workspace import Workspace

# Enough that no thread waits for the one that writes the container; at 20 MB an image still little.
_AHEAD_PER_CORE = 4
# Handing work to a thread takes as long as hashing a small picture.
_IMAGES_AT_ONCE = 16
_BYTES_AT_ONCE = 1 << 20
_Waiting = tuple[ReleasedImage, MetadataLine]


@dataclass(frozen=True)
class CopiedImage:
    """An image that is checked, and written if images travel loose.

    Attributes:
        image: The image.
        line: Its line of metadata.jsonl.
        content: The bytes that are released.
    """

    image: ReleasedImage
    line: MetadataLine
    content: bytes


@dataclass(frozen=True)
class ImageCopier:
    """Brings images from a workspace to a release.

    Attributes:
        workspace: Where they are.
        draft: Where they go.
        loose: Whether each becomes a file of the release.
        hard_link: Whether that file is a link to the workspace's.
        marker: Marks pictures, or None.
    """

    workspace: Workspace
    draft: ReleaseDraft
    loose: bool
    hard_link: bool
    marker: PictureMarker | None
    # Threads that make files in one folder wait for each other in the kernel, busily.
    _creating: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    def copy(
        self, images: Sequence[ReleasedImage], lines: Sequence[MetadataLine]
    ) -> Iterator[CopiedImage]:
        """Copy images on threads; yields them in the order given, as many ahead as are bounded.

        Args:
            images: To copy.
            lines: Their lines of metadata.jsonl, as the files in the workspace would have them.

        Raises:
            ChecksumError: If an image is not what its record says.
            ReleaseError: If it cannot be linked.
            StorageError: If the disk is full or read-only.
        """
        cores = usable_cores()
        waiting: deque[Future[list[CopiedImage]]] = deque()
        with ThreadPoolExecutor(cores, thread_name_prefix="release-image") as threads:
            try:
                for batch in _batches(zip(images, lines, strict=True)):
                    waiting.append(threads.submit(self._copy_batch, batch))
                    if len(waiting) > _AHEAD_PER_CORE * cores:
                        yield from waiting.popleft().result()
                while waiting:
                    yield from waiting.popleft().result()
            finally:
                for each in waiting:
                    each.cancel()

    def _copy_batch(self, batch: Sequence[_Waiting]) -> list[CopiedImage]:
        return [self._copy_one(image, line) for image, line in batch]

    def _copy_one(self, image: ReleasedImage, line: MetadataLine) -> CopiedImage:
        source = source_of(self.workspace, image)
        content = read_checked(source, image)
        if self.marker is not None:
            content = self.marker.mark(content, image)
            sha256 = hashlib.sha256(content).hexdigest()
            line = MetadataLine.of(metadata_row(image, len(content), sha256))
        if self.loose:
            place = self.draft.place(image.path)
            if self.hard_link:
                _link(source, place)
            else:
                _write(place, content, self._creating)
        return CopiedImage(image, line, content)


def _batches(images: Iterable[_Waiting]) -> Iterator[list[_Waiting]]:
    """A few small pictures at a time, or one large one."""
    batch: list[_Waiting] = []
    size = 0
    for image, line in images:
        batch.append((image, line))
        size += line.row["bytes"]
        if len(batch) == _IMAGES_AT_ONCE or size >= _BYTES_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def source_of(workspace: Workspace, image: ReleasedImage) -> Path:
    """Where an image lies in the workspace."""
    # Reading the record has held its path against its concept and id.
    return workspace.root / image.record.path


def read_checked(source: Path, image: ReleasedImage) -> bytes:
    """The bytes of an image.

    Raises:
        ChecksumError: If they are not those of its record.
    """
    try:
        content = source.read_bytes()
    except FileNotFoundError as error:
        raise ChecksumError(
            f"{source} is missing; run `isekai-gen generate` to draw it again"
        ) from error
    if hashlib.sha256(content).hexdigest() != image.record.file_sha256:
        raise ChecksumError(f"{source}: bytes differ from those recorded; restore the file")
    return content


def _write(place: Path, content: bytes, creating: Lock) -> None:
    with storage_errors(place):
        with creating:
            file = place.open("xb", buffering=0)
        with file:
            _write_whole(file, content)


def _write_whole(file: FileIO, content: bytes) -> None:
    view = memoryview(content)
    while view:  # a signal or a limit may cut a write short
        view = view[file.write(view) :]


def _link(source: Path, place: Path) -> None:
    try:
        with storage_errors(place):
            os.link(source, place)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EMLINK, errno.ENOTSUP):
            raise
        raise ReleaseError(
            f"{source} cannot be linked from {place.parent} ({error.strerror}); "
            "leave out --hard-link, or choose an --out on the workspace's file system"
        ) from error
