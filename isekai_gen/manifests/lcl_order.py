"""cls_sort.csv: all training classes by falling similarity, for every training class.

Upstream's tool makes it and reads it to draw neighbors from. Its header counts to 80 whatever the
number of classes (a left-over of another dataset), and its reader skips the line.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from isekai_gen.manifests.lcl_train_rows import TrainRow, bin_size

HEADER = "cls_id\\sort_idx," + ",".join(str(number) for number in range(1, 81))


def order_line(row: TrainRow) -> str:
    """The line of a class: its id, then all ids by falling similarity, its own first again."""
    return ",".join((row.row["class_id"], *row.sorted_ids))


def check_class_order(lines: Iterable[str], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every fault of a cls_sort.csv, and every row whose neighbors are not drawn from its bins.

    Args:
        lines: Without their line ends; looked at one after the other.
        rows: Of the train<N>_pairs.jsonl beside it, without a fault by `check_lcl_train`.
    """
    row_by_id = {row["class_id"]: row for row in rows}
    given = iter(lines)
    faults = [] if next(given, "") == HEADER else [f"line 1: must be {HEADER[:20]!r}... up to 80"]
    seen: set[str] = set()
    for number, line in enumerate(given, start=2):
        own, *ids = (each.strip() for each in line.split(","))
        faults += [f"line {number}: {fault}" for fault in _check_line(own, ids, row_by_id, seen)]
        seen.add(own)
    return faults + [f"class {own!a} has no line" for own in row_by_id if own not in seen]


def _check_line(
    own: str, ids: Sequence[str], row_by_id: Mapping[str, Mapping[str, Any]], seen: Container[str]
) -> list[str]:
    if own not in row_by_id:
        return [f"class {own!a} has no row"]
    if own in seen:
        return [f"class {own!a} has a line already"]
    if len(ids) != len(row_by_id) or set(ids) != row_by_id.keys():
        return [f"must name each of {len(row_by_id)} classes once"]
    if ids[0] != own:
        return [f"class {own!a} must be the most similar to itself"]
    return _check_bins(row_by_id[own], ids)


def _check_bins(row: Mapping[str, Any], ids: Sequence[str]) -> list[str]:
    neighbors = row["neighbors"]
    size = bin_size(len(ids), len(neighbors))
    return [
        f"neighbor {number + 1} of {row['class_id']!a}, {class_id!a}, must be of the ranks "
        f"{max(1, number * size)} to {min(len(ids), (number + 1) * size) - 1}: nearest first, one "
        "from each bin"
        for number, (class_id, _, _) in enumerate(neighbors)
        if class_id not in ids[max(1, number * size) : (number + 1) * size]
    ]
