"""Counters, concepts and facets of the page's summary; the counters are those of `status`."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import Any

from isekai_gen.stages.dropped_counts import PERSON
from isekai_gen.stages.review_standing import Standing
from isekai_gen.stages.topup_rounds import read_quota
from isekai_gen.workspace import Workspace


def summarize(db: sqlite3.Connection, workspace: Workspace, standing: Standing) -> dict[str, Any]:
    """The part of the summary that the index and decisions give."""
    rows = db.execute("SELECT * FROM concepts ORDER BY place").fetchall()
    total: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    for row in rows:
        total.update({name: row[name] for name in ("planned", "generated", "failed")})
        dropped.update(standing.dropped[row["place"]])
    quota = read_quota(workspace)
    return {
        "counts": {
            "planned": total["planned"],
            "generated": total["generated"],
            "failed": total["failed"],
            "pending": total["planned"] - total["generated"] - total["failed"],
            "kept": total["generated"] - dropped.total(),
            "dropped": dict(sorted(dropped.items())),
        },
        "concepts": [_concept(row, standing, quota) for row in rows],
        "facets": _facets(db, dropped),
    }


def _concept(row: sqlite3.Row, standing: Standing, quota: int | None) -> dict[str, Any]:
    dropped = standing.dropped[row["place"]].total()
    return {
        "slug": row["slug"],
        "name": row["name"],
        "kind": row["kind"],
        "group": row["grp"],
        "generated": row["generated"],
        "kept": row["generated"] - dropped,
        "dropped": dropped,
        "quota": quota,
    }


def _facets(db: sqlite3.Connection, dropped: Counter[str]) -> dict[str, Any]:
    def values(name: str) -> list[str]:
        asked = "SELECT value FROM facets WHERE name = ? ORDER BY value"
        return [row[0] for row in db.execute(asked, [name])]

    slots: dict[str, list[str]] = {}
    for slot, value in db.execute("SELECT slot, value FROM slot_values ORDER BY slot, value"):
        slots.setdefault(slot, []).append(value)
    decided = db.execute("SELECT 1 FROM temp.decided LIMIT 1").fetchone() is not None
    return {
        "kinds": ["fictional", "real"],
        "verdicts": ["kept", "dropped"],
        "reasons": [*values("reasons"), *([PERSON] if decided or dropped[PERSON] else [])],
        "templates": values("templates"),
        "slots": slots,
    }
