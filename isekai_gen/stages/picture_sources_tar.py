"""Pictures in tar shards, such as those of WebDataset, read in place without unpacking.

A picture's class is what its sidecar says (`000123.cls`, else `000123.txt`, beside `000123.png`),
else the name of its folder in the archive.
"""

from __future__ import annotations

import os
import tarfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from isekai_gen.stages.picture_sources_places import (
    Listing,
    PicturePlace,
    is_picture_name,
    is_text,
    printable,
    too_large,
)

# In the order in which they count.
_SIDECARS = (".cls", ".txt")
# A sidecar that is longer is a text of its own, no label.
_MAX_LABEL_BYTES = 1024


def list_tars(root: Path, files: Sequence[str]) -> Listing:
    """Every picture in the archives.

    Args:
        root: Folder of the archives.
        files: Their paths below it.
    """
    joined = Listing([], {}, Counter())
    for file in files:
        listing = _list_tar(root, file)
        joined.places.extend(listing.places)
        joined.refused.update(listing.refused)
        joined = joined._replace(skipped=Counter(joined.skipped) + Counter(listing.skipped))
    return joined


def read_from_tar(root: Path, place: PicturePlace) -> bytes:
    """The bytes of a member; OSError or ValueError if they are not all there."""
    with (root / place.file).open("rb") as archive:
        content = os.pread(archive.fileno(), place.size, place.offset)
    if len(content) != place.size:
        raise ValueError(f"the archive ends after {len(content):,} of {place.size:,} bytes")
    return content


def _list_tar(root: Path, file: str) -> Listing:
    members: list[tarfile.TarInfo] = []
    refused: dict[str, str] = {}
    path = root / file
    modified_ns = path.stat().st_mtime_ns
    labels: dict[str, str] = {}
    try:
        # "r:" takes no compressed archive: its members could not be read in place.
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                members.append(member)
                _note_label(archive, member, labels)
            if not _is_end(path, archive.offset):
                raise ValueError(f"it breaks off after {len(members)} members")
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        refused[file] = f"no whole uncompressed tar archive ({error}); what came before is read"
    places, skipped = [], Counter[str]()
    keys = _distinct([f"{file}/{printable(member.name)}" for member in members])
    for key, member in zip(keys, members, strict=True):
        if member.isdir():
            continue
        if not is_picture_name(member.name):
            skipped[PurePosixPath(printable(member.name)).suffix.lower()] += 1
        elif reason := _refusal(member):
            refused[key] = reason
        else:
            label = labels.get(_stem(member.name)) or PurePosixPath(member.name).parent.name
            places.append(
                PicturePlace(key, label, file, member.offset_data, member.size, modified_ns)
            )
    return Listing(places, refused, skipped)


def _is_end(path: Path, offset: int) -> bool:
    """Whether an archive ends there; `tarfile` takes a damaged header for the end, too."""
    with path.open("rb") as archive:
        block = os.pread(archive.fileno(), tarfile.BLOCKSIZE, offset)
    return not block or block == bytes(tarfile.BLOCKSIZE)


def _note_label(archive: tarfile.TarFile, member: tarfile.TarInfo, labels: dict[str, str]) -> None:
    suffix = PurePosixPath(member.name).suffix.lower()
    if suffix not in _SIDECARS or not member.isreg() or member.size > _MAX_LABEL_BYTES:
        return
    stem = _stem(member.name)
    if suffix == _SIDECARS[0] or stem not in labels:
        content = archive.extractfile(member)
        if content is not None:
            labels[stem] = content.read().decode("utf-8", "replace").strip()


def _stem(name: str) -> str:
    """What the files of one WebDataset sample have in common: the path up to the first dot."""
    folder, _, last = name.rpartition("/")
    return f"{folder}/{last.partition('.')[0]}"


def _refusal(member: tarfile.TarInfo) -> str:
    if not member.isreg() or member.issparse():
        return "is no regular file of the archive"
    if not is_text(member.name):
        return "its name is not UTF-8"
    return too_large(member.size)


def _distinct(keys: Sequence[str]) -> list[str]:
    """The keys, with "#2", "#3" after names that an archive holds again."""
    taken: set[str] = set()
    given: list[str] = []
    for key in keys:
        number, name = 1, key
        while name in taken:
            number += 1
            name = f"{key}#{number}"
        taken.add(name)
        given.append(name)
    return given
