"""Read the reports of a received release: any JSON may stand there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isekai_gen.release.layout import REPORT_SCHEMA
from isekai_gen.release.verification.received_release import ReceivedRelease


def read_report(release: ReceivedRelease, name: str) -> Mapping[str, Any] | None:
    """A report of our schema, or None: with a finding, or if it is not there."""
    if name not in release.tree.files:
        return None
    value = release.tree.read_json(name)
    if isinstance(value, Mapping) and value.get("schema") == REPORT_SCHEMA:
        return value
    if value is not None:
        release.tree.report(name, "report", f"must be an object of schema {REPORT_SCHEMA}")
    return None


def number_or_none(value: Any) -> float | None:  # noqa: ANN401 - any JSON value
    """A number of a report, or None if it is none."""
    return float(value) if type(value) in (int, float) else None


def part_of(report: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """The object at the end of a path of keys; {} if there is none."""
    value: Any = report
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}
