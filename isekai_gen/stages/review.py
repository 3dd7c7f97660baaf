"""A workspace under review: what the page shows, and what people decide there.

Nothing but decisions.jsonl, the answers to an audit and .review/ is ever written. No lock of the
workspace is taken: other commands may run meanwhile, and what they change shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import RLock
from typing import Any

from isekai_gen.hashing import digest_of
from isekai_gen.review.source import ImageQuery, QueueName, Saying, Sender
from isekai_gen.stages.context import StageContext, require_plan
from isekai_gen.stages.plan_files import check_complete
from isekai_gen.stages.review_audit import AuditQueue, AuditSheet
from isekai_gen.stages.review_decisions import DecisionLog
from isekai_gen.stages.review_detail import ImageDetails
from isekai_gen.stages.review_images import ImageLists
from isekai_gen.stages.review_index import ReviewIndex
from isekai_gen.stages.review_overlap import Neighbors, OverlapQueue, reference_file
from isekai_gen.stages.review_queues import (
    ConsistencyQueue,
    GroupQueue,
    PairQueue,
    Queue,
    next_entries,
)
from isekai_gen.stages.review_sayings import Sayings
from isekai_gen.stages.review_search import ImageSearch
from isekai_gen.stages.review_standing import Standing
from isekai_gen.stages.review_summary import summarize
from isekai_gen.stages.review_waiting import WaitingPairs

_MOST = 500
_DIGITS = 12
_NOBODY = Sender()
_OTHERS_DECIDED = ""
"""Stands for the version before, which nobody knows if another process decided in the midst."""


def open_review(
    context: StageContext, by: str, reference_images: Mapping[str, Path] | None = None
) -> WorkspaceReview:
    """Open a workspace for review; makes its index first if it is not up to date.

    Args:
        context: The workspace; it need not be locked.
        by: Who decides.
        reference_images: Name of a reference set to the folder of its images, to be shown.

    Raises:
        InputError: If there is no plan.
        ChecksumError: If files are missing or damaged.
        StorageError: If the disk is full or read-only.
    """
    require_plan(context.workspace)
    check_complete(context.workspace)
    return WorkspaceReview(context, by, reference_images or {})


class WorkspaceReview:
    """A `ReviewSource` over a workspace; any thread may call it."""

    def __init__(self, context: StageContext, by: str, pictures: Mapping[str, Path]) -> None:
        self._context, self._by, self._pictures = context, by, dict(pictures)
        self._lock = RLock()
        self._search = ImageSearch(context)
        self._log = DecisionLog(context.workspace)
        self._sheet = AuditSheet(context.workspace)
        self._sayings = Sayings(context.workspace, by, self._log, self._sheet)
        self._index = ReviewIndex(context)
        self._log.follow()
        self._sheet.follow()
        self._begin()

    def _begin(self) -> None:
        """Start over with an index that was opened anew, or decisions that were edited."""
        self._outdated = True  # until all of it is there
        db = self._index.db
        self._standing = Standing(db, self._log)
        self._waiting = WaitingPairs(db, self._context.workspace, self._log)
        self._images = ImageLists(db, self._log)
        neighbors = Neighbors(db, self._context.workspace, self._pictures)
        self._details = ImageDetails(db, self._context, self._log, neighbors)
        self._queues: dict[QueueName, Queue] = {
            "duplicates": PairQueue(db, self._standing, self._log),
            "groups": GroupQueue(db, self._standing, self._log),
            "overlap": OverlapQueue(db, self._standing, self._log, neighbors),
            "consistency": ConsistencyQueue(db, self._standing, self._log),
            "audit": AuditQueue(db, self._log, self._sheet),
        }
        self._outdated = False

    def _catch_up(self, at_rest: bool = False) -> None:
        """See what other programs have changed; `at_rest`: not what they still write to."""
        self._sheet.follow()
        self._outdated = self._index.refresh(at_rest) or self._outdated
        changes = self._log.follow()
        if self._outdated or changes is None:
            self._begin()
        else:
            self._standing.take(changes)
            self._waiting.take(changes)

    def close(self) -> None:
        """Let go of the index."""
        with self._lock:
            self._index.close()

    def summary(self) -> dict[str, Any]:
        """See `ReviewSource`."""
        with self._lock:
            self._catch_up()
            return self._summary()

    def version(self) -> str:
        """See `ReviewSource`."""
        with self._lock:
            self._catch_up(at_rest=True)
            return self._version()

    def _version(self) -> str:
        seen = digest_of([self._index.fingerprint, *self._sheet.stamps])
        return f"{self._log.lines}-{seen[:_DIGITS]}"

    def _summary(self) -> dict[str, Any]:
        return {
            "version": self._version(),
            "workspace": self._context.workspace.root.resolve().name,
            "reviewer": self._by,
            **summarize(self._index.db, self._context.workspace, self._standing),
            "waiting": len(self._waiting.pairs),
            "queues": [
                {"name": name, "left": queue.left(), "decided": queue.decided()}
                for name, queue in self._queues.items()
            ],
            "search": self._search.possible(),
        }

    def queue(self, name: QueueName, after: str, limit: int) -> dict[str, Any]:
        """See `ReviewSource`.

        Raises:
            ValueError: If there is no such queue, or the limit is out of range.
        """
        if name not in self._queues or not 1 <= limit <= _MOST:
            raise ValueError(f"no queue {name!r}, or limit {limit} is not in 1 to {_MOST}")
        with self._lock:
            self._catch_up()
            found = next_entries(self._queues[name], after, limit)
            return {"version": self._version(), **found}

    def images(self, query: ImageQuery) -> dict[str, Any]:
        """See `ReviewSource`.

        Raises:
            ValueError: If offset, limit or order is out of range.
        """
        with self._lock:
            self._catch_up()
            return {"version": self._version(), **self._images.listed(query)}

    def image(self, image_id: str) -> dict[str, Any] | None:
        """See `ReviewSource`."""
        with self._lock:
            self._catch_up()
            return self._details.of(image_id)

    def picture(self, image_id: str) -> Path | None:
        """See `ReviewSource`."""
        asked = (
            "SELECT slug, suffix FROM images JOIN concepts ON concepts.place = images.concept "
            "WHERE id = ?"
        )
        with self._lock:
            found = self._index.db.execute(asked, [image_id]).fetchone()
        if found is None:
            return None
        return self._context.workspace.image(found["slug"], image_id, found["suffix"])

    def reference_picture(self, key: str) -> Path | None:
        """See `ReviewSource`."""
        return reference_file(self._pictures, key)

    def say(self, sayings: Sequence[Saying], sender: Sender = _NOBODY) -> dict[str, Any]:
        """See `ReviewSource`."""
        with self._lock:
            self._catch_up()
            before, lines = self._version(), self._log.lines
            recorded = self._sayings.say(sayings, sender, self._standing)
            self._catch_up()
            if self._log.lines != lines + recorded["decisions"]:
                before = _OTHERS_DECIDED
            return {"before": before, "recorded": recorded, **self._summary()}

    def undo(self, sender: Sender = _NOBODY) -> dict[str, Any]:
        """See `ReviewSource`."""
        with self._lock:
            self._catch_up()
            before, lines = self._version(), self._log.lines
            taken_back = self._sayings.undo(sender)
            self._catch_up()
            if self._log.lines != lines + sum(not one["question"] for one in taken_back["undone"]):
                before = _OTHERS_DECIDED
            return {**taken_back, "summary": {"before": before, **self._summary()}}

    def search(self, text: str, picture: bytes, limit: int) -> dict[str, Any]:
        """See `ReviewSource`."""
        found = self._search.nearest(text, picture, limit)
        with self._lock:
            self._catch_up()
            briefs = self._images.briefs(image_id for image_id, _ in found)
            return {
                "images": [
                    {"image": briefs[image_id], "similarity": similarity}
                    for image_id, similarity in found
                    if image_id in briefs
                ]
            }
