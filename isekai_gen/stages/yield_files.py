"""reports/yield.json and reports/yield.csv: the yields as files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from isekai_gen.records import SCHEMA
from isekai_gen.stages.yields import YieldReport
from isekai_gen.storage import write_atomically
from isekai_gen.workspace import Workspace

_COLUMNS = ("kind", "name", "value", "generated", "kept", "yield", "yield_low", "yield_high")


def write_yields(workspace: Workspace, yields: YieldReport, topup: Mapping[str, Any]) -> None:
    """Replace both files.

    Args:
        workspace: Where to write.
        yields: The yields.
        topup: What `topup` reached, for the JSON file.
    """
    content = {"schema": SCHEMA, "topup": topup, "yields": yields.to_json()}
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
    write_atomically(workspace.reports / "yield.json", f"{text}\n".encode())
    write_atomically(workspace.reports / "yield.csv", csv_of(yields))


def csv_of(yields: YieldReport) -> bytes:
    """One row for the total and each concept, template and slot value; UTF-8, LF.

    After the common columns comes `dropped_by_<name>` for everything that dropped an image.
    """
    entries = (yields.total, *yields.by_concept, *yields.by_template, *yields.by_slot_value)
    droppers = sorted(yields.total.dropped)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*_COLUMNS, *(f"dropped_by_{name}" for name in droppers)])
    for entry in entries:
        row = {"kind": entry.kind, **entry.to_json()}
        dropped = [entry.dropped.get(name, 0) for name in droppers]
        writer.writerow([*(row[column] for column in _COLUMNS), *dropped])
    return buffer.getvalue().encode()
