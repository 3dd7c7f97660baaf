"""reports/overlap.json: how like the real world the released images of fictional concepts are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from isekai_gen.filters.class_overlap import ClassOverlapFilter
from isekai_gen.filters.reference_copy import ReferenceCopyFilter
from isekai_gen.manifests.neighbor_tables import NEAREST
from isekai_gen.records import Verdict
from isekai_gen.release.layout import REPORT_SCHEMA
from isekai_gen.shards import read_lines
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.curate import verdicts_of
from isekai_gen.stages.fictionality_numbers import Share, share_of
from isekai_gen.stages.overlap_report import judge_and_report
from isekai_gen.stages.report_sources import read_json
from isekai_gen.stages.selection import Selection
from isekai_gen.workspace import Workspace

_NEAREST_CLASSES = 5
_NEAREST_KEYS = ("class_key", "class_name", "wnid", "similarity", "similarity_kind", "percentile")


def overlap_report(context: StageContext, selection: Selection) -> dict[str, Any]:
    """The fictionality report (brought up to date if need be), and what of it is left.

    Beside the keys of reports/fictionality.json: "measured" and "copies_measured" (false if no set
    of real images was compared with), "generated" and "kept" (`_Overlap.shares`) for each concept
    and in total, and "nearest_classes", by concept, of the neighbor tables or else of that report.

    Args:
        context: The workspace, locked, with verdicts that are up to date.
        selection: What is kept.

    Raises:
        ChecksumError: If a report or table of the workspace is damaged.
    """
    workspace = context.workspace
    nearest = _nearest_by_tables(workspace)
    if not workspace.parts(workspace.verdicts(ClassOverlapFilter.name)):
        return {
            "schema": REPORT_SCHEMA,
            "measured": False,
            "copies_measured": False,
            "nearest_classes": nearest,
        }
    report = read_json(judge_and_report(context).files[0], "run `isekai-gen overlap` again")
    copies_measured = bool(report["compared"])
    return {
        **report,
        "schema": REPORT_SCHEMA,
        "measured": True,
        "copies_measured": copies_measured,
        **_shares(report, selection, _Overlap(workspace, copies_measured=copies_measured)),
        "nearest_classes": nearest or _nearest_by_images(report),
    }


def _shares(report: Mapping[str, Any], selection: Selection, overlap: _Overlap) -> dict[str, Any]:
    """The totals "generated" and "kept", and "concepts" with both for each."""
    ids_by_slug = _ids_by_slug(selection)
    rows = [(row, ids_by_slug[row["concept"]]) for row in report["concepts"]]
    whole = _Ids(
        [image_id for _, ids in rows for image_id in ids.generated],
        [image_id for _, ids in rows for image_id in ids.kept],
    )
    concepts = [{**row, **overlap.both(ids)} for row, ids in rows]
    return {**overlap.both(whole), "concepts": concepts}


class _Ids(NamedTuple):
    """Ids of images that were generated, and of those of them that are kept."""

    generated: list[str]
    kept: list[str]


def _ids_by_slug(selection: Selection) -> dict[str, _Ids]:
    """Concept to the ids of its images."""
    found = {concept.slug: _Ids([], []) for concept in selection.catalog.concepts}
    kept = frozenset(selection.kept)
    for record in selection.records:
        if record.generated:
            found[record.concept].generated.append(record.image_id)
        if record.image_id in kept:
            found[record.concept].kept.append(record.image_id)
    return found


class _Overlap:
    """What the verdicts of real-world overlap say of images.

    A kept image can be over a limit: by its class's name alone, or since a person keeps it.
    """

    def __init__(self, workspace: Workspace, *, copies_measured: bool) -> None:
        self._by_class = verdicts_of(workspace, ClassOverlapFilter.name)
        self._by_image = (
            verdicts_of(workspace, ReferenceCopyFilter.name) if copies_measured else None
        )

    def both(self, ids: _Ids) -> dict[str, Any]:
        """The shares of images that were generated, and of those that are kept."""
        return {"generated": self.shares(ids.generated), "kept": self.shares(ids.kept)}

    def shares(self, ids: Sequence[str]) -> dict[str, Any]:
        """Shares of these images, with intervals; those of copies are None if not measured.

        Returns:
            "images"; "like_class" (what `class_overlap` would drop), "over_margin" (nearer to a
            class's name than its limit allows, whether or not their look confirms it), "copies"
            (what `reference_copy` would drop) and "near_copies" (what it leaves to people).
        """
        by_class = [self._by_class[image_id] for image_id in ids]
        found: dict[str, Share | None] = {
            "like_class": share_of(_flags(not each.keep for each in by_class)),
            "over_margin": share_of(_flags(_is_over(each) for each in by_class)),
            "copies": None,
            "near_copies": None,
        }
        if self._by_image is not None:
            by_image = [self._by_image[image_id] for image_id in ids]
            near = (each.reason == "near_reference_image" for each in by_image)
            found["copies"] = share_of(_flags(not each.keep for each in by_image))
            found["near_copies"] = share_of(_flags(near))
        shares = {name: None if share is None else vars(share) for name, share in found.items()}
        return {"images": len(ids), **shares}


def _is_over(verdict: Verdict) -> bool:
    known = verdict.measured is not None and verdict.limit is not None
    return known and verdict.measured > verdict.limit  # type: ignore[operator]


def _flags(values: Iterable[bool]) -> np.ndarray:
    return np.fromiter(values, dtype=bool)


def _nearest_by_tables(workspace: Workspace) -> dict[str, list[dict[str, Any]]]:
    """Concept to the first rows of its nearest table; {} without tables."""
    path = workspace.neighbors / f"{NEAREST}.jsonl"
    found: dict[str, list[dict[str, Any]]] = {}
    for row in read_lines(path) if path.is_file() else ():
        rows = found.setdefault(row["concept"], [])
        if len(rows) < _NEAREST_CLASSES:
            rows.append({key: row[key] for key in _NEAREST_KEYS})
    return found


def _nearest_by_images(report: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The same of a fictionality report, for fictional concepts."""
    known = report["percentiles_known"] is not None
    kind = "mean-to-prototype" if known else "mean-to-name"
    return {
        row["concept"]: [
            {
                "class_key": near["key"],
                "class_name": near["name"],
                "wnid": "",
                "similarity": near["similarity"],
                "similarity_kind": kind,
                "percentile": near["percentile"],
            }
            for near in row["nearest"][:_NEAREST_CLASSES]
        ]
        for row in report["concepts"]
    }
