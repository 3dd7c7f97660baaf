"""`isekai-gen report`: one HTML file to send to colleagues, and the same numbers as JSON.

The same workspace gives the same bytes. Needs no torch and no model.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isekai_gen.errors import InputError
from isekai_gen.evaluation.plot import require_plots
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.report_gather import gather_report
from isekai_gen.stages.report_page.contact import ContactPictures
from isekai_gen.stages.report_page.duplicates import GroupPictures
from isekai_gen.stages.report_page.page import report_page
from isekai_gen.stages.report_pictures import thumbnails
from isekai_gen.storage import write_atomically


@dataclass(frozen=True)
class WrittenReport:
    """What was written.

    Attributes:
        page: The HTML file.
        numbers: The JSON file beside it.
        tree: What that holds.
    """

    page: Path
    numbers: Path
    tree: dict[str, Any]


def write_report(
    context: StageContext, out: Path | None = None, release: Path | None = None
) -> WrittenReport:
    """Write the report; the caller holds the workspace's lock.

    Args:
        context: The workspace.
        out: The HTML file; None for reports/report.html. The JSON file lies beside it.
        release: Folder of the dataset's release; None for the one that `run` leaves in it.

    Raises:
        MissingDependencyError: If matplotlib is not installed.
        InputError: If there is no plan, or a path cannot be used.
        ChecksumError: If a file of the workspace is damaged; says what to run.
        StorageError: If the disk is full or read-only.
    """
    require_plots()
    page = out or context.workspace.reports / "report.html"
    if page.suffix != ".html":
        raise InputError(f"{page} must end in .html; the numbers go to the same name with .json")
    gathered = gather_report(context, release)
    wanted, images = gathered.wanted, gathered.images
    show = thumbnails(context.workspace)
    html = report_page(
        gathered.numbers,
        GroupPictures(wanted.duplicates, images.named, show),
        ContactPictures(wanted.groups, images.shown, show),
    )
    tree = gathered.numbers.to_json()
    text = json.dumps(tree, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_atomically(page, html.encode())
    write_atomically(page.with_suffix(".json"), f"{text}\n".encode())
    return WrittenReport(page, page.with_suffix(".json"), tree)
