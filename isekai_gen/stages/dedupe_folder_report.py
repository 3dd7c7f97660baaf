"""What a dedupe outside a workspace found and decided, as numbers that add up."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from isekai_gen.intervals import Interval
from isekai_gen.stages.dedupe_report import TierReport


@dataclass(frozen=True)
class OutsideReport:
    """What dedupe found and decided about pictures or rows outside a workspace.

    found = kept + dropped + failed.

    Attributes:
        inputs: Name to path of what was compared.
        found: Pictures, or rows of the matrix.
        kept: Of these.
        dropped: Of these; `dropped_against` among them.
        failed: Pictures that could not be used.
        against_failed: Pictures of the other set that could not be used.
        unread: Pictures of either that a later run tries again, since their bytes could not be
            had.
        dropped_against: Dropped on account of the other set.
        dropped_by_components: What keeping one of each connected group would drop, beside those.
        reasons: Reason of a verdict to how many have it.
        skipped: Suffix to files that are no pictures.
        groups: Groups of two or more that pairs connect.
        review_pairs: Pairs of kept ones that people should look at.
        tiers: Name of each comparison to what it found.
        against_tiers: The same between the two sets.
        seconds: Phase to seconds.
        out: Folder of the results.
        files: Results, relative to it.
        worked: Whether anything was left to do.
    """

    inputs: Mapping[str, str]
    found: int
    kept: int
    dropped: int
    failed: int
    against_failed: int
    unread: int
    dropped_against: int
    dropped_by_components: int
    reasons: Mapping[str, int]
    skipped: Mapping[str, int]
    groups: int
    review_pairs: int
    tiers: Mapping[str, TierReport]
    against_tiers: Mapping[str, TierReport]
    seconds: Mapping[str, float]
    out: str
    files: tuple[str, ...]
    worked: bool = True

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict with every field."""
        return asdict(self)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """What `to_json` gave."""
        tiers = {
            field: {name: _tier(tier) for name, tier in row[field].items()}
            for field in ("tiers", "against_tiers")
        }
        return cls(**{**row, **tiers, "files": tuple(row["files"])})

    def repeated(self) -> Self:
        """The same, found on disk."""
        return replace(self, worked=False)


def _tier(row: Mapping[str, Any]) -> TierReport:
    recall = None if row["recall"] is None else Interval(**row["recall"])
    return TierReport(**{**row, "recall": recall})


@dataclass
class Phases:
    """Times the phases of a command.

    Attributes:
        seconds: Phase to seconds so far.
    """

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add what happens inside to a phase."""
        started = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - started
            self.seconds[name] = round(self.seconds.get(name, 0.0) + spent, 3)
