"""The reports of a release beside its counts: duplicates, overlap, calibration, audit."""

from __future__ import annotations

from typing import Any

from isekai_gen.release.layout import AUDIT_FILE, CALIBRATION_FILE, DUPLICATES_FILE, OVERLAP_FILE
from isekai_gen.stages.calibration_files import read_calibration
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.release_measures_links import KnownDuplicates
from isekai_gen.stages.release_reports_duplicates import duplicates_report
from isekai_gen.stages.release_reports_overlap import overlap_report
from isekai_gen.stages.report_sources import read_json
from isekai_gen.stages.selection import Selection


def gather_reports(
    context: StageContext, selection: Selection, duplicates: KnownDuplicates | None
) -> dict[str, Any]:
    """Path in the release to a report's JSON value.

    The reports on duplicates and overlap are always there: one of a filter that never judged says
    `"measured": false`. The other two are there if `calibrate` was run and an audit answered.

    Args:
        context: The workspace, locked.
        selection: What is kept.
        duplicates: From `known_duplicates`.

    Raises:
        ChecksumError: If a report of the workspace is damaged.
    """
    workspace = context.workspace
    reports: dict[str, Any] = {
        DUPLICATES_FILE: duplicates_report(workspace, selection, duplicates),
        OVERLAP_FILE: overlap_report(context, selection),
    }
    calibration = read_calibration(workspace)
    if calibration is not None:
        reports[CALIBRATION_FILE] = calibration.model_dump(mode="json", by_alias=True)
    audit = workspace.reports / "audit" / "result.json"
    if audit.is_file():
        reports[AUDIT_FILE] = read_json(audit, "run `isekai-gen audit` again")
    return reports
