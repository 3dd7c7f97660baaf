"""A release as one file to hand over: the same release gives the same bytes everywhere."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from isekai_gen.errors import ReleaseError
from isekai_gen.release.building.staging import refuse_existing
from isekai_gen.release.containers.tar_headers import plain_member
from isekai_gen.release.layout import Archive
from isekai_gen.storage import streamed_file

_COPY_BYTES = 1 << 20
# The earliest time that a zip can hold.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_PLAIN_FILE = 0o100644
_ZIP64_FROM = 1 << 31


def archive_path(out: Path, kind: Archive) -> Path:
    """The archive that `write_archive` makes."""
    return out.with_name(f"{out.name}.{kind}")


def write_archive(folder: Path, out: Path, kind: Archive) -> Path:
    """Pack a release, uncompressed: pictures do not shrink. Memory holds a megabyte.

    Times, modes, owners and the order of the folder do not enter.

    Args:
        folder: The release.
        out: PARENT/NAME-VERSION, the archive without its suffix; its files are below NAME-VERSION/.
        kind: "zip" or "tar".

    Returns:
        The archive.

    Raises:
        ReleaseError: If it exists, or the folder has anything but files and folders.
        StorageError: If the disk is full or read-only; nothing is left.
    """
    archive = archive_path(out, kind)
    refuse_existing(archive)
    pack = {"zip": _write_zip, "tar": _write_tar}[kind]
    with streamed_file(archive) as path:
        pack(path, folder, out.name)
        refuse_existing(archive)
    return archive


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Paths below `folder` with forward slashes, sorted, and where they lie."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    for name, path in sorted(found.items()):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise ReleaseError(f"{path} is neither a file nor a folder; a release has none such")
        if path.is_file():
            yield name, path


def _write_tar(archive: Path, folder: Path, top: str) -> None:
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, path in _files(folder):
            with path.open("rb") as source:
                tar.addfile(plain_member(f"{top}/{name}", path.stat().st_size), source)


def _write_zip(archive: Path, folder: Path, top: str) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        for name, path in _files(folder):
            member = zipfile.ZipInfo(f"{top}/{name}", _ZIP_TIME)
            member.create_system, member.external_attr = _UNIX, _PLAIN_FILE << 16
            large = path.stat().st_size >= _ZIP64_FROM
            with path.open("rb") as source, packed.open(member, "w", force_zip64=large) as target:
                shutil.copyfileobj(source, target, _COPY_BYTES)
