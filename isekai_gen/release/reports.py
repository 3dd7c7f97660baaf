"""reports/: the numbers of a release, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isekai_gen.release.building.draft import ReleaseDraft
from isekai_gen.release.content import ReleaseContent
from isekai_gen.release.layout import STATS_FILE


def write_reports(draft: ReleaseDraft, content: ReleaseContent, counts: Mapping[str, Any]) -> None:
    """Write every report.

    Args:
        draft: The release.
        content: With all reports but the first.
        counts: Of `counts.count_images`: reports/stats.json.

    Raises:
        StorageError: If the disk is full or read-only.
    """
    draft.write_json(STATS_FILE, counts)
    for path, report in sorted(content.reports.items()):
        draft.write_json(path, report)
