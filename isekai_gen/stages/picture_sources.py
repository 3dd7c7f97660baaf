"""Pictures wherever they lie: a folder, tar shards or Parquet files, read in place, never written.

Files that are no pictures by name are skipped and counted; what looks like a picture but cannot be
read is refused with its reason, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import groupby
from pathlib import Path
from typing import Literal

from isekai_gen.errors import InputError
from isekai_gen.hashing import digest_of
from isekai_gen.stages.picture_sources_folder import list_folder, read_from_folder
from isekai_gen.stages.picture_sources_parquet import contents_of_parquet, list_parquets
from isekai_gen.stages.picture_sources_places import Listing, PicturePlace
from isekai_gen.stages.picture_sources_tar import list_tars, read_from_tar

SourceKind = Literal["folder", "tar", "parquet"]
ReadPicture = Callable[[], bytes]
"""Gives a picture's bytes; raises OSError or ValueError with the reason if they cannot be had."""


@dataclass(frozen=True)
class PictureReader:
    """Reads pictures of one source; small and picklable, for workers.

    Attributes:
        root: Folder of the source.
        kind: How it holds its pictures.
    """

    root: Path
    kind: SourceKind

    def open_all(
        self, places: Sequence[PicturePlace]
    ) -> Iterator[tuple[PicturePlace, ReadPicture]]:
        """How to read each picture, in the order given; reading may happen in another thread.

        Args:
            places: Of this source, in ascending order of their keys.
        """
        if self.kind != "parquet":
            read = read_from_folder if self.kind == "folder" else read_from_tar
            for place in places:
                yield place, partial(read, self.root, place)
            return
        for _, group in groupby(places, key=lambda place: (place.file, place.chunk)):
            for place, content, reason in contents_of_parquet(self.root, list(group)):
                yield place, partial(_given, content, reason)


@dataclass(frozen=True, eq=False)
class PictureSource:
    """All pictures of a folder, of tar shards or of Parquet files.

    Attributes:
        path: As it was named.
        reader: Reads its pictures.
        places: In ascending order of their keys.
        refused: Key to why a picture (or a file of many) is not even tried.
        skipped: Suffix to files that are no pictures.
    """

    path: Path
    reader: PictureReader
    places: tuple[PicturePlace, ...]
    refused: Mapping[str, str]
    skipped: Mapping[str, int]

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """What names each picture, ascending, without repeats.

        A relative path, "shard.tar/member" or "file.parquet#row".
        """
        return tuple(place.key for place in self.places)

    @cached_property
    def _place_of(self) -> dict[str, PicturePlace]:
        return {place.key: place for place in self.places}

    def label_of(self, key: str) -> str:
        """Class of a picture, or ""; KeyError if there is no such picture."""
        return self._place_of[key].label

    def read(self, key: str) -> bytes:
        """The bytes of one picture's file.

        Raises:
            KeyError: If there is no such picture.
            OSError, ValueError: If they cannot be read.
        """
        ((_, read),) = self.reader.open_all([self._place_of[key]])
        return read()

    def shards(self, size: int) -> list[range]:
        """Ranges of `places` of about `size` pictures; a row group is never split."""
        ranges, start = [], 0
        for row, place in enumerate(self.places):
            before = self.places[row - 1]
            joint = place.chunk >= 0 and (place.file, place.chunk) == (before.file, before.chunk)
            if row - start >= size and not joint:
                ranges.append(range(start, row))
                start = row
        return [*ranges, range(start, len(self.places))] if self.places else []

    def fingerprint(self) -> str:
        """Digest of everything that tells, without reading the pictures, that they changed."""
        return digest_of(
            [str(self.reader.root), [list(place) for place in self.places], dict(self.refused)]
        )


def open_source(path: Path) -> PictureSource:
    """Look at what lies at `path` without opening a picture.

    Args:
        path: A folder of pictures (PNG, JPEG, WebP; with the folders below it), of .tar shards or
            of .parquet files, or one .tar or .parquet file. In a folder with pictures, archives
            count as files that are no pictures.

    Raises:
        InputError: If there are no pictures, or it is not clear which are meant.
    """
    if path.is_dir():
        root = path.resolve()
        return _opened(path, root, *_list_below(path, root))
    if not path.is_file():
        raise InputError(f"{path}: no such file or folder of pictures; check the path")
    root, name = path.parent.resolve(), path.name
    if path.suffix.lower() == ".tar":
        return _opened(path, root, "tar", list_tars(root, [name]))
    if path.suffix.lower() == ".parquet":
        return _opened(path, root, "parquet", list_parquets(root, [name]))
    raise InputError(f"{path}: no folder, .tar or .parquet file of pictures; name one of these")


def _list_below(path: Path, root: Path) -> tuple[SourceKind, Listing]:
    listing = list_folder(root)
    if listing.places or listing.refused:
        return "folder", listing
    tars, parquets = _files_below(root, ".tar"), _files_below(root, ".parquet")
    if tars and parquets:
        raise InputError(
            f"{path}: holds {len(tars)} .tar and {len(parquets)} .parquet files; name a folder of "
            "one kind, or one file"
        )
    if tars:
        return "tar", list_tars(root, tars)
    return "parquet", list_parquets(root, parquets)


def _files_below(root: Path, suffix: str) -> list[str]:
    """Regular files of a suffix, relative to `root`, ascending."""
    return sorted(
        found.relative_to(root).as_posix()
        for found in root.rglob("*")
        if found.suffix.lower() == suffix and found.is_file() and not found.is_symlink()
    )


def _opened(path: Path, root: Path, kind: SourceKind, listing: Listing) -> PictureSource:
    if not listing.places:
        why = next((f"; {key} {reason}" for key, reason in listing.refused.items()), "")
        raise InputError(f"{path}: has no pictures (PNG, JPEG, WebP; .tar or .parquet){why}")
    places = tuple(sorted(listing.places))
    return PictureSource(path, PictureReader(root, kind), places, listing.refused, listing.skipped)


def _given(content: bytes | None, reason: str) -> bytes:
    if content is None:
        raise ValueError(reason)
    return content
