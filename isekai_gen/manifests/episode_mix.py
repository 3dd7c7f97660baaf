"""Half episodes, half lines of other tasks' files: the strategy "mix" of Link-Context Learning.

Of every two lines that follow each other one is an episode and one another task's; the seed says
which comes first. An odd number of lines ends with an episode. Other tasks' lines are drawn without
repeating one before all were drawn.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from isekai_gen.errors import ManifestError
from isekai_gen.hashing import canonical_json
from isekai_gen.manifests.episode_draws import EpisodeDraws
from isekai_gen.manifests.episodes import EpisodeSampler
from isekai_gen.prompts.permutation import Permutation
from isekai_gen.records import Episode
from isekai_gen.records.base import SCHEMA


@dataclass(frozen=True)
class OtherLine:
    """A line of another task's file.

    Attributes:
        source: The file, as it was named.
        source_line: 1-based.
        text: The JSON object, byte for byte.
    """

    source: str
    source_line: int
    text: bytes

    def encode(self) -> bytes:
        """One line of a mixed file: {"row": the object as it was, "schema", "source", ...}."""
        source = canonical_json(self.source).encode()
        ending = b', "schema": %d, "source": %b, "source_line": %d}\n'
        return b'{"row": ' + self.text + ending % (SCHEMA, source, self.source_line)


class OtherLines:
    """The lines of other tasks' files, read one at a time.

    Attributes:
        paths: The files.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        """Find where every line begins.

        Raises:
            ManifestError: With file:line, if a line is not a JSON object; or if there is none.
        """
        self.paths = tuple(paths)
        self._starts = [array("Q", _line_starts(path)) for path in paths]
        if not len(self):
            raise ManifestError("--mix: there are no lines to mix with; name a JSON-lines file")

    def __len__(self) -> int:
        return sum(len(starts) for starts in self._starts)

    def __getitem__(self, index: int) -> OtherLine:
        place = index
        for path, starts in zip(self.paths, self._starts, strict=True):
            if place < len(starts):
                with path.open("rb") as file:
                    file.seek(starts[place])
                    line = file.readline()
                _check_object(f"{path}:{place + 1}", line)  # it may have changed meanwhile
                return OtherLine(str(path), place + 1, line.strip())
            place -= len(starts)
        raise IndexError(f"no line {index}: there are {len(self)}")


class MixedLines:
    """Episodes and other tasks' lines, indexable in any order.

    There are as many episodes as in `episodes`, and one other line fewer or none fewer.
    """

    def __init__(self, episodes: EpisodeSampler, others: OtherLines, count: int) -> None:
        """Mix.

        Args:
            episodes: Of the first half: `count` / 2, rounded up.
            others: Of the second half.
            count: Lines altogether.
        """
        if len(episodes) != -(-count // 2):
            raise ValueError(f"{count} lines need half of them episodes, not {len(episodes)}")
        self._episodes, self._others, self._count = episodes, others, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Episode | OtherLine:
        """Line number `index`, from 0."""
        if not 0 <= index < self._count:
            raise IndexError(f"no line {index}: there are {self._count}")
        pair, side = divmod(index, 2)
        is_last = index == self._count - 1 and side == 0
        seed = self._episodes.plan.seed
        if is_last or EpisodeDraws(seed, f"mix {pair}").below(2) == side:
            return self._episodes[pair]
        turn, place = divmod(pair, len(self._others))
        order = Permutation(len(self._others), f"mix {seed} {turn}".encode())
        return self._others[order(place)]


def _line_starts(path: Path) -> Iterator[int]:
    """Where each line of a JSON-lines file begins, in bytes."""
    if path.exists() and not path.is_file():
        raise ManifestError(f"--mix {path}: is no regular file, to be read twice; save it as one")
    start = 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                _check_object(f"{path}:{number}", line)
                yield start
                start += len(line)
    except OSError as error:
        raise ManifestError(f"--mix {path}: cannot be read ({error.strerror})") from error


def _check_object(place: str, line: bytes) -> None:
    try:
        value = json.loads(line.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        why = getattr(error, "msg", error)  # of JSON without its own count of lines
        raise ManifestError(f"{place}: no JSON ({why}); --mix takes one object a line") from error
    if not isinstance(value, dict):
        raise ManifestError(f"{place}: not a JSON object; --mix takes one object a line")
    if b"\r" in line.strip():  # between words JSON allows it, but many readers end the line there
        raise ManifestError(f"{place}: a carriage return within the object; remove it")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
