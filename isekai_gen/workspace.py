"""The workspace folder: where everything lies, who may write, and how files are written.

Only this module builds paths inside a workspace. One process at a time may write
(`Workspace.lock`); whole files are replaced atomically (`write_atomically`).
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from isekai_gen.errors import InputError, LockedError, StorageError
from isekai_gen.records import IMAGE_SUFFIXES

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_TEMPORARY_PREFIX = ".tmp-"


def slug_of(name: str) -> str:
    """`name` reduced to lower-case ASCII letters, digits and single dashes.

    Raises:
        InputError: If nothing is left.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not slug:
        raise InputError(f"{name!r} has no ASCII letter or digit to make a slug of")
    return slug


def is_slug(text: str) -> bool:
    """Whether `text` is a slug already; such a text is safe as a file name."""
    return _SLUG.fullmatch(text) is not None


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn "disk full" and "read-only" while writing `path` into one clear line.

    Raises:
        StorageError: In place of the OSError; other OSErrors pass unchanged.
    """
    try:
        yield
    except OSError as error:
        reasons = {
            errno.ENOSPC: "the disk is full",
            errno.EDQUOT: "the disk quota is used up",
            errno.EROFS: "the file system is read-only",
            errno.EACCES: "writing is not permitted",
            errno.EFBIG: "the file size limit is reached",
            errno.EPERM: "writing is not permitted",
        }
        if error.errno not in reasons:
            raise
        raise StorageError(
            f"cannot write {path}: {reasons[error.errno]}; finished work is safe: "
            "make room (or choose another --workspace) and run the same command again"
        ) from error


def temporary_name(name: str) -> str:
    """What a file of this process is called until it is whole; the next lock removes leftovers."""
    return f"{_TEMPORARY_PREFIX}{os.getpid()}-{name}"


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by `content`: temporary file, fsync, rename, fsync of the folder.

    A crash leaves the old file or the new one, never a part.

    Raises:
        StorageError: If the disk is full or read-only; `path` is then unchanged.
    """
    temporary = path.with_name(temporary_name(path.name))
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_staged(path: Path, content: bytes) -> None:
    """Write a file durably into a staging folder, from where `move_all` puts it into its place.

    Raises:
        StorageError: If the disk is full or read-only.
    """
    with storage_errors(path), path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def move_all(places: Mapping[Path, Path]) -> None:
    """Move staged files to their places, in order, and make that durable.

    A crash leaves the first of them in place, each of them whole.

    Args:
        places: Staged file to its place, on the same file system.
    """
    folders = dict.fromkeys(place.parent for place in places.values())
    for folder in folders:
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
    for staged, place in places.items():
        with storage_errors(place):
            staged.replace(place)
    for folder in folders:
        sync_folder(folder)


def remove_temporary_files(folder: Path) -> int:
    """Delete what interrupted writes left below `folder`; returns how many files and folders.

    It looks at names only, since a folder of images may hold a million of them.
    """
    removed = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.name.startswith(_TEMPORARY_PREFIX):
                if is_folder:
                    shutil.rmtree(entry.path)
                else:
                    # A worker of a run that was just killed may be ahead of us for a moment.
                    Path(entry.path).unlink(missing_ok=True)
                removed += 1
            elif is_folder:
                removed += remove_temporary_files(Path(entry.path))
    return removed


class Workspace:
    """Paths of one workspace. Creating the object touches nothing on disk.

    Attributes:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def settings_file(self) -> Path:
        """isekai.toml: the settings of this dataset."""
        return self.root / "isekai.toml"

    @property
    def catalog_file(self) -> Path:
        """concepts.yaml: the catalog as used."""
        return self.root / "concepts.yaml"

    @property
    def templates_file(self) -> Path:
        """templates.yaml: the prompt templates as used."""
        return self.root / "templates.yaml"

    @property
    def decisions_file(self) -> Path:
        """decisions.jsonl: people's decisions, append-only."""
        return self.root / "decisions.jsonl"

    def part(self, folder: str, part: int, suffix: str = ".jsonl") -> Path:
        """File of a numbered part; number 3 of "records" is records/part-00003.jsonl."""
        return self.root / folder / f"part-{part:05d}{suffix}"

    def parts(self, folder: str, suffix: str = ".jsonl") -> list[int]:
        """Numbers of the parts in a folder, ascending."""
        pattern = re.compile(r"part-(\d{5})" + re.escape(suffix))
        base = self.root / folder
        names = [path.name for path in base.iterdir()] if base.is_dir() else []
        return sorted(int(m.group(1)) for name in names if (m := pattern.fullmatch(name)))

    def image(self, concept: str, image_id: str, suffix: str = ".png") -> Path:
        """images/<concept>/<image_id><suffix>, one of `IMAGE_SUFFIXES`.

        Raises:
            ValueError: If the concept is no slug, the id no hexadecimal name, or the suffix
                not one of an image file.
        """
        if suffix not in IMAGE_SUFFIXES:
            raise ValueError(f"not a suffix of an image file: {suffix!r}")
        if not is_slug(concept) or not re.fullmatch(r"[0-9a-f]{20}", image_id):
            raise ValueError(f"not a concept slug and image id: {concept!r}, {image_id!r}")
        return self.root / "images" / concept / f"{image_id}{suffix}"

    def embeddings(self, encoder: str) -> str:
        """Folder name (for `part`) of an encoder's embeddings."""
        return f"embeddings/{folder_name(encoder)}"

    def edges(self, encoder: str) -> Path:
        """edges/<encoder>: Parquet files of similar pairs."""
        return self.root / "edges" / folder_name(encoder)

    def verdicts(self, filter_name: str) -> str:
        """Folder name (for `part`) of a filter's verdicts."""
        return f"verdicts/{filter_name}"

    def reference(self, name: str) -> Path:
        """references/<name>: a reference set's embeddings and classes."""
        return self.root / "references" / folder_name(name)

    @property
    def neighbors(self) -> Path:
        """neighbors/: neighbor tables."""
        return self.root / "neighbors"

    @property
    def manifests(self) -> Path:
        """manifests/."""
        return self.root / "manifests"

    @property
    def reports(self) -> Path:
        """reports/."""
        return self.root / "reports"

    def done(self, stage: str, part: int) -> Path:
        """done/<stage>/part-00000.json: the marker written last."""
        return self.part(f"done/{stage}", part, ".json")

    @contextmanager
    def staging(self, name: str) -> Iterator[Path]:
        """A folder for files that are not in their places yet; it is removed at the end.

        What a crash leaves of it, the next lock removes.
        """
        folder = self.root / f"{_TEMPORARY_PREFIX}{os.getpid()}-{name}"
        with storage_errors(folder):
            folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the one writer. The lock ends with the process, so a dead one's is free.

        Raises:
            LockedError: If another process holds it; names that process.
            StorageError: If the folder cannot be written.
        """
        path = self.root / ".lock"
        with storage_errors(path):
            self.root.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
                raise LockedError(
                    f"workspace {self.root} is in use by process {holder or '(unknown)'}; "
                    "wait for it to end, or choose another --workspace"
                ) from None
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            remove_temporary_files(self.root)
            yield
        finally:
            os.close(descriptor)


def lock_holder(root: Path) -> str:
    """What the lock file of a workspace says: the process that holds the lock, or did last.

    "" if there is no such file that can be read.
    """
    try:
        return (root / ".lock").read_text(errors="replace").strip()
    except OSError:
        return ""


def folder_name(name: str) -> str:
    """`name` as one safe folder name: "ViT-B-32/laion2b" becomes "ViT-B-32--laion2b".

    A name that loses other characters gets the first digits of its SHA-256, so that no two names
    share a folder.
    """
    plain = name.replace("/", "--")
    safe = re.sub(r"[^A-Za-z0-9_.-]", "-", plain).strip(".-")
    if safe == plain:
        return safe
    return f"{safe}-{hashlib.sha256(name.encode()).hexdigest()[:8]}".lstrip("-")
