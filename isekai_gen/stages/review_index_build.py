"""Make the review page's index: shard after shard, so that memory does not grow with the images."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence

from isekai_gen.errors import ChecksumError
from isekai_gen.filters import all_filters
from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.shards import read_marker
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.drawn import STAGE
from isekai_gen.stages.part_counts import PartCounts, count_part
from isekai_gen.stages.plan_lines import read_heads
from isekai_gen.stages.review_index_lists import fill_lists, fill_neighbor_parts
from isekai_gen.stages.review_index_typical import fill_typical
from isekai_gen.stages.review_index_verdicts import (
    Judgment,
    NearLimit,
    ShardVerdicts,
    judgment_of,
    near_limits,
    remember_moved,
    settle_overlap,
)
from isekai_gen.stages.review_records import DrawnLine, read_drawn_lines
from isekai_gen.stages.review_schema import FACETS, INDEXES, TABLES
from isekai_gen.workspace import Workspace

_IMAGE = f"INSERT INTO images VALUES ({', '.join('?' * 22)})"  # noqa: S608 - question marks
_NEAR = "INSERT INTO near VALUES (?, ?, ?, ?, ?, ?, ?)"


def fill_index(db: sqlite3.Connection, context: StageContext, fingerprint: str) -> None:
    """Fill an empty database.

    Args:
        db: The database.
        context: What it is made of.
        fingerprint: Of that.

    Raises:
        ChecksumError: If files are damaged.
    """
    # A crash leaves a file that nobody opens.
    db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
    db.executescript(TABLES)
    workspace = context.workspace
    counts = {part: count_part(workspace, part) for part in workspace.parts("plan")}
    moved = _Filling(db, context, counts).fill()
    try:
        db.executescript(INDEXES + FACETS)
    except sqlite3.IntegrityError as error:
        raise ChecksumError(
            f"{workspace.root / 'records'}: an image is recorded twice; restore the records"
        ) from error
    fill_typical(db, context)
    fill_lists(db, workspace)
    fill_neighbor_parts(db, workspace)
    db.execute("INSERT INTO about VALUES (?, ?)", [fingerprint, json.dumps(sorted(moved))])
    db.commit()


class _Filling:
    """One filling of concepts, images, overlap and values of slots."""

    def __init__(
        self, db: sqlite3.Connection, context: StageContext, counts: dict[int, PartCounts]
    ) -> None:
        self._db, self._context, self._counts = db, context, counts
        workspace = context.workspace
        self._parts = [part for part in workspace.parts("records") if part in counts]
        self._filters = [n for n in all_filters() if workspace.parts(workspace.verdicts(n))]
        self._place_of: dict[str, int] = {}
        self._fictional: set[str] = set()
        self._slots: set[tuple[str, str]] = set()
        self._named: set[str] = set()

    def fill(self) -> set[str]:
        """Fill them; returns filters whose verdicts lie beside other images than they speak of."""
        self._fill_concepts()
        moved = self._fill_images(frozenset())
        if moved:  # the plan was replaced, and these filters have not judged it yet
            for table in ("images", "near"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
            self._named.clear()
            remember_moved(self._db, self._context.workspace, sorted(moved))
            self._fill_images(frozenset(moved))
            self._db.execute("DELETE FROM moved")
        self._db.executemany("INSERT INTO slot_values VALUES (?, ?)", sorted(self._slots))
        settle_overlap(self._db)
        return moved

    def _fill_concepts(self) -> None:
        totals = PartCounts(Counter(), Counter(), Counter())
        for part in self._counts.values():
            totals.planned.update(part.planned)
            totals.generated.update(part.generated)
            totals.failed.update(part.failed)
        catalog = load_catalog(self._context.workspace.catalog_file).concepts
        known: dict[str, tuple[str, str, str]] = {
            concept.slug: (concept.name, concept.kind, concept.group) for concept in catalog
        }
        for slug in sorted(
            totals.planned | totals.generated
        ):  # images of a catalog that was replaced stay listed
            known.setdefault(slug, (slug, "", slug))
        for place, (slug, described) in enumerate(known.items()):
            self._place_of[slug] = place
            if described[1] == "fictional":
                self._fictional.add(slug)
            numbers = (totals.planned[slug], totals.generated[slug], totals.failed[slug])
            values = (place, slug, *described, *numbers)
            self._db.execute("INSERT INTO concepts VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)

    def _fill_images(self, moved: frozenset[str]) -> set[str]:
        """All images; returns filters that have verdicts on images of other shards than theirs."""
        found: set[str] = set()
        total = sum(counts.generated.total() for counts in self._counts.values())
        with self._context.reporter.task("Preparing the review", total) as advance:
            for part in self._parts:
                lines = self._lines(part)
                verdicts = ShardVerdicts(self._db, self._context.workspace, part, moved)
                judged = {name: verdicts.of(name, lines) for name in self._filters}
                found |= verdicts.moved
                self._insert(part, lines, judged)
                advance(len(lines))
        return found

    def _lines(self, part: int) -> list[DrawnLine]:
        """The images of a shard that `status` counts."""
        workspace = self._context.workspace
        lines = [line for line in read_drawn_lines(workspace, part) if line.generated]
        unknown = next((line for line in lines if line.concept not in self._place_of), None)
        if unknown is not None:
            raise ChecksumError(
                f"{workspace.part('records', part)}: {unknown.image_id} is of {unknown.concept!r}, "
                "which its done-marker does not count; restore it"
            )
        marker = read_marker(workspace, STAGE, part)
        if marker is not None and marker.by_concept:
            return lines
        planned = planned_ids(workspace, part)
        return [line for line in lines if line.image_id in planned]

    def _insert(
        self, part: int, lines: Sequence[DrawnLine], judged: dict[str, dict[str, Judgment]]
    ) -> None:
        rows, near = [], []
        first = self._db.execute("SELECT coalesce(max(row), -1) + 1 FROM images").fetchone()[0]
        for row, line in enumerate(lines, start=first):
            verdicts = [said[line.image_id] for said in judged.values() if line.image_id in said]
            counted = judgment_of(verdicts)
            rows.append(self._row(row, part, line, counted))
            if counted.keep and line.concept in self._fictional:
                near += [(row, *found) for found in self._near(line, verdicts)]
            self._slots.update(line.slots.items())
        self._db.executemany(_IMAGE, rows)
        self._db.executemany(_NEAR, near)

    def _near(self, line: DrawnLine, verdicts: Sequence[Judgment]) -> list[NearLimit]:
        """What a person may have to look at; of a name, once for its concept."""
        found = []
        for near in near_limits(verdicts):
            if near.reason == "name_near_class":
                if line.concept in self._named:
                    continue
                self._named.add(line.concept)
            found.append(near)
        return found

    def _row(self, row: int, part: int, line: DrawnLine, said: Judgment) -> tuple[object, ...]:
        return (
            row,
            line.image_id,
            part,
            line.start,
            self._place_of[line.concept],
            line.number,
            line.prompt,
            line.negative_prompt,
            line.seed,
            line.template,
            json.dumps(line.slots, ensure_ascii=False, sort_keys=True),
            line.width,
            line.height,
            line.suffix,
            said.keep,
            said.filter,
            said.reason,
            said.measured,
            said.limit,
            said.witness,
            said.nearness,
            None,
        )


def planned_ids(workspace: Workspace, part: int) -> set[str]:
    """Ids of the planned images of a shard."""
    heads = read_heads(workspace.part("plan", part).read_bytes())
    return {head.image_id.decode() for head in heads}
