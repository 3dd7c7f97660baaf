"""The image folder of an evaluation: files are there, lie within it, and are known by digest."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from isekai_gen.errors import InputError, ManifestError
from isekai_gen.hashing import file_sha256


class ImageFiles:
    """Files below one folder.

    Attributes:
        folder: Where manifests' paths begin, without symbolic links.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder; name the image folder with --images")
        self.folder = folder.resolve()
        self._files: dict[str, Path] = {}
        self._digests: dict[str, str] = {}

    def require(self, paths: Iterable[str]) -> None:
        """Check that images are there, before anything is asked.

        Raises:
            ManifestError: If one lies outside the folder, or some are missing; says how many and
                which is the first.
        """
        wanted = list(dict.fromkeys(paths))
        missing = [path for path in wanted if not self.file(path).is_file()]
        if missing:
            raise ManifestError(
                f"{len(missing)} of {len(wanted)} images are not in {self.folder}, the first is "
                f"{missing[0]!a}; name the folder that paths begin in with --images"
            )

    def file(self, path: str) -> Path:
        """The file of a manifest's path, looked up once: questions show images many times.

        Raises:
            ManifestError: If it lies outside the folder.
        """
        if path not in self._files:
            self._files[path] = self._resolve(path)
        return self._files[path]

    def digest(self, path: str) -> str:
        """SHA-256 of an image's file, read once.

        Raises:
            ManifestError: If it lies outside the folder.
        """
        if path not in self._digests:
            self._digests[path] = file_sha256(self.file(path))
        return self._digests[path]

    def _resolve(self, path: str) -> Path:
        try:
            file = (self.folder / path).resolve()
        except RuntimeError as error:  # as Python 3.11 and 3.12 say it
            raise ManifestError(
                f"image {path!a} is behind links that lead in a circle in {self.folder}; "
                "copy the file there"
            ) from error
        if not file.is_relative_to(self.folder):
            raise ManifestError(
                f"image {path!a} lies outside {self.folder}; copy it into the folder"
            )
        return file
