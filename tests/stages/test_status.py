"""Status by done-markers says what a reading of every record would say."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.errors import ChecksumError
from isekai_gen.filters import all_filters
from isekai_gen.hashing import file_sha256
from isekai_gen.records import (
    Decision,
    ImageRecord,
    PlannedImage,
    Provenance,
    Verdict,
    select_kept,
)
from isekai_gen.shards import (
    DoneMarker,
    append_records,
    read_appended,
    write_marker,
    write_records,
)
from isekai_gen.stages.curate import read_verdicts
from isekai_gen.stages.drawn import STAGE, read_drawn
from isekai_gen.stages.known_plan import KnownPlan
from isekai_gen.stages.plan_draft import PlanDraft
from isekai_gen.stages.plan_files import commit_draft, read_plan_part
from isekai_gen.stages.plan_lines import PlannedLine, encode_planned
from isekai_gen.stages.status import read_status
from isekai_gen.workspace import Workspace
from tests.small_jobs import read_plan

PROVENANCE = Provenance("m", "", "d", "p", "s", "c", 1, 2.0, 8, 8, "float32", 4, "f")
FILTERS = sorted(all_filters(), key=lambda name: all_filters()[name].order)


def by_the_book(workspace):
    """The numbers of `status --json`, from every record and verdict; the oracle."""
    planned, records = read_plan(workspace), read_drawn(workspace)
    verdicts = read_verdicts(workspace)
    decisions = read_appended(workspace.decisions_file, Decision)
    _, dropped = select_kept(records, verdicts, decisions)

    def count(planned, records):
        generated = [record.image_id for record in records if record.generated]
        by = Counter(dropped[image_id] for image_id in generated if image_id in dropped)
        return {
            "planned": len(planned),
            "generated": len(generated),
            "failed": len(records) - len(generated),
            "pending": len(planned) - len(records),
            "kept": len(generated) - by.total(),
            "dropped": dict(by),
        }

    by_concept = {
        slug: count(
            [image for image in planned if image.concept == slug],
            [record for record in records if record.concept == slug],
        )
        for slug in {image.concept for image in planned}
    }
    generated = [record.image_id for record in records if record.generated]
    unjudged = {
        name: missing
        for name, judged in verdicts.items()
        if judged and (missing := sum(image_id not in judged for image_id in generated))
    }
    return {**count(planned, records), "by_concept": by_concept}, unjudged


def write_plan(workspace, counts, shard_size=4):
    images = [
        PlannedImage(f"{number:010x}{index:010x}", slug, index, "t", {}, "p", "", 1, index % 2)
        for number, (slug, count) in enumerate(counts.items())
        for index in range(count)
    ]
    with workspace.staging("plan") as folder:
        draft = PlanDraft(folder, KnownPlan(), micro_batch_size=2, shard_size=shard_size)
        for image in images:
            draft.add(PlannedLine(image.concept, image.index, image.row, encode_planned(image)))
        draft.finish()
        commit_draft(workspace, draft, replace=False)


def record_of(image, failed):
    path = "" if failed else f"images/{image.concept}/{image.image_id}.png"
    return ImageRecord(image, PROVENANCE, "not finite" if failed else "", path, "a", "b", None)


def write_drawn(workspace, part, failed, drawn, marked):
    """Records of the first images of a part; with a marker if `marked` names its kind."""
    planned = read_plan_part(workspace, part)
    images = planned if marked else planned[:drawn]
    records = [record_of(image, image.index % 7 in failed) for image in images]
    write_records(workspace.part("records", part), records)
    if not marked:
        return
    by_concept = {
        slug: {
            "planned": sum(each.concept == slug for each in records),
            "generated": sum(each.concept == slug and each.generated for each in records),
            "failed": sum(each.concept == slug and not each.generated for each in records),
        }
        for slug in {record.concept for record in records}
    }
    counts = {key: sum(each[key] for each in by_concept.values()) for key in ("planned", "failed")}
    counts["generated"] = counts["planned"] - counts["failed"]
    digest = file_sha256(workspace.part("records", part))
    marker = DoneMarker(STAGE, part, "f" * 64, counts, digest, by_concept)
    write_marker(workspace, marker if marked == "now" else replace(marker, by_concept={}))


def write_verdicts(workspace, name, part, ids, dropped, marked):
    folder = workspace.verdicts(name)
    rows = [Verdict(i, name, keep=i not in dropped, reason='"keep": false') for i in ids]
    path = workspace.part(folder, part)
    write_records(path, rows)
    if marked:
        counts = {"judged": len(rows), "dropped": len(dropped)}
        write_marker(workspace, DoneMarker(folder, part, "f" * 64, counts, file_sha256(path)))


@st.composite
def workspaces(draw):
    """A function that fills a workspace, as killed, grown and replaced runs leave them."""
    counts = draw(
        st.dictionaries(
            st.sampled_from(["ant", "bat", "cat", "dog"]), st.integers(1, 7), min_size=1
        )
    )
    failed = draw(st.sets(st.integers(0, 6), max_size=3))
    seed = draw(st.randoms(use_true_random=False))

    def fill(root):
        workspace = Workspace(root)
        write_plan(workspace, counts)
        parts = workspace.parts("plan")
        for part in parts:
            if seed.random() < 0.8:
                marked = seed.choice(["", "now", "now", "once"])
                write_drawn(workspace, part, failed, seed.randint(0, 4), marked)
        ids = [image.image_id for image in read_plan(workspace)]
        for name in seed.sample(FILTERS, seed.randint(0, len(FILTERS))):
            for part in parts:
                own = [record.image_id for record in read_drawn(workspace) if record.generated]
                own = [i for i in own if i in {x.image_id for x in read_plan_part(workspace, part)}]
                judged = seed.choice([own, own, own[:1], seed.sample(ids, len(ids) // 2)])
                dropped = {image_id for image_id in judged if seed.random() < 0.3}
                if seed.random() < 0.8:
                    write_verdicts(workspace, name, part, judged, dropped, seed.random() < 0.7)
        for image_id in seed.sample(ids, min(len(ids), seed.randint(0, 3))):
            choice = seed.choice(["keep", "drop"])
            append_records(workspace.decisions_file, [Decision((image_id,), choice, "me")])
        return workspace

    return fill


@settings(max_examples=30, deadline=None)
@given(workspaces())
def test_the_quick_numbers_are_the_slow_ones(fill):
    with tempfile.TemporaryDirectory() as folder:
        workspace = fill(Path(folder) / "ws")
        numbers, unjudged = by_the_book(workspace)
        status = read_status(workspace)
        assert status.to_json() == numbers
        assert dict(status.unjudged) == unjudged


@pytest.fixture
def finished(tmp_path):
    workspace = Workspace(tmp_path / "ws")
    write_plan(workspace, {"ant": 4, "bat": 3})
    for part in workspace.parts("plan"):
        write_drawn(workspace, part, {2}, 0, "now")
    return workspace


def test_concepts_come_in_the_order_of_their_slugs(finished):
    assert list(read_status(finished).by_concept) == ["ant", "bat"]
    assert read_status(finished).total.failed == 2


@pytest.mark.parametrize("folder", ["plan", "records"])
def test_a_finished_part_that_was_written_to_is_said(finished, folder):
    path = finished.part(folder, 1)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ChecksumError, match=rf"{folder}/part-00001\.jsonl: bytes differ"):
        read_status(finished)


def test_a_lost_plan_part_is_said_and_lost_records_are_pending(finished):
    finished.part("records", 1).unlink()
    assert read_status(finished).total.pending == 3
    finished.part("plan", 1).unlink()
    with pytest.raises(ChecksumError, match=r"part-00001\.jsonl is missing"):
        read_status(finished)


def test_verdicts_with_foreign_lines_are_said(finished):
    write_verdicts(finished, FILTERS[0], 0, ["0" * 20], set(), marked=False)
    path = finished.part(finished.verdicts(FILTERS[0]), 0)
    path.write_bytes(b'{"by": "someone", "image_id": "0"}\n')
    marker = DoneMarker(finished.verdicts(FILTERS[0]), 0, "f", {}, file_sha256(path))
    write_marker(finished, marker)
    with pytest.raises(ChecksumError, match="other lines than verdicts"):
        read_status(finished)
