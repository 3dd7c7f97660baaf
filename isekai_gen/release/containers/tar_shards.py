"""Images as tar shards: the webdataset profile.

Readers of WebDataset take a member's name up to its first dot as the key of its sample, and what
follows as the field; members of a sample lie together. Headers hold nothing of this machine, so
the same images give the same bytes.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from isekai_gen.errors import ReleaseError
from isekai_gen.release.containers.sinks import MetadataLine
from isekai_gen.release.containers.tar_headers import plain_header
from isekai_gen.release.images import ReleasedImage
from isekai_gen.release.index import ListedFile

_BLOCK = tarfile.BLOCKSIZE


class TarShard:
    """An `ImageSink` of one tar file: `.cls`, `.json` and the picture of each image.

    Args:
        file: Open for writing, sequentially; left open.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._written = 0

    def add(self, image: ReleasedImage, line: MetadataLine, content: bytes) -> None:
        """Take the next image, its line of metadata.jsonl and the bytes that are released.

        Raises:
            ReleaseError: If the name is too long for a tar.
        """
        name = PurePosixPath(image.path)
        self._add_member(f"{name.stem}.cls", str(image.label).encode())
        self._add_member(f"{name.stem}.json", line.text)
        self._add_member(name.name, content)

    def close(self) -> None:
        """Write the end of the archive, padded to a whole record as tar does."""
        self._write(b"\0" * (2 * _BLOCK))
        self._write(b"\0" * (-self._written % tarfile.RECORDSIZE))

    def _add_member(self, name: str, content: bytes) -> None:
        try:
            header = plain_header(name, len(content))
        except ValueError as error:
            raise ReleaseError(
                f"{name}: {error} for a tar shard; give the concept a shorter name, or choose "
                "--profile hub"
            ) from error
        self._write(header)
        self._write(content)
        self._write(b"\0" * (-len(content) % _BLOCK))

    def _write(self, content: bytes) -> None:
        self._file.write(content)
        self._written += len(content)


def shards_index(
    name: str, shards: Iterable[ListedFile], images_by_path: Mapping[str, int]
) -> dict[str, Any]:
    """The value of shards/shards.json, in the form wids-shard-index-v1, with SHA-256.

    Args:
        name: Of the dataset.
        shards: The tar files, in order.
        images_by_path: Path of each shard in the release to its number of images.
    """
    return {
        "__kind__": "wids-shard-index-v1",
        "wids_version": 1,
        "name": name,
        "shardlist": [
            {
                "url": PurePosixPath(shard.path).name,
                "nsamples": images_by_path[shard.path],
                "filesize": shard.size,
                "sha256": shard.sha256,
            }
            for shard in shards
        ],
    }
