"""What the paper claims of its way of fine-tuning, beside what was measured here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from isekai_gen.stages.probe_numbers import Difference, Measured, Way, difference
from isekai_gen.stages.probe_sets import Column

SOURCE = "Masked Images Are Counterfactual Samples for Robust Fine-tuning (CVPR 2023, 2303.03052)"
CLAIM = (
    "fine-tuning CLIP on a narrow set ties labels to their context and loses accuracy under shift; "
    "matching the frozen model's features on masked and refilled images keeps it while fitting the "
    "task. Measured there on ImageNet and its shifts (V2, R, Sketch, A, ObjectNet)"
)
_OURS: Way = "distill-counterfactual"
_HIGHER, _NOT_LOWER = "higher", "not lower"
_UNNAMED = "none stated"
# (column, than, what the claim means for it). That it should beat distillation on clean images,
# and name less without the object, is the idea of the method; no direction is stated for either.
_COMPARED: tuple[tuple[Column, Way, str], ...] = (
    ("held_out", "plain", _NOT_LOWER),
    ("foreign_context", "plain", _HIGHER),
    ("other_style", "plain", _HIGHER),
    ("context_only", "plain", _UNNAMED),
    ("held_out", "distill-clean", _UNNAMED),
    ("foreign_context", "distill-clean", _UNNAMED),
    ("other_style", "distill-clean", _UNNAMED),
    ("context_only", "distill-clean", _UNNAMED),
)


@dataclass(frozen=True)
class ClaimRow:
    """One comparison.

    Attributes:
        difference: What was measured.
        claimed: "higher", "not lower", or "none stated".
        outcome: "as claimed", "against the claim", "not shown", or what was found where nothing
            was claimed.
    """

    difference: Difference
    claimed: str
    outcome: str

    def to_json(self) -> dict[str, Any]:
        """Everything about it."""
        return {**asdict(self.difference), "claimed": self.claimed, "outcome": self.outcome}


def compare_with_claim(measured: Sequence[Measured]) -> list[ClaimRow]:
    """Every comparison whose column there is."""
    there = {each.column for each in measured}
    return [
        _row(difference(measured, _OURS, than, column), claimed)
        for column, than, claimed in _COMPARED
        if column in there
    ]


def _row(found: Difference, claimed: str) -> ClaimRow:
    return ClaimRow(found, claimed, _outcome(found.direction, claimed))


def _outcome(direction: str, claimed: str) -> str:
    if claimed == _UNNAMED:
        return direction
    if direction == "lower":
        return "against the claim"
    if direction == "higher":
        return "as claimed"
    return "not shown" if claimed == _HIGHER else "no loss shown"
