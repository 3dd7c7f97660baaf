"""Check reports/: that what they count is what the rows of the release say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from isekai_gen.release.layout import (
    AUDIT_FILE,
    CALIBRATION_FILE,
    CHANGES_FILE,
    DUPLICATES_FILE,
    INDEX_FILE,
    METADATA_FILE,
    REJECTED_FILE,
)
from isekai_gen.release.verification.received_release import ReceivedRelease
from isekai_gen.release.verification.received_reports import number_or_none, read_report
from isekai_gen.release.verification.verify_overlap import check_overlap

_DUPLICATES_FILTER = "near_duplicate"


def check_reports(release: ReceivedRelease) -> None:
    """Report reports that are no reports, or count otherwise than the rows."""
    check_overlap(release)
    _check_duplicates(release)
    _check_changes(release)
    calibration = read_report(release, CALIBRATION_FILE)
    if calibration is not None and not isinstance(calibration.get("tiers"), Mapping):
        release.tree.report(CALIBRATION_FILE, "report", "must have tiers")
    audited = AUDIT_FILE in release.tree.files
    if audited and not isinstance(release.tree.read_json(AUDIT_FILE), Mapping):
        release.tree.report(AUDIT_FILE, "report", "must be a JSON object")


def _check_duplicates(release: ReceivedRelease) -> None:
    report = read_report(release, DUPLICATES_FILE)
    if report is None:
        return
    if not isinstance(report.get("measured"), bool):
        release.tree.report(DUPLICATES_FILE, "report", "measured must be true or false")
        return
    if not report["measured"]:
        return
    faults = []
    rejected = Counter(str(row.get("by")) for _, row in release.tree.iter_rows(REJECTED_FILE))
    dropped = report.get("dropped")
    # A person may keep what the filter drops, never the other way round.
    if type(dropped) is not int or rejected[_DUPLICATES_FILTER] > dropped:
        faults.append(f"dropped must be at least the {rejected[_DUPLICATES_FILTER]} rejected by it")
    tiers = report.get("tiers")
    if not isinstance(tiers, Mapping) or not all(
        isinstance(each, Mapping) for each in tiers.values()
    ):
        faults.append("tiers must be an object of objects")
        tiers = {}
    for name, tier in tiers.items():
        if "similarities" in tier:
            faults += [
                f"tier {name!a}: {fault}" for fault in _histogram_faults(release, name, tier)
            ]
    release.tree.report_some(DUPLICATES_FILE, "report", faults)


def _histogram_faults(
    release: ReceivedRelease, name: str, tier: Mapping[str, Any]
) -> Iterator[str]:
    bins = tier["similarities"]
    well_formed = isinstance(bins, list) and all(
        isinstance(each, Mapping)
        and number_or_none(each.get("from")) is not None
        and all(type(each.get(key)) is int and each[key] >= 0 for key in ("generated", "kept"))
        for each in bins
    )
    if not well_formed:
        yield "similarities must be a list of from, generated and kept"
        return
    if tier.get("edges") != sum(each["generated"] for each in bins):
        yield "edges are not the sum of its histogram"
    if any(each["kept"] > each["generated"] for each in bins):
        yield "more pairs of kept images than of all"
    if name == "semantic":
        yield from _highest_faults(release, bins)


def _highest_faults(release: ReceivedRelease, bins: list[Mapping[str, Any]]) -> Iterator[str]:
    """The most similar pair of kept images must lie in the last bin that has some."""
    stated = [each["from"] for each in bins if each["kept"]]
    known = (image.max_similarity for image in release.images.values())
    highest = max((each for each in known if each is not None), default=None)
    if (highest is None) != (not stated) or (highest is not None and highest < max(stated)):
        yield f"its histogram of kept pairs is not that of max_similarity in {METADATA_FILE}"


def _check_changes(release: ReceivedRelease) -> None:
    report = read_report(release, CHANGES_FILE)
    if report is None:
        return
    faults = []
    if report.get("version") != release.index.get("version"):
        faults.append(f"version is not that of {INDEX_FILE}")
    for key, is_here in (("removed", False), ("changed", True), ("added", True)):
        rows = report.get(key)
        for row in rows if isinstance(rows, list) else [None]:
            image_id = row.get("id") if isinstance(row, Mapping) else None
            if not isinstance(image_id, str) or (image_id in release.image_by_id) != is_here:
                faults.append(f"{key}: {image_id!a} is {'no' if is_here else 'a'} released image")
    release.tree.report_some(CHANGES_FILE, "report", faults)
