"""Images as the page lists them, and lists of those that match a question."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from isekai_gen.records import Decision
from isekai_gen.review.source import ImageQuery
from isekai_gen.stages.dropped_counts import PERSON
from isekai_gen.stages.review_decisions import DecisionLog

_BRIEF = "images.*, concepts.slug, concepts.name, concepts.kind"
_FROM = "FROM images JOIN concepts ON concepts.place = images.concept"
_DECIDED = "LEFT JOIN temp.decided ON decided.row = images.row"
_KEPT = "coalesce(decided.keep, images.kept)"
_REASON = f"CASE WHEN decided.row IS NULL THEN images.reason ELSE '{PERSON}' END"
_MOST = 500


class ImageLists:
    """Briefs of images, with people's decisions applied."""

    def __init__(self, db: sqlite3.Connection, log: DecisionLog) -> None:
        self._db, self._log = db, log

    def brief(self, image_id: str) -> dict[str, Any]:
        """The brief of an image that is there."""
        (found,) = self.briefs([image_id]).values()
        return found

    def briefs(self, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Id to brief, of those that are there, in the order given."""
        found = {}
        for image_id in ids:
            asked = f"SELECT {_BRIEF} {_FROM} WHERE images.id = ?"
            row = self._db.execute(asked, [image_id]).fetchone()
            if row is not None:
                found[image_id] = self.of_row(row)
        return found

    def of_row(self, row: Mapping[str, Any] | sqlite3.Row) -> dict[str, Any]:
        """The brief of a row of images and its concept."""
        decision = self._log.of_image(row["id"])
        brief = {
            "id": row["id"],
            "concept": row["slug"],
            "name": row["name"],
            "kind": row["kind"],
            "index": row["number"],
            "prompt": row["prompt"],
            "negative_prompt": row["negative"],
            # As text: numbers of JavaScript are exact to 53 bits only, and seeds have 63.
            "seed": str(row["seed"]),
            "template": row["template"],
            "verdict": "kept" if row["kept"] else "dropped",
            "by": row["filter"],
            "reason": row["reason"],
            "measured": row["measured"],
            "limit": row["bound"],
            "decision": None,
            "width": row["width"],
            "height": row["height"],
        }
        if decision is not None:
            brief |= {
                "verdict": "kept" if decision.choice == "keep" else "dropped",
                "by": PERSON,
                "reason": PERSON,
                "measured": None,
                "limit": None,
                "decision": decision_json(decision),
            }
        return brief

    def listed(self, query: ImageQuery) -> dict[str, Any]:
        """A stretch of the images that match, and how many do.

        Raises:
            ValueError: If offset, limit or order is out of range.
        """
        if not 1 <= query.limit <= _MOST or query.offset < 0:
            raise ValueError(f"offset must be 0 or more and limit 1 to {_MOST}")
        if query.order not in ("concept", "closest"):
            raise ValueError(f"order must be concept or closest, not {query.order!r}")
        where, values = _conditions(query)
        counted = f"SELECT count(*) {_FROM} {_DECIDED} {where}"
        (total,) = self._db.execute(counted, values).fetchone()
        order = "images.concept, images.number, images.row"
        if query.order == "closest":
            order = "images.nearness, images.row"
        asked = f"SELECT {_BRIEF} {_FROM} {_DECIDED} {where} ORDER BY {order} LIMIT ? OFFSET ?"
        rows = self._db.execute(asked, [*values, query.limit, query.offset])
        return {"total": total, "images": [self.of_row(row) for row in rows]}

    def of_concept(self, place: int) -> list[dict[str, Any]]:
        """Images of a concept that filters keep or people decided about, outliers first."""
        asked = (
            f"SELECT {_BRIEF} {_FROM} {_DECIDED} "
            "WHERE images.concept = ? AND (images.kept OR decided.row IS NOT NULL) "
            "ORDER BY images.typical IS NULL, images.typical, images.number, images.row"
        )
        rows = self._db.execute(asked, [place])
        return [{**self.of_row(row), "typical": row["typical"]} for row in rows]


def decision_json(decision: Decision) -> dict[str, Any]:
    """A decision as the page shows it beside what it is about."""
    return {
        "choice": decision.choice,
        "by": decision.by,
        "at": decision.at,
        "reason": decision.reason,
        "note": decision.note,
    }


def _conditions(query: ImageQuery) -> tuple[str, list[Any]]:
    """WHERE clause and its values; names of slots are values, too."""
    conditions: list[str] = []
    values: list[Any] = []
    for column, wanted in (
        ("concepts.slug", query.concepts),
        ("concepts.kind", query.kinds),
        ("images.template", query.templates),
        (_REASON, query.reasons),
        (_KEPT, [int(verdict == "kept") for verdict in query.verdicts]),
    ):
        if wanted:
            conditions.append(f"{column} IN ({', '.join('?' * len(wanted))})")
            values += wanted
    for slot, value in (query.slots or {}).items():
        conditions.append(
            "EXISTS (SELECT 1 FROM json_each(images.slots) WHERE key = ? AND value = ?)"
        )
        values += [slot, value]
    return (f"WHERE {' AND '.join(conditions)}" if conditions else ""), values
