"""The workspace folder: where everything lies, and who may write.

Only this module builds paths inside a workspace. One process at a time may write
(`Workspace.lock`); how files are written is in `storage`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from isekai_gen.errors import InputError, LockedError, WorkspaceError
from isekai_gen.records import IMAGE_SUFFIXES
from isekai_gen.storage import remove_temporary_files, storage_errors, temporary_name

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


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
    def wildcards(self) -> Path:
        """wildcards/: the wildcard files as used."""
        return self.root / "wildcards"

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
        folder = self.root / temporary_name(name)
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
            WorkspaceError: If something else is in the lock file's place.
        """
        path = self.root / ".lock"
        with storage_errors(path):
            self.root.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise WorkspaceError(f"{path} is no regular file; remove it")
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
