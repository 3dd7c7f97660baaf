"""Episodes from a file in the style of upstream's train900_pairs.jsonl.

One JSON object a line: "class_id" and "class_name", "samples" (paths of its images), "neighbors"
([class_id, class_name, path], nearest first; the path is one picture of it, which episodes do not
need). Ids are texts, as upstream's loader wants them; every neighbor has a row of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from isekai_gen.errors import ManifestError
from isekai_gen.manifests.episode_source import ClassPool, EpisodeSource
from isekai_gen.manifests.paths import check_relative_path

_KEYS = frozenset({"class_id", "class_name", "samples", "neighbors"})


def read_episode_source(path: Path) -> EpisodeSource:
    """The classes of a train900-style file; no near-duplicates are known there.

    Raises:
        ManifestError: With file:line, at the first row that breaks a rule of the format.
    """
    pools: dict[str, ClassPool] = {}
    neighbors: dict[str, tuple[str, ...]] = {}
    line_of: dict[str, int] = {}
    owner: dict[str, str] = {}
    for number, row in _rows(path):
        try:
            pool = _pool(row)
            near = _neighbors(row)
            if pool.key in pools:
                raise ValueError(f"class {pool.key!r} has a row already, line {line_of[pool.key]}")
            for image in pool.images:
                if owner.setdefault(image, pool.key) != pool.key:
                    raise ValueError(f"image {image!r} is a sample of {owner[image]!r}, too")
        except ValueError as error:
            raise ManifestError(f"{path}:{number}: {error}") from error
        pools[pool.key], neighbors[pool.key], line_of[pool.key] = pool, near, number
    for key, near in neighbors.items():
        for each in near:
            if each not in pools:
                raise ManifestError(f"{path}:{line_of[key]}: neighbor {each!r} has no row")
    return EpisodeSource(pools, neighbors)


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Line number and JSON value of every line."""
    number = 0
    try:
        # In bytes: a file of text is decoded ahead of its lines, whose number would be lost.
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                yield number, json.loads(line.decode())
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path}:{number}: not UTF-8 text; save the file as UTF-8") from error
    except (ValueError, RecursionError) as error:
        why = getattr(error, "msg", error)  # of JSON without its own count of lines
        raise ManifestError(f"{path}:{number}: no JSON ({why}); one object a line") from error
    if not number:
        raise ManifestError(f"{path}: is empty; a train900-style file has a row for each class")


def _pool(row: Any) -> ClassPool:  # noqa: ANN401 - any JSON value
    if not isinstance(row, Mapping) or row.keys() != _KEYS:
        raise ValueError(f"a row must be an object with exactly the keys {sorted(_KEYS)}")
    samples = row["samples"]
    if not isinstance(samples, list):
        raise ValueError("samples must be a list of paths")
    images = tuple(_text("a sample", sample) for sample in samples)
    for image in images:
        _check_path(image)
    name = _text("class_name", row["class_name"]).replace("_", " ")
    return ClassPool(_text("class_id", row["class_id"]), name, images)


def _neighbors(row: Mapping[str, Any]) -> tuple[str, ...]:
    listed = row["neighbors"]
    if not isinstance(listed, list):
        raise ValueError("neighbors must be a list")
    keys = []
    for entry in listed:
        if not isinstance(entry, list) or len(entry) != 3:
            raise ValueError("a neighbor must be [class_id, class_name, path]")
        key, _, path = (_text("every part of a neighbor", part) for part in entry)
        _check_path(path)
        keys.append(key)
    if len(set(keys)) != len(keys) or row["class_id"] in keys:
        raise ValueError("neighbors repeat a class_id, or hold the row's own")
    return tuple(keys)


def _text(what: str, value: Any) -> str:  # noqa: ANN401 - any JSON value
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{what} must be text that is not empty, not {value!r}")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{what}, {value!r}, has half of a character; it cannot be written again")
    return value


def _check_path(path: str) -> None:
    faults = check_relative_path(path)
    if faults:
        raise ValueError(faults[0])
