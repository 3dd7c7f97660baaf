"""Files of lcl-train and lcl-test on disk: JSON lines, a CSV file, a README and ready configs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from isekai_gen.errors import ChecksumError, ManifestError
from isekai_gen.hashing import canonical_json
from isekai_gen.manifests.lcl_check import check_lcl_split, check_lcl_test, check_lcl_train
from isekai_gen.manifests.lcl_order import HEADER, check_class_order, order_line
from isekai_gen.manifests.lcl_split import LclClass
from isekai_gen.manifests.lcl_train_rows import TrainRow
from isekai_gen.manifests.upstream_config import (
    TEST_CONFIG,
    TRAIN_CONFIG,
    lcl_test_config,
    lcl_train_config,
)
from isekai_gen.manifests.upstream_readme import lcl_readme
from isekai_gen.shards import read_lines
from isekai_gen.storage import streamed_file

SUMMARY_FILE = "summary.json"
CLASSES_FILE = "classes.jsonl"
README_FILE = "README.md"
ORDER_FILE = "cls_sort.csv"
SUMMARY_SCHEMA = 1
FILE_PATTERNS: Mapping[str, tuple[str, ...]] = {
    "train": ("train[0-9]*_pairs.jsonl", "train.jsonl", ORDER_FILE, TRAIN_CONFIG),
    "test": ("test[0-9]*_pairs.jsonl", "test.jsonl", TEST_CONFIG),
}
"""Split to the files that only it has."""


def write_train_files(
    folder: Path, train: Sequence[LclClass], made: Iterable[TrainRow]
) -> tuple[str, int]:
    """Write the files of the training classes; returns the rows' file name and their number.

    Args:
        folder: Where to.
        train: The training classes.
        made: Their rows; consumed one after the other, since a row's order is as long as `train`.

    Raises:
        ManifestError: If the rows would break a rule of the format.
        StorageError: If the disk is full or read-only.
    """
    rows: list[dict[str, Any]] = []

    def lines() -> Iterator[str]:
        yield HEADER
        for each in made:
            rows.append(each.row)
            yield order_line(each)
        _refuse_faults("lcl-train", check_lcl_train(rows))

    write_lines(folder / ORDER_FILE, lines())
    with (folder / ORDER_FILE).open(encoding="utf-8") as file:
        _refuse_faults(ORDER_FILE, check_class_order((line.rstrip("\n") for line in file), rows))
    name = f"train{len(rows)}_pairs.jsonl"
    write_lines(folder / name, map(canonical_json, rows))
    write_lines(folder / "train.jsonl", map(_class_line, train))
    write_lines(folder / TRAIN_CONFIG, lcl_train_config(name).splitlines())
    return name, len(rows)


def write_test_files(folder: Path, test: Sequence[LclClass], rows: Sequence[dict[str, Any]]) -> str:
    """Write the files of the test classes; returns the rows' file name.

    Raises:
        ManifestError: If the rows would break a rule of the format.
        StorageError: If the disk is full or read-only.
    """
    _refuse_faults("lcl-test", check_lcl_test(rows))
    name = f"test{len(rows)}_pairs.jsonl"
    fewest = min(len(row["test_samples"]) for row in rows)
    write_lines(folder / name, map(canonical_json, rows))
    write_lines(folder / "test.jsonl", map(_class_line, test))
    write_lines(folder / TEST_CONFIG, lcl_test_config(name, fewest).splitlines())
    return name


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Replace `path` by the lines, each ended by LF; they need not fit into memory together.

    Raises:
        StorageError: If the disk is full or read-only.
    """
    with (
        streamed_file(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as file,
    ):
        for line in lines:
            file.write(f"{line}\n")


def write_descriptions(
    folder: Path, classes: Iterable[Mapping[str, Any]], summary: Mapping[str, Any]
) -> None:
    """Write classes.jsonl, the README and, last, summary.json.

    Args:
        folder: Where to.
        classes: A row for every class.
        summary: With the sections "train" and "test" of the files that are there.

    Raises:
        StorageError: If the disk is full or read-only.
    """
    files = {part: summary.get(part, {}).get("file") for part in FILE_PATTERNS}
    shots = summary.get("test", {}).get("context", 0)
    readme = lcl_readme(files["train"], files["test"], shots)
    write_lines(folder / CLASSES_FILE, map(canonical_json, classes))
    write_lines(folder / README_FILE, readme.splitlines())
    write_lines(folder / SUMMARY_FILE, json.dumps(summary, indent=2, sort_keys=True).splitlines())


def refuse_shared_classes(train: Path, test: Path) -> None:
    """Refuse rows to train on and rows to test on that have a class in common.

    Raises:
        ManifestError: If there is such a class.
        ChecksumError: If a file cannot be read.
    """
    _refuse_faults("lcl-train with lcl-test", check_lcl_split(read_lines(train), read_lines(test)))


def remove_files_of(folder: Path, part: str, keep: str) -> list[str]:
    """Remove files of a split ("train" or "test") of other rows; returns their names.

    Args:
        folder: Where they lie.
        part: Key of `FILE_PATTERNS`.
        keep: Name of the rows whose files stay; "" if none do.
    """
    patterns = FILE_PATTERNS[part][:1] if keep else FILE_PATTERNS[part]
    found = sorted({path for pattern in patterns for path in folder.glob(pattern)})
    stale = [path for path in found if path.name != keep]
    for path in stale:
        path.unlink()
    return [path.name for path in stale]


def read_summary(folder: Path) -> dict[str, Any]:
    """summary.json of the files that lie there, or {} if there is none.

    Raises:
        ChecksumError: If it is no summary that this version can read.
    """
    path = folder / SUMMARY_FILE
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != SUMMARY_SCHEMA:
            raise ValueError(f"schema {content['schema']!r}")
        for part in FILE_PATTERNS.keys() & content.keys():
            # The name is joined to the folder, and what it names is read: no other file than ours.
            if not PurePath(content[part]["file"]).match(FILE_PATTERNS[part][0]):
                raise ValueError(f"{content[part]['file']!r} is no file of {part} rows")
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ChecksumError(
            f"{path}: no summary that can be read ({error!r}); delete the folder {folder} and "
            "write the files anew"
        ) from error
    return dict(content)


def _class_line(each: LclClass) -> str:
    """Upstream's intermediate form: [id, name with underscores, paths]."""
    return canonical_json([each.class_id, each.name.replace(" ", "_"), list(each.images)])


def _refuse_faults(what: str, faults: Sequence[str]) -> None:
    if faults:
        raise ManifestError(f"{what} would break its own rules: {'; '.join(faults[:3])}")
