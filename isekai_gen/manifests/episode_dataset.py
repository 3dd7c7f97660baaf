"""Episodes with opened images, as torch's `DataLoader` takes them.

A map-style dataset of torch is whatever has a length and gives a sample for a number, so this needs
no torch: `EpisodeDataset` works with `DataLoader` (any number of workers, however they are started)
and `Subset`. Episodes differ in their number of images: give the loader `batch_size=None`, or a
`collate_fn`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from PIL import Image, ImageOps

from isekai_gen.errors import InputError
from isekai_gen.manifests.paths import check_relative_path
from isekai_gen.records import IMAGE_FORMATS, Episode

Prepared = TypeVar("Prepared")


class Episodes(Protocol):
    """An `EpisodeSampler`, or a list of episodes from a file."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Episode: ...


@dataclass(frozen=True)
class OpenedEpisode(Generic[Prepared]):
    """An episode and what its images look like.

    Attributes:
        episode: Its words and paths.
        support: The demonstrations' images, in the order of `episode.support`.
        support_labels: Position in `episode.labels` of what each demonstration is called.
        query: The query's image.
        query_label: Position in `episode.labels` of the right answer.
    """

    episode: Episode
    support: tuple[Prepared, ...]
    support_labels: tuple[int, ...]
    query: Prepared
    query_label: int


class EpisodeDataset(Generic[Prepared]):
    """A map-style dataset of opened episodes."""

    def __init__(
        self,
        episodes: Episodes,
        image_folder: Path,
        transform: Callable[[Image.Image], Prepared],
    ) -> None:
        """Open nothing yet.

        Args:
            episodes: What to show.
            image_folder: What their paths are relative to: the workspace, or the dataset.
            transform: From an RGB picture, turned as its EXIF orientation asks, to what the model
                wants, such as a tensor. Workers that are not forked need one that can be pickled.
        """
        self._episodes = episodes
        self._image_folder = image_folder
        self._transform = transform

    def __len__(self) -> int:
        return len(self._episodes)

    def __getitem__(self, index: int) -> OpenedEpisode[Prepared]:
        """Open the images of episode number `index`.

        Raises:
            InputError: If one leads out of the image folder or cannot be opened, or if a label is
                none of the episode's; names it.
        """
        episode = self._episodes[index]
        return OpenedEpisode(
            episode=episode,
            support=tuple(self._open(shown.image) for shown in episode.support),
            support_labels=tuple(_place(episode, shown.label) for shown in episode.support),
            query=self._open(episode.query.image),
            query_label=_place(episode, episode.query.label),
        )

    def _open(self, image: str) -> Prepared:
        faults = check_relative_path(image)
        if faults:
            raise InputError(f"{faults[0]}; episodes name images below {self._image_folder}")
        path = self._image_folder / image
        # Whoever made the folder may have put a link into it.
        if not path.resolve().is_relative_to(self._image_folder.resolve()):
            raise InputError(f"{path}: leads out of {self._image_folder}; copy the file there")
        try:
            with Image.open(path, formats=tuple(IMAGE_FORMATS.values())) as opened:
                ImageOps.exif_transpose(opened, in_place=True)
                picture = opened.convert("RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            why = getattr(error, "strerror", None) or error  # a missing file's names it once more
            raise InputError(f"{path}: is no picture that can be opened ({why})") from error
        return self._transform(picture)


def _place(episode: Episode, label: str) -> int:
    """Position of a label in the episode's."""
    if label not in episode.labels:
        raise InputError(
            f"episode {episode.key}: {label!r} is none of its labels; correct the line"
        )
    return episode.labels.index(label)
