"""The images of a release: shard by shard into files, tables or archives, and their metadata."""

from __future__ import annotations

import hashlib
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from importlib.metadata import version
from typing import BinaryIO

from isekai_gen.errors import ChecksumError
from isekai_gen.hashing import digest_of
from isekai_gen.release.building.draft import ReleaseDraft
from isekai_gen.release.building.image_copying import ImageCopier, read_checked, source_of
from isekai_gen.release.building.image_shards import plan_shards
from isekai_gen.release.building.request import BuildRequest
from isekai_gen.release.building.staging import Staging
from isekai_gen.release.building.staging_progress import FinishedShard, Progress
from isekai_gen.release.columns import METADATA_COLUMNS
from isekai_gen.release.containers.image_containers import container_name
from isekai_gen.release.containers.parquet_images import ParquetImages
from isekai_gen.release.containers.sinks import ImageShard, ImageSink, MetadataLine
from isekai_gen.release.containers.tar_shards import TarShard
from isekai_gen.release.images import ReleasedImage
from isekai_gen.release.tables import metadata_row
from isekai_gen.tool_version import tool_version
from isekai_gen.workspace import Workspace

# Counted up when the same images would be written as other bytes.
_FORMAT = 1


@dataclass(frozen=True)
class PackedImages:
    """What became of the images.

    Attributes:
        shards: In the order of writing.
        containers: Split to the files that carry its images, in order; empty if they are loose.
        size_by_path: Path of every image to the bytes of its file.
    """

    shards: Sequence[ImageShard]
    containers: Mapping[str, Sequence[str]]
    size_by_path: Mapping[str, int]


class ImagePacking:
    """Writes the images of one release; `pack` once, then `lines`.

    Args:
        request: What is built.
        staging: Where it is built.
        draft: Takes the files.
    """

    def __init__(self, request: BuildRequest, staging: Staging, draft: ReleaseDraft) -> None:
        plan = request.plan
        self._request = request
        self._draft = draft
        self._loose = plan.has_loose_images
        # The pairs repeat pictures byte for byte, and marks differ each time they are made.
        self._on_disk = self._loose or (plan.profile == "hub" and plan.marker is not None)
        self._progress = Progress(staging, loose_images=self._on_disk)
        self._copier = ImageCopier(
            request.workspace, draft, self._on_disk, plan.hard_link, plan.marker
        )
        self._labels = [concept.slug for concept in request.content.concepts]
        self._sizes: dict[str, int] = {}
        self._shards: list[ImageShard] = []

    def pack(self, images: Sequence[ReleasedImage]) -> PackedImages:
        """Write every image, but for shards that an earlier build of the same finished.

        Args:
            images: In release order.

        Raises:
            ChecksumError: If an image is not what its record says.
            ReleaseError: If it cannot be linked.
            StorageError: If the disk is full or read-only; what is finished stays.
        """
        self._sizes = _sizes(self._request.workspace, images)
        self._shards = plan_shards(images, self._sizes, self._request.plan.max_shard_bytes)
        finished = self._progress.keep_only(self._shards, self._fingerprint_of)
        size_by_path: dict[str, int] = {}
        containers: dict[str, list[str]] = {}
        for shard in self._shards:
            done = finished.get(shard.name)
            if done is None:
                done = self._write(shard)
            else:
                self._request.advance(len(shard.images))
            if done.container is not None:
                self._draft.add(done.container)
                containers.setdefault(shard.split, []).append(done.container.path)
            if self._loose:
                for listed in done.images:
                    self._draft.add(listed)
            size_by_path.update((listed.path, listed.size) for listed in done.images)
        return PackedImages(self._shards, containers, size_by_path)

    def read(self, image: ReleasedImage) -> bytes:
        """The bytes of a packed image as they are released."""
        if self._on_disk:
            return self._draft.place(image.path).read_bytes()
        return read_checked(source_of(self._request.workspace, image), image)

    def remove_unlisted(self) -> None:
        """Remove images that lay in the tree only to be read again."""
        if self._on_disk and not self._loose:
            shutil.rmtree(self._draft.place("images"))

    def lines(self, images: Sequence[ReleasedImage]) -> Iterator[bytes]:
        """The lines of metadata.jsonl in release order, read from what each shard left."""
        by_split: dict[str, list[ImageShard]] = {}
        for shard in self._shards:
            by_split.setdefault(shard.split, []).append(shard)
        streams = {
            split: (line for shard in shards for line in self._progress.lines(shard.name))
            for split, shards in by_split.items()
        }
        for image in images:
            yield next(streams[image.split])

    def _container(self, shard: ImageShard) -> str | None:
        return container_name(self._request.plan.profile, self._request.options.name, shard)

    def _lines_of(self, shard: ImageShard) -> list[MetadataLine]:
        """Lines of metadata.jsonl as the files in the workspace would have them."""
        return [
            MetadataLine.of(
                metadata_row(image, self._sizes[image.record.image_id], image.record.file_sha256)
            )
            for image in shard.images
        ]

    def _fingerprint_of(self, shard: ImageShard) -> str:
        return self._fingerprint(shard, self._lines_of(shard))

    def _fingerprint(self, shard: ImageShard, planned: Sequence[MetadataLine]) -> str:
        """Digest of all that the shard's bytes depend on."""
        plan = self._request.plan
        lines = hashlib.sha256()
        for line in planned:
            lines.update(line.text)
        return digest_of(
            {
                "format": _FORMAT,
                "tool": tool_version(),
                "pyarrow": version("pyarrow"),
                "container": self._container(shard),
                "loose": self._loose,
                "hard_link": plan.hard_link,
                "marker": "" if plan.marker is None else plan.marker.identity,
                "labels": self._labels,
                "lines": lines.hexdigest(),
            }
        )

    def _write(self, shard: ImageShard) -> FinishedShard:
        name = self._container(shard)
        planned = self._lines_of(shard)
        lines = []
        with ExitStack() as stack:
            sink = None
            if name is not None:
                file = stack.enter_context(self._draft.stream(name))
                # Also after an error: a sink must not outlive its file.
                sink = stack.enter_context(closing(self._sink(file)))
            for copied in self._copier.copy(shard.images, planned):
                if sink is not None:
                    sink.add(copied.image, copied.line, copied.content)
                lines.append(copied.line)
                self._request.advance(1)
        container = None if name is None else self._draft.measured(name)
        fingerprint = self._fingerprint(shard, planned)
        return self._progress.finish(shard.name, fingerprint, container, lines)

    def _sink(self, file: BinaryIO) -> ImageSink:
        if self._request.plan.profile == "hub":
            return ParquetImages(file, METADATA_COLUMNS, self._labels)
        return TarShard(file)


def _sizes(workspace: Workspace, images: Sequence[ReleasedImage]) -> dict[str, int]:
    sizes = {}
    for image in images:
        source = source_of(workspace, image)
        try:
            found = source.stat()
        except FileNotFoundError as error:
            raise ChecksumError(
                f"{source} is missing; run `isekai-gen generate` to draw it again"
            ) from error
        # Reading a pipe or a device may never end.
        if not stat.S_ISREG(found.st_mode):
            raise ChecksumError(f"{source} is no plain file; restore the file")
        sizes[image.record.image_id] = found.st_size
    return sizes
