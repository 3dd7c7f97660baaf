"""Counterfactual samples on disk: a folder of their own that is laid out like a workspace.

counterfactuals/plan/part-00000.jsonl       one `PlannedSample` a line, of images in that shard
counterfactuals/images/<concept>/<id>.png   pictures
counterfactuals/records/part-00000.jsonl    one line a sample: `CounterfactualRecord`, or
                                            `SampleFailure` with the reason why there is none
counterfactuals/looks, verdicts             as of the main images
counterfactuals/done/<stage>/part-00000.json

Nothing of the main split reads this folder, and nothing in it is an image of the main split.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from isekai_gen.counterfactuals.records import CounterfactualRecipe, CounterfactualRecord
from isekai_gen.errors import ChecksumError
from isekai_gen.records.base import SCHEMA, Record
from isekai_gen.shards import DoneMarker, is_whole, read_appended, read_marker, read_records
from isekai_gen.workspace import Workspace

FOLDER = "counterfactuals"
STAGE = "make"
"""The stage that makes samples, for done-markers in their folder."""
PLAN_STAGE = "plan"
_REMEDY = "run `isekai-gen counterfactuals` to make it again"
FILTERS = ("unreadable", "picture_check", "near_duplicate")
"""What judges samples, in the order in which a dropped one is counted."""


@dataclass(frozen=True)
class PlannedSample(Record):
    """One sample to be made.

    Attributes:
        recipe: What its pixels depend on.
        paths: Of the pictures it is made from, in the workspace: the source's, then the fillers'.
        digests: SHA-256 of these files.
    """

    _tuples: ClassVar[frozenset[str]] = frozenset({"paths", "digests"})

    recipe: CounterfactualRecipe
    paths: tuple[str, ...]
    digests: tuple[str, ...]

    @property
    def sample_id(self) -> str:
        """`recipe.sample_id`."""
        return self.recipe.sample_id

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The line that `to_json` wrote; ValueError if it is anything else."""
        planned = super().from_json({**row, "recipe": _recipe_of(row)})
        if not len(planned.paths) == len(planned.digests) == 1 + len(planned.recipe.fillers):
            raise ValueError(f"sample {planned.sample_id}: it needs one path for each picture")
        return planned


@dataclass(frozen=True)
class SampleFailure(Record):
    """A planned sample that there is no picture of.

    Attributes:
        id: `recipe.sample_id`.
        recipe: What was asked for.
        skipped: Whether the picture itself allows no such sample, so that trying again is no use.
        failure: Why.
    """

    id: str
    recipe: CounterfactualRecipe
    skipped: bool
    failure: str

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The line that `to_json` wrote; ValueError if it is anything else."""
        found = super().from_json({**row, "recipe": _recipe_of(row)})
        if found.id != found.recipe.sample_id or not found.failure:
            raise ValueError(f"{found.id!r} is not a failed sample of its recipe")
        return found


Outcome = CounterfactualRecord | SampleFailure


@dataclass(frozen=True)
class SampleLine:
    """A line of records/: a sample, or why there is none."""

    outcome: Outcome

    def to_json(self) -> dict[str, Any]:
        """The outcome's own line."""
        return self.outcome.to_json()

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """Either kind of line; ValueError if it is neither, or its path could lead elsewhere."""
        if "failure" in row:
            return cls(SampleFailure.from_json(row))
        record = CounterfactualRecord.from_json(row)
        if record.path != sample_path(record.recipe):
            raise ValueError(f"path must be {sample_path(record.recipe)!r}, got {record.path!r}")
        return cls(record)


def samples_workspace(workspace: Workspace) -> Workspace:
    """The folder of counterfactual samples, with the same layout; the workspace's lock holds."""
    return Workspace(workspace.root / FOLDER)


def sample_path(recipe: CounterfactualRecipe) -> str:
    """Where a sample's picture lies, relative to the workspace."""
    return f"{FOLDER}/images/{recipe.concept}/{recipe.sample_id}.png"


def picture_file(workspace: Workspace, recipe: CounterfactualRecipe) -> Path:
    """The picture of a sample.

    Raises:
        ValueError: If the recipe's concept is no slug.
    """
    return samples_workspace(workspace).image(recipe.concept, recipe.sample_id)


def read_plan(workspace: Workspace, part: int) -> list[PlannedSample]:
    """The planned samples of one shard, as committed.

    Raises:
        ChecksumError: If the part is not what was committed.
    """
    samples = samples_workspace(workspace)
    path = samples.part("plan", part)
    _require_committed(path, read_marker(samples, PLAN_STAGE, part))
    return read_records(path, PlannedSample)


def read_outcomes(workspace: Workspace, part: int) -> list[Outcome]:
    """What became of the samples of one shard; a torn last line is left out.

    Raises:
        ChecksumError: If a whole line is no outcome, or the part is not what was committed.
    """
    samples = samples_workspace(workspace)
    path = samples.part("records", part)
    _require_committed(path, read_marker(samples, STAGE, part))
    try:
        return [line.outcome for line in read_appended(path, SampleLine)]
    except ChecksumError as error:
        raise ChecksumError(f"{error}; delete that file and {_REMEDY}") from error


def _require_committed(path: Path, marker: DoneMarker | None) -> None:
    if marker is not None and not is_whole(path, marker):
        raise ChecksumError(f"{path}: missing, or not what was committed; {_REMEDY}")


def _recipe_of(row: Mapping[str, Any]) -> CounterfactualRecipe:
    found = row.get("recipe")
    if not isinstance(found, Mapping):
        raise ValueError(f"recipe must be an object, got {found!r}")
    return CounterfactualRecipe.from_json({"schema": SCHEMA, **found})
