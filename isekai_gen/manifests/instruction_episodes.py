"""Episodes as samples, from a file of any length in the order of their keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from isekai_gen.errors import ManifestError
from isekai_gen.manifests.conversation import sample_of
from isekai_gen.manifests.conversation_words import EpisodeWords
from isekai_gen.manifests.instruction_samples import InstructionSample
from isekai_gen.records import Episode


def episode_samples(
    episodes: Iterable[Episode], words: EpisodeWords
) -> Iterator[InstructionSample]:
    """One sample an episode.

    Raises:
        ManifestError: If a label holds a command of models; names the episode.
    """
    for episode in episodes:
        try:
            conversation = sample_of(episode, words)
        except ManifestError as error:
            raise ManifestError(f"episode {episode.key}: {error}") from error
        template = f"few-shot/{words.layout}" if episode.support else "zero-shot"
        yield InstructionSample(episode.query.concept, template, conversation)


@dataclass(frozen=True)
class EpisodeFile:
    """A file of episodes that was read once and found whole; only its keys are in the memory.

    Attributes:
        path: The file.
        places: Key and byte offset of each episode, in the order of keys.
        shots: Most support images for one of the names of an episode.
    """

    path: Path
    places: tuple[tuple[str, int], ...]
    shots: int

    @classmethod
    def open(cls, path: Path, faults_of: Callable[[Episode], list[str]]) -> Self:
        """Read and check every line.

        Args:
            path: JSON lines, one episode each.
            faults_of: What else is wrong with an episode.

        Raises:
            ManifestError: At the first line that is no episode or has a fault; names file and line.
        """
        line_of: dict[str, int] = {}
        places = []
        shots = offset = 0
        if path.exists() and not path.is_file():
            raise ManifestError(f"{path}: is no regular file, to be read twice; save it as one")
        try:
            with path.open("rb") as file:
                for number, line in enumerate(file, start=1):
                    episode = _episode(line, f"{path}:{number}", faults_of)
                    first = line_of.setdefault(episode.key, number)
                    if first != number:
                        raise ManifestError(
                            f"{path}:{number}: the key {episode.key!r} is that of line {first}; "
                            "keys must differ"
                        )
                    places.append((episode.key, offset))
                    shots = max(shots, _shots(episode))
                    offset += len(line)
        except OSError as error:
            raise ManifestError(f"{path}: cannot be read ({error.strerror}); check it") from error
        if not places:
            raise ManifestError(f"{path}: has no episodes; make some with isekai-gen episodes")
        return cls(path, tuple(sorted(places)), shots)

    def __iter__(self) -> Iterator[Episode]:
        """The episodes in the order of keys.

        Raises:
            ManifestError: If the file is not what it was when it was opened.
        """
        try:
            with self.path.open("rb") as file:
                for key, offset in self.places:
                    file.seek(offset)
                    episode = Episode.from_json(json.loads(file.readline()))
                    if episode.key != key:
                        raise ValueError(f"episode {key!r} is no longer there")
                    yield episode
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise ManifestError(
                f"{self.path}: was changed while it was read ({error}); run the command again"
            ) from error


def _episode(line: bytes, where: str, faults_of: Callable[[Episode], list[str]]) -> Episode:
    try:
        row = json.loads(line)
        if not isinstance(row, dict):
            raise TypeError("not a JSON object")
        if "source_line" in row:
            raise ValueError("a line of another task, which --strategy mix put there")
        episode = Episode.from_json(row)
        _refuse_bad_texts(episode)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ManifestError(f"{where}: no episode ({error}); correct or remove the line") from error
    faults = faults_of(episode)
    if faults:
        raise ManifestError(f"{where}: episode {episode.key}: {faults[0]}")
    return episode


def _refuse_bad_texts(episode: Episode) -> None:
    """Raise ValueError for a text that is blank, or that no UTF-8 file can hold."""
    shown = (*episode.support, episode.query)
    texts = [episode.key, *episode.labels]
    texts += [text for each in shown for text in (each.label, each.concept, each.image)]
    for text in texts:
        if not text.strip():
            raise ValueError("its key, labels, concepts and images must not be blank")
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise ValueError(f"{text!a} is no text that UTF-8 can hold")


def _shots(episode: Episode) -> int:
    counts = [shown.label for shown in episode.support]
    return max((counts.count(label) for label in episode.labels), default=0)
