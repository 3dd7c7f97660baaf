"""The two kinds of files that carry images: where they lie, how they are called and read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from isekai_gen.release.containers.container_read import (
    ContainedImage,
    iter_parquet_images,
    iter_tar_images,
)
from isekai_gen.release.containers.sinks import ImageShard
from isekai_gen.release.layout import Profile, parquet_name
from isekai_gen.release.splits import SPLIT_NAME


@dataclass(frozen=True)
class ImageContainer:
    """A way that images travel.

    Attributes:
        folder: Below which the files lie.
        suffix: Of the files.
        profile: Releases of this profile have it.
        read: Gives the images of a file.
        file_name: Of a file, less its suffix: split, number, and of how many ("" if not said).
    """

    folder: str
    suffix: str
    profile: Profile
    read: Callable[[Path], Iterator[ContainedImage]]
    file_name: re.Pattern[str]

    def has(self, path: str) -> bool:
        """Whether a path of a release is that of such a file."""
        return path.startswith(f"{self.folder}/") and path.endswith(self.suffix)

    def match(self, path: str) -> re.Match[str] | None:
        """Split, number and total that a file is named after, or None if it is misnamed."""
        return self.file_name.fullmatch(PurePosixPath(path).stem)

    def split_of(self, path: str) -> str:
        """The split that a file is named after, "" if it is misnamed."""
        found = self.match(path)
        return found["split"] if found else ""


PARQUET = ImageContainer(
    folder="data",
    suffix=".parquet",
    profile="hub",
    read=iter_parquet_images,
    file_name=re.compile(rf"(?P<split>{SPLIT_NAME})-(?P<number>\d{{5}})-of-(?P<of>\d{{5}})"),
)
TAR = ImageContainer(
    folder="shards",
    suffix=".tar",
    profile="webdataset",
    read=iter_tar_images,
    file_name=re.compile(rf".+-(?P<split>{SPLIT_NAME})-(?P<number>\d{{6}})(?P<of>)"),
)
IMAGE_CONTAINERS = (PARQUET, TAR)


def container_files(names: Iterable[str]) -> int:
    """How many of these paths are files that carry images."""
    return sum(each.has(name) for name in names for each in IMAGE_CONTAINERS)


def container_name(profile: Profile, release_name: str, shard: ImageShard) -> str | None:
    """Path in the release of the file that carries a shard's images; None where none does."""
    if profile == PARQUET.profile:
        return parquet_name(PARQUET.folder, shard.split, shard.number, shard.of)
    if profile == TAR.profile:
        return f"{TAR.folder}/{release_name}-{shard.split}-{shard.number:06d}{TAR.suffix}"
    return None
