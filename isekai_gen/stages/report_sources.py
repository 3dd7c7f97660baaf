"""What the report reads that other commands wrote: each is None if it was never made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isekai_gen.errors import ChecksumError, InputError
from isekai_gen.release.layout import INDEX_FILE
from isekai_gen.shards import read_lines
from isekai_gen.stages.duplicate_reports import report_files
from isekai_gen.stages.shortcuts import shortcuts_file
from isekai_gen.workspace import Workspace

# What the report shows of each file; a file without them is damaged, or of another version.
_SUMMARY = "images dropped_before judged kept dropped groups review_pairs memorized tiers"
_TIER = "edges floor max_similarity review_similarity limit_source dropped review_pairs method"
_GROUP = "representative members diameter diameter_is_exact"
_FICTIONALITY = "encoder reference compared percentiles_known concepts"
_CONCEPT = "name judged over_quantile nearest copies near_copies mean_margin"
_AUDIT = "questions answered unsure all filters strata"
_STRATUM = "name size asked yes no unsure should_drop"
_SHORTCUTS = "manifest shots metric margin total concepts"
_SHORTCUT = "concept flagged models slots"
_MEASURE = "counts untouched named_without_object chance shortcut_gap flagged"


@dataclass(frozen=True)
class Released:
    """A release of this dataset.

    Attributes:
        name: Of the release.
        version: Of the release.
        images: How many it has.
        by_concept: Slug to how many.
    """

    name: str
    version: str
    images: int
    by_concept: Mapping[str, int]


@dataclass(frozen=True)
class DuplicateFindings:
    """What `dedupe` wrote to reports/duplicates/.

    Attributes:
        summary: summary.json.
        groups: Lines of groups.jsonl, the largest first, then the widest.
        memorized: Lines of memorized.jsonl.
    """

    summary: Mapping[str, Any]
    groups: list[dict[str, Any]]
    memorized: list[dict[str, Any]]


def read_released(workspace: Workspace, folder: Path | None) -> Released | None:
    """The release in `folder`, or the one that `run` leaves in release/.

    Raises:
        InputError: If `folder` holds no release.
        ChecksumError: If its index is damaged.
    """
    path = (folder or workspace.root / "release") / INDEX_FILE
    if not path.is_file():
        if folder is not None:
            raise InputError(f"{folder} holds no {INDEX_FILE}; name the folder of a release")
        return None
    index = read_json(path, "build the release again")
    try:
        by_concept = {slug: int(n["kept"]) for slug, n in index["counts"]["by_concept"].items()}
        name, version = str(index["title"]), str(index["version"])
        return Released(name, version, int(index["counts"]["kept"]), by_concept)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ChecksumError(f"{path}: no index of a release; build the release again") from error


def read_duplicates(workspace: Workspace) -> DuplicateFindings | None:
    """What `dedupe` found at last.

    Raises:
        ChecksumError: If a file is damaged.
    """
    groups, _, memorized, summary = report_files(workspace)
    if not summary.is_file():
        return None
    remedy = "run `isekai-gen dedupe` again"
    found = _checked(summary, read_json(summary, remedy), _SUMMARY, remedy)
    for tier in _rows(found["tiers"]):
        _checked(summary, tier, f"{_TIER} complete recall", remedy)
    rows = [_checked(groups, row, _GROUP, remedy) for row in read_lines(groups)]
    try:
        rows.sort(key=lambda row: (-len(row["members"]), row["diameter"], row["representative"]))
    except TypeError as error:
        raise ChecksumError(f"{groups}: no groups of duplicates ({error}); {remedy}") from error
    return DuplicateFindings(found, rows, read_lines(memorized))


def read_fictionality(workspace: Workspace) -> dict[str, Any] | None:
    """reports/fictionality.json, which `overlap` writes.

    Raises:
        ChecksumError: If it is damaged.
    """
    path, remedy = workspace.reports / "fictionality.json", "run `isekai-gen overlap` again"
    if not path.is_file():
        return None
    found = _checked(path, read_json(path, remedy), _FICTIONALITY, remedy)
    for concept in _rows(found["concepts"]):
        _checked(path, concept, _CONCEPT, remedy)
    return found


def read_audit(workspace: Workspace) -> dict[str, Any] | None:
    """reports/audit/result.json, which `audit --answers` writes.

    Raises:
        ChecksumError: If it is damaged.
    """
    path = workspace.reports / "audit" / "result.json"
    remedy = "run `isekai-gen audit --answers FILE` again"
    if not path.is_file():
        return None
    found = _checked(path, read_json(path, remedy), _AUDIT, remedy)
    for stratum in _rows(found["strata"]):
        _checked(path, stratum, _STRATUM, remedy)
    return found


def read_shortcut_report(workspace: Workspace) -> dict[str, Any] | None:
    """reports/shortcuts.json, which `evaluate --counterfactuals` writes.

    Raises:
        ChecksumError: If it is damaged.
    """
    path = shortcuts_file(workspace)
    remedy = "run `isekai-gen evaluate --counterfactuals` again"
    if not path.is_file():
        return None
    found = _checked(path, read_json(path, remedy), _SHORTCUTS, remedy)
    measures = _rows(found["total"])
    for concept in _rows(found["concepts"]):
        measures += _rows(_checked(path, concept, _SHORTCUT, remedy)["models"])
    for measure in measures:
        _checked(path, measure, _MEASURE, remedy)
    return found


def read_json(path: Path, remedy: str) -> dict[str, Any]:
    """A report that holds one JSON object.

    Raises:
        ChecksumError: If it cannot be read, or holds anything else; says the remedy.
    """
    try:
        tree = json.loads(path.read_bytes())
    except OSError as error:
        raise ChecksumError(f"{path} cannot be read ({error.strerror}); {remedy}") from error
    except (ValueError, RecursionError) as error:
        raise ChecksumError(f"{path}: no JSON ({error}); {remedy}") from error
    if not isinstance(tree, dict):
        raise ChecksumError(f"{path}: no JSON object; {remedy}")
    return tree


def _rows(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON value
    """The members of a list or of an object; none of anything else."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else [None]


def _checked(path: Path, row: Any, keys: str, remedy: str) -> dict[str, Any]:  # noqa: ANN401
    """A JSON object that has all of these keys.

    Raises:
        ChecksumError: If it has not.
    """
    missing = [key for key in keys.split() if not isinstance(row, dict) or key not in row]
    if missing:
        raise ChecksumError(f"{path}: {missing[0]!r} is missing; {remedy}")
    found: dict[str, Any] = row
    return found
