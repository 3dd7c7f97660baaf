"""What `calibrate` measured, as reports/calibration.json: limits, and how well they do.

The file is data from elsewhere as soon as a release carries it, so it is checked when it is read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from isekai_gen.errors import ChecksumError
from isekai_gen.intervals import Interval
from isekai_gen.stages.calibration_rule import Basis
from isekai_gen.storage import write_atomically
from isekai_gen.workspace import Workspace

FILE_NAME = "calibration.json"
CalibratedTier = Literal["perceptual", "semantic", "extra"]
CALIBRATED_TIERS: tuple[CalibratedTier, ...] = ("perceptual", "semantic", "extra")
Count = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(ge=0)]


class _Part(BaseModel):
    """A frozen part of the file that knows its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class RocPoint(_Part):
    """What a limit would do.

    Attributes:
        limit: Pairs with a similarity above it are duplicates.
        recall: Share of the planted copies above it.
        wrong_drops: Images of 1,000 that a near-miss above it would drop, as counted.
        wrong_drops_high: Upper confidence bound of that.
    """

    limit: float
    recall: Rate
    wrong_drops: Rate
    wrong_drops_high: Rate


class TransformationRecall(_Part):
    """How many copies of one kind the limits find.

    Attributes:
        copies: Planted copies of this kind.
        found: Of these, above the limit.
        found_or_reviewed: Of these, above the review limit.
        recall: found / copies with its 95 % Wilson interval.
    """

    copies: Count
    found: Count
    found_or_reviewed: Count
    recall: Interval


class NearMiss(_Part):
    """Two images that nobody called duplicates, among the most alike: for people to look at.

    Attributes:
        images: Their ids, ascending.
        similarity: Of the two.
    """

    images: tuple[str, str]
    similarity: float


class TierCalibration(_Part):
    """One tier's limits and what they were measured on.

    Attributes:
        identity: What the similarity was measured by; the limits mean nothing for any other.
        label: The same for people.
        limits: Keys of the settings table [near_duplicate] to the calibrated values.
        basis: What the limit rests on; see `calibration_rule.ChosenLimits`.
        images_needed: Images that suffice for the budget where no near-miss lies above the limit.
        anchors: Images whose nearest near-miss was searched.
        wrong_drops_high: Upper bound of wrong drops in 1,000 images at the limit.
        transformations: Kind of copy to recall.
        roc: Limits in ascending order and what each would do.
        nearest_misses: The most similar near-misses, the most similar first.
    """

    identity: str
    label: str
    limits: Mapping[str, float]
    basis: Basis
    images_needed: Count
    anchors: Count
    wrong_drops_high: Rate
    transformations: Mapping[str, TransformationRecall]
    roc: tuple[RocPoint, ...]
    nearest_misses: tuple[NearMiss, ...]


class Calibration(_Part):
    """The whole file.

    Attributes:
        version: Of the file's form (key `schema`).
        false_merges: The budget: wrong drops expected in 1,000 images at most, over all tiers.
        confidence: Of the upper bound that is held against the budget.
        within: Which pairs were compared.
        images: Images that could be sampled.
        sampled: Images that copies were made of.
        seed: Of the sample and the copies.
        tiers: Tier to its limits; tiers that were not calibrated are missing.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True
    )

    version: Literal[1] = Field(default=1, alias="schema")
    false_merges: Annotated[float, Field(gt=0)]
    confidence: Annotated[float, Field(gt=0, lt=1)]
    within: Literal["concept", "group", "all"]
    images: Count
    sampled: Count
    seed: Count
    tiers: Mapping[CalibratedTier, TierCalibration]

    def limits_for(self, tier: str, identity: str) -> Mapping[str, float] | None:
        """The calibrated limits of a tier, by their keys in [near_duplicate].

        Args:
            tier: "perceptual" (radius, review_radius), "semantic" (max_similarity,
                review_similarity) or "extra" (extra_max_similarity, extra_review_similarity).
            identity: Of what measures the similarity now: the encoder's digest, for the
                perceptual tier the identity of its hashes.

        Returns:
            None if the tier was not calibrated, or for something else than `identity`.
        """
        found = next((each for name, each in self.tiers.items() if name == tier), None)
        return None if found is None or found.identity != identity else found.limits


def calibration_file(workspace: Workspace) -> Path:
    """reports/calibration.json."""
    return workspace.reports / FILE_NAME


def encode_calibration(calibration: Calibration) -> bytes:
    """The bytes of the file: sorted keys, the same for the same calibration."""
    tree = calibration.model_dump(mode="json", by_alias=True)
    text = json.dumps(tree, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def write_calibration(workspace: Workspace, calibration: Calibration) -> Path:
    """Replace reports/calibration.json; returns its path."""
    path = calibration_file(workspace)
    write_atomically(path, encode_calibration(calibration))
    return path


def read_calibration(workspace: Workspace) -> Calibration | None:
    """The workspace's calibration, or None if `calibrate` was never run.

    Raises:
        ChecksumError: If the file is not what `calibrate` writes.
    """
    path = calibration_file(workspace)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return Calibration.model_validate_json(content)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise ChecksumError(
            f"{path}: {f'{where}: ' if where else ''}{fault['msg']}; delete it, or run "
            "`isekai-gen calibrate` again"
        ) from error
