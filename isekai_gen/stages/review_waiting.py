"""Decisions on pairs that count only when near-duplicates are judged again.

A decision on an image counts at once; one on a pair changes what `dedupe` drops, and with it
possibly other images, so that only `dedupe` can say what it means.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from isekai_gen.records import Decision
from isekai_gen.stages.dedupe_facts import FILTER
from isekai_gen.stages.review_decisions import Change, DecisionLog
from isekai_gen.workspace import Workspace

Pair = tuple[str, str]


class WaitingPairs:
    """Pairs with a decision, or with none any more, that the verdicts do not know of.

    Attributes:
        pairs: Those that wait.
    """

    def __init__(self, db: sqlite3.Connection, workspace: Workspace, log: DecisionLog) -> None:
        self._db, self._log = db, log
        self._judged = _judged_at(workspace)
        self._naming: defaultdict[str, set[Pair]] = defaultdict(set)
        self.pairs: set[Pair] = set()
        for images in log.said:
            self._look_at(images)

    def take(self, changes: Sequence[Change]) -> None:
        """Look again at what changed; a kept image may settle the pairs that name it."""
        for change in changes:
            self._look_at(change.images)
            if len(change.images) == 1:
                for pair in self._naming.get(change.images[0], ()):
                    self._look_at(pair)

    def _look_at(self, images: tuple[str, ...]) -> None:
        if len(images) != 2:
            return
        pair = (images[0], images[1])
        for image_id in pair:
            self._naming[image_id].add(pair)
        if self._waits(pair):
            self.pairs.add(pair)
        else:
            self.pairs.discard(pair)

    def _waits(self, pair: Pair) -> bool:
        decision = self._log.in_force.get(pair)
        if decision is None:
            return _choice_at(self._log.said[pair], self._judged) is not None
        if decision.choice == "duplicate":
            return self._both_kept(pair) and not self._both_pinned(pair)
        return self._is_listed(pair) or self._is_witness(pair)

    def _both_kept(self, pair: Pair) -> bool:
        asked = "SELECT count(*) FROM images WHERE id IN (?, ?) AND kept"
        return bool(self._db.execute(asked, pair).fetchone()[0] == 2)

    def _both_pinned(self, pair: Pair) -> bool:
        """Whether a person keeps both: then both stay, whatever is said of the pair."""
        decisions = [self._log.of_image(image_id) for image_id in pair]
        return all(decision is not None and decision.choice == "keep" for decision in decisions)

    def _is_listed(self, pair: Pair) -> bool:
        asked = "SELECT 1 FROM pairs WHERE a = ? AND b = ?"
        return self._db.execute(asked, pair).fetchone() is not None

    def _is_witness(self, pair: Pair) -> bool:
        """Whether one of them is dropped on account of the other."""
        asked = "SELECT 1 FROM images WHERE id = ? AND witness = ? AND NOT kept"
        return any(self._db.execute(asked, each).fetchone() for each in (pair, pair[::-1]))


def _judged_at(workspace: Workspace) -> str:
    """When near-duplicates were judged last, as decisions write their times; "" if never."""
    folder = workspace.verdicts(FILTER)
    parts = workspace.parts(f"done/{folder}", ".json")
    times = [workspace.done(folder, part).stat().st_mtime for part in parts]
    if not times:
        return ""
    return datetime.fromtimestamp(max(times), tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _choice_at(said: Sequence[Decision], moment: str) -> str | None:
    """What was in force for a pair at a moment; what was said in the same second came later."""
    earlier = [decision.choice for decision in said if decision.at < moment]
    return earlier[-1] if earlier and earlier[-1] != "undecided" else None
