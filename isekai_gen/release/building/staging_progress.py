"""What is finished of a release that is being built: a file per shard, written when it is whole.

Its first line is JSON with what the shard was made under and the container that carries it; then
come the shard's rows of metadata.jsonl. A shard of an earlier build is used again only if all of
it is still there, byte for byte: it is read back, since after a power cut a file may be there and
empty. Reading costs less than reading, marking and writing.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from isekai_gen.hashing import canonical_json, file_sha256
from isekai_gen.release.building.staging import Staging
from isekai_gen.release.containers.sinks import ImageShard, MetadataLine
from isekai_gen.release.index import ListedFile
from isekai_gen.release.layout import role_of
from isekai_gen.storage import storage_errors, temporary_name


@dataclass(frozen=True)
class FinishedShard:
    """A shard that is written.

    Attributes:
        container: The file that carries its images, if one does.
        images: The images as files, whether they are released so or not.
    """

    container: ListedFile | None
    images: Sequence[ListedFile]


class Progress:
    """The finished shards of one build.

    Args:
        staging: Where the release is built.
        loose_images: Whether each image is a file in the tree.
    """

    def __init__(self, staging: Staging, *, loose_images: bool) -> None:
        self._staging = staging
        self._loose_images = loose_images

    def keep_only(
        self, shards: Sequence[ImageShard], fingerprint_of: Callable[[ImageShard], str]
    ) -> dict[str, FinishedShard]:
        """Clear away all of an earlier build that is not a whole shard of this one.

        Args:
            shards: Of this build.
            fingerprint_of: Gives the digest of what a shard is made of.

        Returns:
            Name of each shard that is finished to the shard.
        """
        finished: dict[str, FinishedShard] = {}
        for shard in shards:
            if self._path(shard.name).is_file():
                found = self._read(shard.name, fingerprint_of(shard))
                if found is not None:
                    finished[shard.name] = found
        kept = {file.path for shard in finished.values() for file in self._files(shard)}
        _clear(self._staging.tree, "", kept)
        _clear(self._staging.progress, "", {f"{name}.jsonl" for name in finished})
        return finished

    def finish(
        self,
        name: str,
        fingerprint: str,
        container: ListedFile | None,
        lines: Sequence[MetadataLine],
    ) -> FinishedShard:
        """Take note that a shard is whole.

        Args:
            name: Of the shard.
            fingerprint: Digest of what it is made of.
            container: The file that carries its images, if one does.
            lines: Its lines of metadata.jsonl.
        """
        content = b"".join(line.text + b"\n" for line in lines)
        head = {
            "fingerprint": fingerprint,
            "container": None if container is None else asdict(container),
            "lines_sha256": hashlib.sha256(content).hexdigest(),
        }
        path = self._path(name)
        temporary = path.with_name(temporary_name(path.name))
        with storage_errors(path):
            temporary.write_bytes(f"{canonical_json(head)}\n".encode() + content)
            temporary.replace(path)
        return FinishedShard(container, [_listed(line.row) for line in lines])

    def lines(self, name: str) -> Iterator[bytes]:
        """The rows of metadata.jsonl of a finished shard, encoded, each with its line feed."""
        with self._path(name).open("rb") as file:
            file.readline()
            yield from file

    def _path(self, name: str) -> Path:
        return self._staging.progress / f"{name}.jsonl"

    def _read(self, name: str, fingerprint: str) -> FinishedShard | None:
        """The shard if an earlier build finished it as it would be made now, else None."""
        head, _, lines = self._path(name).read_bytes().partition(b"\n")
        try:
            told = json.loads(head)
            container = None if told["container"] is None else ListedFile(**told["container"])
            known = (told["fingerprint"], told["lines_sha256"])
        except (ValueError, TypeError, KeyError):
            return None  # torn by a power cut: the shard is made again
        if known != (fingerprint, hashlib.sha256(lines).hexdigest()):
            return None
        images = [_listed(json.loads(line)) for line in lines.splitlines()]
        shard = FinishedShard(container, images)
        return shard if all(map(self._is_whole, self._files(shard))) else None

    def _files(self, shard: FinishedShard) -> Iterator[ListedFile]:
        if shard.container is not None:
            yield shard.container
        if self._loose_images:
            yield from shard.images

    def _is_whole(self, listed: ListedFile) -> bool:
        path = self._staging.tree / listed.path
        return (
            path.is_file()
            and path.stat().st_size == listed.size
            and file_sha256(path) == listed.sha256
        )


def _listed(row: Mapping[str, Any]) -> ListedFile:
    """An image as release.json lists it, from its row of metadata.jsonl."""
    name = row["file_name"]
    return ListedFile(name, row["bytes"], row["sha256"], role_of(name))


def _clear(folder: Path, name: str, kept: set[str]) -> bool:
    """Remove everything below `folder` but the files in `kept`; whether nothing is left.

    Args:
        folder: To clear.
        name: Path of `folder` in the tree, with a slash behind it if it is not the top.
        kept: Paths in the tree.
    """
    empty = True
    for path in list(folder.iterdir()):
        own = f"{name}{path.name}"
        if path.is_symlink() or not path.is_dir():
            if own in kept:
                empty = False
            else:
                path.unlink()
        elif _clear(path, f"{own}/", kept):
            shutil.rmtree(path)
        else:
            empty = False
    return empty
