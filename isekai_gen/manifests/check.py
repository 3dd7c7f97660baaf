"""Re-check an ISEKAI manifest as read back: every rule of the upstream loader and metric.

Rows are arbitrary JSON here (a received release is not to be trusted): faults, never a crash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from isekai_gen.manifests.names import check_label, check_label_pair
from isekai_gen.manifests.paths import check_relative_path

# Legacy spelling: ISEKAI's published files and its evaluator read "positive_promt".
_TEXT_KEYS = ("image_name", "positive_promt", "negative_promt", "label_name")
_LIST_KEYS = ("positive_list", "negative_list")
ROW_KEYS = frozenset((*_TEXT_KEYS, *_LIST_KEYS))


def check_manifest(rows: Sequence[Any]) -> list[str]:
    """Every fault of an ISEKAI-10 or ISEKAI-pair manifest, each with its 1-based row.

    The rules: an even number of rows, at least two; exactly the six keys; relative paths; labels
    that the metric can tell apart; lists of one length in all rows, without repeats, disjoint,
    and without the query; rows 2k and 2k+1 have the same pair of labels, and are a query of the
    positive label and one of the negative.

    Args:
        rows: Parsed JSON lines, in file order (the metric goes by row number).
    """
    faults = []
    if not rows:
        faults.append("a manifest must have rows")
    if len(rows) % 2:
        faults.append(f"a manifest must have an even number of rows, this has {len(rows)}")
    shots = None
    whole: list[Mapping[str, Any] | None] = []
    for number, row in enumerate(rows, start=1):
        shape_faults = _check_shape(row)
        whole.append(None if shape_faults else row)
        row_faults = shape_faults or _check_labels(row) + _check_images(row)
        if not shape_faults:
            lengths = {len(row[key]) for key in _LIST_KEYS}
            shots = max(lengths) if shots is None else shots
            if lengths != {shots}:
                row_faults.append(f"every list must have {shots} images, as in the first row")
        faults += [f"row {number}: {fault}" for fault in row_faults]
    return faults + _check_alternation(whole)


def _check_shape(row: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    if not isinstance(row, Mapping):
        return ["not a JSON object"]
    if row.keys() != ROW_KEYS:
        wrong = sorted(ascii(key) for key in row.keys() ^ ROW_KEYS)
        return [f"must have exactly the keys {sorted(ROW_KEYS)}; missing or extra: {wrong[:8]}"]
    faults = [f"{key} must be text" for key in _TEXT_KEYS if not isinstance(row[key], str)]
    for key in _LIST_KEYS:
        paths = row[key]
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            faults.append(f"{key} must be a list of texts")
        elif not paths:
            faults.append(f"{key} must not be empty")
    return faults


def _check_labels(row: Mapping[str, Any]) -> list[str]:
    positive, negative = row["positive_promt"], row["negative_promt"]
    faults = check_label(positive) + check_label(negative) + check_label_pair(positive, negative)
    if row["label_name"] not in (positive, negative):
        faults.append(
            f"label_name {row['label_name']!r} must be positive_promt or negative_promt exactly"
        )
    return faults


def _check_images(row: Mapping[str, Any]) -> list[str]:
    query, positive, negative = row["image_name"], row["positive_list"], row["negative_list"]
    faults = [
        fault for path in (query, *positive, *negative) for fault in check_relative_path(path)
    ]
    for key in _LIST_KEYS:
        if len(set(row[key])) != len(row[key]):
            faults.append(f"{key} repeats an image")
        if query in row[key]:
            faults.append(f"{key} contains the query {query!a}")
    shared = sorted(set(positive) & set(negative))
    if shared:
        faults.append(f"positive_list and negative_list share {shared[0]!a}")
    return faults


def _check_alternation(rows: Sequence[Mapping[str, Any] | None]) -> list[str]:
    faults = []
    for index in range(0, len(rows) - 1, 2):
        first, second = rows[index], rows[index + 1]
        if first is None or second is None:
            continue  # its own faults were said already
        labels = [(row["positive_promt"], row["negative_promt"]) for row in (first, second)]
        if labels[0] != labels[1]:
            faults.append(f"rows {index + 1} and {index + 2} must have the same two labels")
        elif (first["label_name"], second["label_name"]) != labels[0]:
            faults.append(
                f"rows {index + 1} and {index + 2} must be a query of the positive label, "
                "then one of the negative"
            )
    return faults
