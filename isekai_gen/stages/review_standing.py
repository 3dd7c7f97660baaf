"""Where images and queues stand: the index with people's decisions on top.

What is dropped by whom, and what is decided of each queue, is counted once and then kept up to date
decision by decision, so that the answer does not take longer with more images.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable

from isekai_gen.records import Decision
from isekai_gen.stages.dropped_counts import PERSON
from isekai_gen.stages.review_decisions import Change, DecisionLog

Pair = tuple[str, str]


class Standing:
    """Counters over one generation of the index.

    Attributes:
        dropped: Place of a concept to who dropped its images: a filter or "person".
        kept_by_filters: Place of a concept to images that every filter keeps.
        confirmed: Place of a concept to how many of these a person decided about.
        pairs: Place of a pair in the review band to decisions that settle it: on the pair, or to
            drop one of its images.
        other_pairs: Pairs that people decided about and that are not in the review band.
        groups: Places of groups that are decided: a person spoke of a member, or of as many pairs
            of them as take the group apart.
        overlap: Places of images near a limit of overlap that people decided about.
    """

    def __init__(self, db: sqlite3.Connection, log: DecisionLog) -> None:
        self._db = db
        self.dropped: defaultdict[int, Counter[str]] = defaultdict(Counter)
        self.kept_by_filters: Counter[int] = Counter()
        self.confirmed: Counter[int] = Counter()
        self.pairs: Counter[int] = Counter()
        self.other_pairs: set[Pair] = set()
        self.groups: set[int] = set()
        self._members_decided: Counter[int] = Counter()
        self._pairs_decided: Counter[int] = Counter()
        self.overlap: set[int] = set()
        for concept, name, kept, images in db.execute(
            "SELECT concept, filter, kept, count(*) FROM images GROUP BY concept, filter, kept"
        ):
            if kept:
                self.kept_by_filters[concept] += images
            else:
                self.dropped[concept][name] += images
        db.execute("DELETE FROM temp.decided")
        self.take(Change(images, None, decision) for images, decision in log.in_force.items())

    def take(self, changes: Iterable[Change]) -> None:
        """Bring everything up to date."""
        for change in changes:
            if len(change.images) == 1:
                self._take_image(change.images[0], change.before, change.after)
            else:
                self._take_pair((change.images[0], change.images[1]), change.before, change.after)

    def row_of(self, image_id: str) -> int | None:
        """Row of an image; None if there is none of that id."""
        found = self._db.execute("SELECT row FROM images WHERE id = ?", [image_id]).fetchone()
        return None if found is None else int(found[0])

    def _take_image(self, image_id: str, before: Decision | None, after: Decision | None) -> None:
        found = self._db.execute(
            "SELECT row, concept, kept, filter FROM images WHERE id = ?", [image_id]
        ).fetchone()
        if found is None:  # of a plan that was replaced
            return
        row, concept, kept, name = found
        own = None if kept else str(name)
        _move(self.dropped[concept], _dropper(before, own), _dropper(after, own))
        step = (after is not None) - (before is not None)
        if kept:
            self.confirmed[concept] += step
        self._settle_groups([image_id], self._members_decided, step)
        dropped = (_drops(after) is True) - (_drops(before) is True)
        self._step(self.pairs, self._pairs_of(image_id) if dropped else [], dropped)
        place = self._db.execute("SELECT place FROM overlap WHERE row = ?", [row]).fetchone()
        if place is not None:
            (self.overlap.discard if after is None else self.overlap.add)(place[0])
        if after is None:
            self._db.execute("DELETE FROM temp.decided WHERE row = ?", [row])
        else:
            keep = after.choice == "keep"
            self._db.execute("INSERT OR REPLACE INTO temp.decided VALUES (?, ?)", [row, keep])

    def _take_pair(self, pair: Pair, before: Decision | None, after: Decision | None) -> None:
        if any(self.row_of(image_id) is None for image_id in pair):
            return
        step = (after is not None) - (before is not None)
        place = self.place_of_pair(pair)
        if place is not None:
            self._step(self.pairs, [place], step)
        elif after is not None:
            self.other_pairs.add(pair)
        else:
            self.other_pairs.discard(pair)
        self._settle_groups(pair, self._pairs_decided, step)

    def place_of_pair(self, pair: Pair) -> int | None:
        """Place in the review band; None if it is not there."""
        asked = "SELECT place FROM pairs WHERE a = ? AND b = ?"
        found = self._db.execute(asked, pair).fetchone()
        return None if found is None else int(found[0])

    def _pairs_of(self, image_id: str) -> list[int]:
        asked = "SELECT place FROM pairs WHERE a = ? UNION SELECT place FROM pairs WHERE b = ?"
        return [row[0] for row in self._db.execute(asked, [image_id, image_id])]

    def _settle_groups(self, ids: Iterable[str], decided: Counter[int], step: int) -> None:
        """Count a decision for the groups that hold all of these images."""
        places = self._groups_of(ids)
        self._step(decided, places, step)
        for place in places:
            asked = "SELECT count(*) FROM members WHERE place = ?"
            (size,) = self._db.execute(asked, [place]).fetchone()
            if self._members_decided[place] or self._pairs_decided[place] >= size - 1:
                self.groups.add(place)
            else:
                self.groups.discard(place)

    def _groups_of(self, ids: Iterable[str]) -> list[int]:
        """Groups that all of these images are members of."""
        named = list(ids)
        asked = (
            "SELECT place FROM members WHERE id IN (SELECT value FROM json_each(?)) "
            "GROUP BY place HAVING count(*) = ?"
        )
        return [row[0] for row in self._db.execute(asked, [json.dumps(named), len(named)])]

    @staticmethod
    def _step(counter: Counter[int], places: Iterable[int], step: int) -> None:
        for place in places:
            counter[place] += step
            if not counter[place]:
                del counter[place]


def _move(counter: Counter[str], source: str | None, target: str | None) -> None:
    if source == target:
        return
    if source is not None:
        counter[source] -= 1
        if not counter[source]:
            del counter[source]
    if target is not None:
        counter[target] += 1


def _drops(decision: Decision | None) -> bool | None:
    """Whether a person drops an image; None if none decided."""
    return None if decision is None else decision.choice != "keep"


def _dropper(decision: Decision | None, own: str | None) -> str | None:
    """Who drops an image that the filter `own` drops, or none."""
    drops = _drops(decision)
    if drops is None:
        return own
    return PERSON if drops else None
