"""Rows of any manifest that can be evaluated: support images for each label, and a query.

Three formats, told apart by the keys of their first row: ISEKAI-10 and ISEKAI-pair (the same keys),
lcl-test (as upstream's test100_pairs.jsonl), and files of episodes, which have their demonstrations
chosen and ordered already.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from isekai_gen.errors import ManifestError
from isekai_gen.evaluation.metrics import spoken
from isekai_gen.hashing import canonical_json
from isekai_gen.manifests.check import ROW_KEYS, check_manifest
from isekai_gen.manifests.lcl_check import TEST_KEYS, check_lcl_test
from isekai_gen.manifests.paths import check_relative_path
from isekai_gen.manifests.upstream_draws import draw
from isekai_gen.records import Episode, NamedImage

SetFormat = Literal["isekai", "lcl-test", "episodes"]
_FAULTS_SHOWN = 5


@dataclass(frozen=True)
class SupportRow:
    """A query and, for each label, the images that may demonstrate it.

    Attributes:
        key: Unique within the manifest.
        query: The image asked for, with its right label.
        support: Images of each label, in the order of the labels; the first k are shown.
    """

    key: str
    query: NamedImage
    support: tuple[tuple[NamedImage, ...], ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The names to tell apart, the first that of the positive side."""
        return tuple(side[0].label for side in self.support)

    @property
    def most_shots(self) -> int:
        """Shots that all labels can give, counted over all of them."""
        return min(map(len, self.support)) * len(self.support)

    def episode(self, shots: int, seed: int) -> Episode:
        """The first images of each label, shuffled by (seed, row, shots).

        Args:
            shots: Counted over all labels; a multiple of their number, at most `most_shots`.
            seed: Of the order; no model changes it.
        """
        each = shots // len(self.support)
        shown = [image for side in self.support for image in side[:each]]
        order = draw(seed, f"order {self.key} {shots}", shown, len(shown))
        return Episode(f"{self.key}/{shots}", tuple(order), self.query, self.labels)


Row = SupportRow | Episode


@dataclass(frozen=True)
class EvaluationSet:
    """A manifest as read.

    Attributes:
        name: File name without suffix.
        format: Which of the formats it has.
        digest: SHA-256 of the file.
        rows: In file order; all of one kind.
        concept_names: Key of a query's concept to what people call it.
    """

    name: str
    format: SetFormat
    digest: str
    rows: tuple[Row, ...]
    concept_names: Mapping[str, str]


def read_evaluation_set(path: Path) -> EvaluationSet:
    """Read and check a manifest.

    Raises:
        ManifestError: If it is of no known format or breaks a rule of its own; names file and
            lines, and the first faults.
    """
    content = path.read_bytes()
    lines = _parse_lines(path, content)
    keys = lines[0].keys() if lines and isinstance(lines[0], dict) else set()
    rows: Sequence[Row]
    names: dict[str, str]
    file_format: SetFormat
    if keys == ROW_KEYS:
        file_format, (rows, names) = "isekai", _isekai_rows(path, lines)
    elif keys == TEST_KEYS:
        file_format, (rows, names) = "lcl-test", _lcl_test_rows(path, lines)
    elif {"support", "query", "labels"} <= keys:
        file_format, (rows, names) = "episodes", _episodes(path, lines)
    else:
        raise ManifestError(
            f"{path}: no manifest that can be evaluated: its first line must be a row of "
            "ISEKAI-10, ISEKAI-pair or lcl-test, or an episode (see docs/formats.md)"
        )
    _refuse(path, _label_faults(rows) + _path_faults(rows))
    return EvaluationSet(
        path.stem,
        file_format,
        hashlib.sha256(content).hexdigest(),
        rows,
        dict(sorted(names.items())),
    )


def _parse_lines(path: Path, content: bytes) -> list[Any]:
    rows = []
    for number, line in enumerate(content.removesuffix(b"\n").split(b"\n"), start=1):
        try:
            rows.append(_parse_line(line))
        except UnicodeEncodeError as error:
            raise ManifestError(
                f"{path}:{number}: holds half a character ({error.object[error.start]!a}); write "
                "its text again"
            ) from error
        except (ValueError, RecursionError) as error:  # of JSON, or of UTF-8
            raise ManifestError(
                f"{path}:{number}: not a line of JSON; a manifest has one object on each line"
            ) from error
    return rows


def _parse_line(line: bytes) -> Any:  # noqa: ANN401 - any JSON value
    row = json.loads(line.decode())  # of bytes, it would take other encodings, too
    if b"\\u" in line:  # an escape may be half a character, which no file could hold
        canonical_json(row).encode()
    return row


def _isekai_rows(path: Path, lines: Sequence[Any]) -> tuple[tuple[SupportRow, ...], dict[str, str]]:
    _refuse(path, check_manifest(lines))
    rows = []
    for number, row in enumerate(lines, start=1):
        # Legacy spelling: ISEKAI's published files read "promt".
        labels = (row["positive_promt"], row["negative_promt"])
        images = (row["positive_list"], row["negative_list"])
        support = tuple(
            tuple(NamedImage(image, label, label) for image in side)
            for label, side in zip(labels, images, strict=True)
        )
        name = row["label_name"]
        rows.append(SupportRow(f"row {number}", NamedImage(row["image_name"], name, name), support))
    return tuple(rows), {row.query.label: row.query.label for row in rows}


def _lcl_test_rows(
    path: Path, lines: Sequence[Any]
) -> tuple[tuple[SupportRow, ...], dict[str, str]]:
    _refuse(path, check_lcl_test(lines))
    rows = []
    for index in range(0, len(lines), 2):
        pair = lines[index : index + 2]
        # Upstream's loader lower-cases names; the pair's first row is the positive side of both.
        sides = [
            tuple(
                NamedImage(image, row["class_id"], row["class_name"].lower())
                for image in row["context_samples"]
            )
            for row in pair
        ]
        for row in pair:
            for number, image in enumerate(row["test_samples"], start=1):
                query = NamedImage(image, row["class_id"], row["class_name"].lower())
                rows.append(SupportRow(f"{row['class_id']}/{number}", query, tuple(sides)))
    return tuple(rows), {row["class_id"]: row["class_name"] for row in lines}


def _episodes(path: Path, lines: Sequence[Any]) -> tuple[tuple[Episode, ...], dict[str, str]]:
    episodes = []
    for number, row in enumerate(lines, start=1):
        try:
            if not isinstance(row, Mapping):
                raise ValueError("not a JSON object")
            episode = Episode.from_json(row)
        except ValueError as error:
            raise ManifestError(f"{path}:{number}: {error}") from error
        strange = sorted({shown.label for shown in episode.support} - set(episode.labels))
        if strange:
            raise ManifestError(f"{path}:{number}: label {strange[0]!a} is none of its labels")
        if episode.query.image in [shown.image for shown in episode.support]:
            raise ManifestError(
                f"{path}:{number}: the query {episode.query.image!a} is shown "
                "with its label before it is asked for"
            )
        episodes.append(episode)
    keys = [episode.key for episode in episodes]
    if len(set(keys)) != len(keys):
        raise ManifestError(f"{path}: keys of episodes repeat; give each its own")
    return tuple(episodes), {each.query.concept: each.query.concept for each in episodes}


def _label_faults(rows: Sequence[Row]) -> list[str]:
    """Labels that no answer could name, or that no answer could tell apart."""
    faults = []
    for labels in dict.fromkeys(row.labels for row in rows):
        words = [spoken(label) for label in labels]
        if len(labels) < 2 or not all(words) or len(set(words)) != len(words):
            faults.append(f"labels {list(labels)} must be two or more that differ in letters")
    return faults


def _path_faults(rows: Sequence[Row]) -> list[str]:
    paths = dict.fromkeys(image for row in rows for image in images_of(row))
    return [fault for path in paths for fault in check_relative_path(path)]


def images_of(row: Row) -> list[str]:
    """Paths of all images that a row may show."""
    if isinstance(row, Episode):
        return [row.query.image, *(shown.image for shown in row.support)]
    return [row.query.image, *(shown.image for side in row.support for shown in side)]


def _refuse(path: Path, faults: Sequence[str]) -> None:
    if faults:
        shown = "; ".join(faults[:_FAULTS_SHOWN])
        more = len(faults) - _FAULTS_SHOWN
        raise ManifestError(f"{path}: {shown}" + (f"; and {more} more" if more > 0 else ""))
