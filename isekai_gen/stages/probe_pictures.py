"""Pictures of the probe, decoded and prepared for an encoder in threads, and kept if they fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
from PIL import Image

from isekai_gen.cores import usable_cores
from isekai_gen.errors import WorkspaceError
from isekai_gen.models.encoder_protocols import PreparedPicture
from isekai_gen.records import LOSSLESS_SUFFIXES
from isekai_gen.stages.embed_pictures_decode import UnreadablePictureError, decode
from isekai_gen.stages.probe_sets import ProbePicture

_MOST_KEPT_BYTES = 2 << 30
_MOST_THREADS = 16


class PreparedPictures:
    """A list of pictures that an encoder can be given by number."""

    def __init__(
        self,
        pictures: Sequence[ProbePicture],
        prepare: Callable[[Image.Image], PreparedPicture],
        most_bytes: int = _MOST_KEPT_BYTES,
    ) -> None:
        """Nothing is read yet.

        Args:
            pictures: Which.
            prepare: The encoder's; called in threads.
            most_bytes: Prepared pictures that are kept in memory; others are read each time.
        """
        self._pictures = pictures
        self._prepare = prepare
        self._most_bytes = most_bytes
        self._kept: dict[int, PreparedPicture] = {}
        self._kept_bytes = 0

    def __len__(self) -> int:
        """How many there are."""
        return len(self._pictures)

    def rows(self, numbers: Sequence[int]) -> npt.NDArray[np.uint8]:
        """Prepared pictures: uint8 [n, height, width, 3].

        Raises:
            WorkspaceError: If one is no longer what was recorded.
        """
        wanted = sorted(set(numbers) - self._kept.keys())
        read: dict[int, PreparedPicture] = {}
        if wanted:
            with ThreadPoolExecutor(min(_MOST_THREADS, usable_cores())) as pool:
                read = dict(zip(wanted, pool.map(self._read, wanted), strict=True))
        for number, picture in read.items():
            if self._kept_bytes + picture.nbytes <= self._most_bytes:
                self._kept[number] = picture
                self._kept_bytes += picture.nbytes
        return np.stack(
            [read[number] if number in read else self._kept[number] for number in numbers]
        )

    def _read(self, number: int) -> PreparedPicture:
        picture = self._pictures[number]
        try:
            decoded = decode(picture.path.read_bytes())
        except (OSError, UnreadablePictureError) as error:
            raise _changed(picture, str(error)) from error
        # A JPEG file decodes to other pixels than were drawn, so only the others can be compared.
        if (
            picture.path.suffix in LOSSLESS_SUFFIXES
            and decoded.pixel_sha256 != picture.pixel_sha256
        ):
            raise _changed(picture, "has other pixels than its record says")
        return self._prepare(decoded.image)


def _changed(picture: ProbePicture, why: str) -> WorkspaceError:
    return WorkspaceError(
        f"{picture.path}: {why}; delete what is left of it and run the command that made it again "
        "(`isekai-gen generate` or `isekai-gen counterfactuals`)"
    )
