"""The queues of the review page: what is open first, what is decided last.

A place in a queue is the key of an entry, so that paging goes on where it was although entries are
decided in between. The decided ones come once all open ones were given; `next` then says so.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Protocol

from isekai_gen.stages.review_decisions import DecisionLog
from isekai_gen.stages.review_images import ImageLists, decision_json
from isekai_gen.stages.review_standing import Pair, Standing

_DECIDED = "decided:"
_MOST = 500
# Entries of concepts hold all their images.
_MOST_IMAGES = 2000


class Queue(Protocol):
    """One queue."""

    def open_keys(self, after: str) -> Iterator[str]:
        """Keys of open entries behind a key; all of them if there is no such key."""

    def decided_keys(self) -> Sequence[str]:
        """Keys of decided entries."""

    def left(self) -> int:
        """How many are open."""

    def decided(self) -> int:
        """How many are decided."""

    def most(self) -> int:
        """Entries to give at once at most, however many are asked for."""

    def entries(self, keys: Sequence[str]) -> list[dict[str, Any]]:
        """Entries by key."""

    def comes_last(self, key: str) -> bool:
        """Whether every open entry lies before this one, wherever it is asked from."""
        del key
        return False


def next_entries(queue: Queue, after: str, limit: int) -> dict[str, Any]:
    """The answer to a request for a queue, less its version."""
    limit = min(limit, queue.most())
    if queue.comes_last(after):
        after = f"{_DECIDED}{after}"
    keys: list[str] = []
    if not after.startswith(_DECIDED):
        keys = list(islice(queue.open_keys(after), limit + 1))
    further = keys[limit - 1] if len(keys) > limit else ""
    keys = keys[:limit]
    if not further:
        decided = queue.decided_keys()
        last = after.removeprefix(_DECIDED)
        start = decided.index(last) + 1 if after.startswith(_DECIDED) and last in decided else 0
        rest = decided[start : start + limit - len(keys)]
        keys += rest
        if start + len(rest) < len(decided):
            further = f"{_DECIDED}{rest[-1]}" if rest else keys[-1]
    return {
        "entries": queue.entries(keys),
        "next": further,
        "left": queue.left(),
        "decided": queue.decided(),
    }


class PairQueue(Queue):
    """Pairs in the review band, closest to the limit first; others that people decided, last."""

    def __init__(self, db: sqlite3.Connection, standing: Standing, log: DecisionLog) -> None:
        self._db, self._standing, self._log = db, standing, log
        self._images = ImageLists(db, log)

    def open_keys(self, after: str) -> Iterator[str]:
        place = self._standing.place_of_pair(pair_of(after)) if after else None
        asked = "SELECT place, a, b FROM pairs WHERE place > ? ORDER BY place"
        for found, a, b in self._db.execute(asked, [place or 0]):
            if found not in self._standing.pairs:
                yield f"{a}-{b}"

    def decided_keys(self) -> Sequence[str]:
        asked = "SELECT a, b FROM pairs WHERE place = ?"
        places = sorted(self._standing.pairs)
        pairs = [tuple(self._db.execute(asked, [place]).fetchone()) for place in places]
        return ["-".join(pair) for pair in (*pairs, *sorted(self._standing.other_pairs))]

    def left(self) -> int:
        (total,) = self._db.execute("SELECT count(*) FROM pairs").fetchone()
        return int(total) - len(self._standing.pairs)

    def decided(self) -> int:
        return len(self._standing.pairs) + len(self._standing.other_pairs)

    def most(self) -> int:
        return _MOST

    def entries(self, keys: Sequence[str]) -> list[dict[str, Any]]:
        return [self._entry(key) for key in keys]

    def comes_last(self, key: str) -> bool:
        return pair_of(key) in self._standing.other_pairs

    def _entry(self, key: str) -> dict[str, Any]:
        pair = pair_of(key)
        asked = "SELECT tier, similarity, bound, review FROM pairs WHERE a = ? AND b = ?"
        found = self._db.execute(asked, pair).fetchone() or (None, None, None, None)
        tier, similarity, limit, review = found
        decision = self._log.in_force.get(pair)
        return {
            "key": key,
            "images": list(self._images.briefs(pair).values()),
            "tier": tier or "",
            "similarity": similarity,
            "limit": limit,
            "review_limit": review,
            "decision": None if decision is None else decision_json(decision),
        }


def pair_of(key: str) -> Pair:
    """The pair of a key."""
    a, _, b = key.partition("-")
    return (a, b)


class GroupQueue(Queue):
    """Groups that duplicates connect; `Standing.groups` says when one is decided."""

    def __init__(self, db: sqlite3.Connection, standing: Standing, log: DecisionLog) -> None:
        self._db, self._standing, self._log = db, standing, log
        self._images = ImageLists(db, log)

    def open_keys(self, after: str) -> Iterator[str]:
        last = self._db.execute("SELECT place FROM groups WHERE key = ?", [after]).fetchone()
        asked = "SELECT place, key FROM groups WHERE place > ? ORDER BY place"
        for place, key in self._db.execute(asked, [last[0] if last else 0]):
            if place not in self._standing.groups:
                yield key

    def decided_keys(self) -> Sequence[str]:
        asked = "SELECT key FROM groups WHERE place = ?"
        places = sorted(self._standing.groups)
        return [self._db.execute(asked, [place]).fetchone()[0] for place in places]

    def left(self) -> int:
        (total,) = self._db.execute("SELECT count(*) FROM groups").fetchone()
        return int(total) - len(self._standing.groups)

    def decided(self) -> int:
        return len(self._standing.groups)

    def most(self) -> int:
        return _MOST

    def entries(self, keys: Sequence[str]) -> list[dict[str, Any]]:
        return [self._entry(key) for key in keys]

    def _entry(self, key: str) -> dict[str, Any]:
        found = self._db.execute("SELECT * FROM groups WHERE key = ?", [key]).fetchone()
        members: list[str] = json.loads(found["members"])
        return {
            "key": key,
            "images": list(self._images.briefs(members).values()),
            "representative": self._chosen(members) or found["representative"],
            "diameter": found["diameter"],
            "diameter_is_exact": bool(found["exact"]),
            "decided": found["place"] in self._standing.groups,
        }

    def _chosen(self, members: Sequence[str]) -> str:
        """The member that a person keeps, the one said last of several; "" if there is none."""
        kept = [
            decision
            for decision in map(self._log.of_image, members)
            if decision is not None and decision.choice == "keep"
        ]
        return max(kept, key=lambda decision: decision.at).images[0] if kept else ""


class ConsistencyQueue(Queue):
    """Concepts; one is decided once a person decided about every image that filters keep."""

    def __init__(self, db: sqlite3.Connection, standing: Standing, log: DecisionLog) -> None:
        self._db, self._standing = db, standing
        self._images = ImageLists(db, log)

    def _is_open(self, place: int) -> bool:
        standing = self._standing
        return standing.confirmed[place] < standing.kept_by_filters[place]

    def _concepts(self) -> list[sqlite3.Row]:
        rows = self._db.execute("SELECT * FROM concepts ORDER BY place").fetchall()
        return [row for row in rows if self._standing.kept_by_filters[row["place"]]]

    def open_keys(self, after: str) -> Iterator[str]:
        rows = self._concepts()
        places = {row["slug"]: row["place"] for row in rows}
        last = places.get(after, -1)
        return (r["slug"] for r in rows if r["place"] > last and self._is_open(r["place"]))

    def decided_keys(self) -> Sequence[str]:
        return [row["slug"] for row in self._concepts() if not self._is_open(row["place"])]

    def left(self) -> int:
        return sum(self._is_open(row["place"]) for row in self._concepts())

    def decided(self) -> int:
        return len(self.decided_keys())

    def most(self) -> int:
        largest = max(self._standing.kept_by_filters.values(), default=1)
        return max(1, _MOST_IMAGES // largest)

    def entries(self, keys: Sequence[str]) -> list[dict[str, Any]]:
        return [self._entry(key) for key in keys]

    def _entry(self, key: str) -> dict[str, Any]:
        row = self._db.execute("SELECT * FROM concepts WHERE slug = ?", [key]).fetchone()
        place, standing = row["place"], self._standing
        concept = {
            "slug": key,
            "name": row["name"],
            "kind": row["kind"],
            "group": row["grp"],
            "generated": row["generated"],
            "kept": row["generated"] - standing.dropped[place].total(),
            "dropped": standing.dropped[place].total(),
        }
        return {"key": key, "concept": concept, "images": self._images.of_concept(place)}
