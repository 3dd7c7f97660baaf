"""Re-check lcl-train and lcl-test files as read back: every rule of upstream's loader and metric.

Rows are arbitrary JSON here, and not to be trusted: faults, never a crash. Every fault names its
1-based row, and what breaks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from isekai_gen.manifests.names import check_label, check_label_pair, control_tokens_in
from isekai_gen.manifests.paths import check_relative_path

TRAIN_KEYS = frozenset({"class_id", "class_name", "samples", "neighbors"})
TEST_KEYS = frozenset({"class_id", "class_name", "context_samples", "test_samples"})
Row = Mapping[str, Any]


def check_lcl_train(rows: Sequence[Any]) -> list[str]:
    """Every fault of a train<N>_pairs.jsonl.

    Args:
        rows: Parsed JSON lines, in file order.
    """
    whole, faults = _check_rows(rows, _check_train_row)
    faults += _check_ids(whole)
    names = {row["class_id"]: row["class_name"] for row in whole.values()}
    shown = {path: row["class_id"] for row in whole.values() for path in row["samples"]}
    for number, row in whole.items():
        for class_id, name, path in row["neighbors"]:
            if shown.get(path, class_id) not in (class_id, row["class_id"]):
                faults.append(
                    f"row {number}: neighbor {class_id!a} shows {path!a}, a sample of another class"
                )
            if class_id not in names:
                faults.append(f"row {number}: neighbor {class_id!a} has no row of its own")
            elif names[class_id] != name:
                faults.append(
                    f"row {number}: neighbor {class_id!a} is called {name!a}, "
                    f"but its own row says {names[class_id]!a}"
                )
    faults += _check_lengths(whole, ("samples", "neighbors"))
    return faults + _check_owners(whole, lambda row: row["samples"])


def check_lcl_test(rows: Sequence[Any]) -> list[str]:
    """Every fault of a test<M>_pairs.jsonl.

    Args:
        rows: Parsed JSON lines, in file order (rows 2k and 2k + 1 are a pair).
    """
    whole, faults = _check_rows(rows, _check_test_row)
    if len(rows) % 2:
        faults.append(f"a test file must have an even number of rows, this has {len(rows)}")
    faults += _check_ids(whole)
    faults += _check_unique(whole, lambda row: row["class_name"].lower(), "class_name")
    for number in range(1, len(rows), 2):
        if number in whole and number + 1 in whole:
            pair = (whole[number]["class_name"].lower(), whole[number + 1]["class_name"].lower())
            faults += [f"rows {number} and {number + 1}: {f}" for f in check_label_pair(*pair)]
    faults += _check_lengths(whole, ("context_samples",))
    return faults + _check_owners(whole, lambda row: row["context_samples"] + row["test_samples"])


def check_lcl_split(train: Sequence[Any], test: Sequence[Any]) -> list[str]:
    """Every class that is in both files; rows are as for the two other checks."""
    trained, tested = _class_ids(train), _class_ids(test)
    shared = sorted(trained & tested)
    return [f"class {each!a} is a training class and a test class" for each in shared]


def _class_ids(rows: Sequence[Any]) -> set[str]:
    found = (row.get("class_id") for row in rows if isinstance(row, Mapping))
    return {each for each in found if isinstance(each, str)}


def _check_rows(
    rows: Sequence[Any], check_row: Callable[[Any], tuple[bool, list[str]]]
) -> tuple[dict[int, Row], list[str]]:
    """The rows of the right shape by their 1-based number, and all faults of single rows."""
    faults = [] if rows else ["a file must have rows"]
    whole: dict[int, Row] = {}
    for number, row in enumerate(rows, start=1):
        is_whole, found = check_row(row)
        if is_whole:
            whole[number] = row
        faults += [f"row {number}: {fault}" for fault in found]
    return whole, faults


def _check_train_row(row: Any) -> tuple[bool, list[str]]:  # noqa: ANN401 - any JSON value
    shape_faults = _check_shape(row, TRAIN_KEYS, ("samples",))
    if not shape_faults and not _are_neighbors(row["neighbors"]):
        shape_faults = ["neighbors must be a list of [class id, class name, path], all texts"]
    if shape_faults:
        return False, shape_faults
    faults = check_class_name(row["class_name"]) + _check_paths(row, "samples")
    ids = [class_id for class_id, _, _ in row["neighbors"]]
    if len(set(ids)) != len(ids):
        faults.append("neighbors repeats a class")
    if row["class_id"] in ids:
        faults.append("neighbors contains the class itself")
    for _, _, path in row["neighbors"]:
        faults += check_relative_path(path)
        if path in row["samples"]:
            faults.append(f"a neighbor shows {path!a}, a sample of the class itself")
    return True, faults


def _are_neighbors(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    return isinstance(value, list) and all(
        isinstance(each, list) and len(each) == 3 and all(isinstance(text, str) for text in each)
        for each in value
    )


def _check_test_row(row: Any) -> tuple[bool, list[str]]:  # noqa: ANN401 - any JSON value
    shape_faults = _check_shape(row, TEST_KEYS, ("context_samples", "test_samples"))
    if shape_faults:
        return False, shape_faults
    # Loader and metric lower-case the name, so that capitals are no fault.
    faults = check_label(row["class_name"].lower())
    for key in ("context_samples", "test_samples"):
        faults += _check_paths(row, key)
    shared = sorted(set(row["context_samples"]) & set(row["test_samples"]))
    if shared:
        faults.append(f"context_samples and test_samples share {shared[0]!a}")
    return True, faults


def _check_shape(row: Any, keys: frozenset[str], lists: Iterable[str]) -> list[str]:  # noqa: ANN401
    if not isinstance(row, Mapping):
        return ["not a JSON object"]
    if row.keys() != keys:
        wrong = sorted(ascii(key) for key in row.keys() ^ keys)
        return [f"must have exactly the keys {sorted(keys)}; missing or extra: {wrong[:8]}"]
    faults = []
    for key in ("class_id", "class_name"):
        if not isinstance(row[key], str) or not row[key]:
            faults.append(f"{key} must be a text that is not empty")
    for key in lists:
        paths = row[key]
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            faults.append(f"{key} must be a list of texts")
        elif not paths:
            faults.append(f"{key} must not be empty")
    return faults


def check_class_name(name: str) -> list[str]:
    """What makes a name unusable in a training row; empty if nothing does."""
    faults = []
    if "_" in name:
        faults.append(f"class_name {name!a} must have spaces for underscores")
    if name != " ".join(name.split()):
        faults.append(f"class_name {name!a} must have single spaces, only between words")
    faults += [
        f"class_name {name!a} must not contain {token!r}: the prompt reads it as a command"
        for token in control_tokens_in(name)
    ]
    return faults


def _check_paths(row: Row, key: str) -> list[str]:
    faults = [fault for path in row[key] for fault in check_relative_path(path)]
    if len(set(row[key])) != len(row[key]):
        faults.append(f"{key} repeats an image")
    return faults


def _check_ids(whole: Mapping[int, Row]) -> list[str]:
    return _check_unique(whole, lambda row: row["class_id"], "class_id")


def _check_unique(whole: Mapping[int, Row], value_of: Callable[[Row], str], key: str) -> list[str]:
    first: dict[str, int] = {}
    faults = []
    for number, row in whole.items():
        before = first.setdefault(value_of(row), number)
        if before != number:
            faults.append(f"row {number}: {key} {value_of(row)!a} is that of row {before}, too")
    return faults


def _check_lengths(whole: Mapping[int, Row], keys: Iterable[str]) -> list[str]:
    faults = []
    for key in keys:
        lengths = {number: len(row[key]) for number, row in whole.items()}
        expected = next(iter(lengths.values()), 0)
        faults += [
            f"row {number}: {key} must have {expected} entries, as in the first row"
            for number, length in lengths.items()
            if length != expected
        ]
    return faults


def _check_owners(whole: Mapping[int, Row], images_of: Callable[[Row], Sequence[str]]) -> list[str]:
    """An image that belongs to two rows would be shown under two names."""
    owner: dict[str, int] = {}
    faults = []
    for number, row in whole.items():
        for path in set(images_of(row)):
            before = owner.setdefault(path, number)
            if before != number:
                faults.append(f"row {number}: image {path!a} is in row {before}, too")
    return sorted(faults)
