"""The plan on disk grows by appending and loses nothing unless told to."""

from dataclasses import replace

import pytest

from isekai_gen.errors import ChecksumError
from isekai_gen.records import ImageRecord, PlannedImage, Provenance
from isekai_gen.shards import append_records, read_marker, read_records
from isekai_gen.stages.known_plan import KnownPlan
from isekai_gen.stages.plan_draft import PlanDraft
from isekai_gen.stages.plan_files import (
    archived_records,
    commit_draft,
    count_micro_batches,
    count_planned,
    read_known,
)
from isekai_gen.stages.plan_lines import PlannedLine, encode_planned
from isekai_gen.workspace import Workspace
from tests.small_jobs import digests, read_plan

PROVENANCE = Provenance("m", "", "d", "p", "s", "c", 1, 2.0, 8, 8, "float32", 4, "f")
NOTHING = KnownPlan()


def image(number, concept="cat"):
    return PlannedImage(f"{number:020x}", concept, number, "t", {}, "p", "", number, number % 2)


def images(*numbers):
    return [image(number) for number in numbers]


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "ws")


def draft_of(folder, planned, known=NOTHING, shard_size=2):
    draft = PlanDraft(folder, known, micro_batch_size=2, shard_size=shard_size)
    for each in planned:
        draft.add(PlannedLine(each.concept, each.index, each.row, encode_planned(each)))
    draft.finish()
    return draft


def commit(workspace, planned, shard_size=2, replace=False):
    known = NOTHING if replace else read_known(workspace)
    with workspace.staging("plan") as folder:
        draft = draft_of(folder, planned, known, shard_size)
        commit_draft(workspace, draft, replace=replace)
    return draft


def test_a_plan_is_cut_into_parts_between_micro_batches(workspace):
    draft = commit(workspace, images(0, 1, 2, 3, 4), shard_size=3)
    assert (draft.planned, draft.added, draft.kept, draft.micro_batches) == (5, 5, 0, 3)
    assert workspace.parts("plan") == [0, 1, 2]
    assert read_plan(workspace) == images(0, 1, 2, 3, 4)
    assert [count_planned(workspace, part)["cat"] for part in (0, 1, 2)] == [2, 2, 1]
    assert [count_micro_batches(workspace, part) for part in (0, 1, 2)] == [1, 1, 1]


def test_leftovers_of_all_concepts_share_micro_batches_at_the_end(workspace):
    planned = [*images(0, 1, 2), image(11, "dog")]
    commit(workspace, planned)
    assert read_plan(workspace) == planned
    first, last = (read_marker(workspace, "plan", part).by_concept for part in (0, 1))
    assert (first, last) == (
        {"cat": {"planned": 2}},
        {"cat": {"planned": 1}, "dog": {"planned": 1}},
    )


def test_what_is_known_is_every_id_and_how_far_each_concept_goes(workspace):
    commit(workspace, [*images(0, 1, 5), image(11, "dog")])
    known = read_known(workspace)
    assert known.total == 4
    assert known.counts == {"cat": 6, "dog": 12}
    for concept, number in (("cat", 0), ("cat", 1), ("cat", 5), ("dog", 11)):
        assert known.id_of(concept, number) == f"{number:020x}".encode()
    for concept, number in (("cat", 2), ("cat", 6), ("dog", 0), ("fox", 0)):
        assert known.id_of(concept, number) == b""


def test_the_same_plan_again_changes_no_byte(workspace):
    commit(workspace, images(0, 1, 2))
    before = digests(workspace.root)
    draft = commit(workspace, images(0, 1, 2), shard_size=8)
    assert (draft.added, draft.kept, draft.lost) == (0, 3, 0)
    assert digests(workspace.root) == before


def test_growth_appends_parts_and_leaves_old_ones_alone(workspace):
    commit(workspace, images(0, 2))
    before = digests(workspace.root)
    draft = commit(workspace, images(0, 1, 2, 3, 4))
    assert (draft.added, draft.kept) == (3, 2)
    assert before.items() <= digests(workspace.root).items()
    assert read_plan(workspace) == images(0, 2, 3, 4, 1)


def test_images_that_would_come_out_otherwise_are_counted_and_not_taken(workspace, tmp_path):
    commit(workspace, images(0, 1, 2))
    other = replace(image(9), index=1)
    draft = draft_of(tmp_path, [image(0), other], read_known(workspace))
    assert (draft.kept, draft.changed, draft.added, draft.lost) == (2, 1, 0, 2)
    assert draft.parts == []


def test_an_index_that_is_planned_twice_is_noticed(workspace):
    commit(workspace, images(0, 1))
    workspace.part("plan", 1).write_bytes(workspace.part("plan", 0).read_bytes())
    with pytest.raises(ChecksumError, match=r"part-00001\.jsonl is no plan: cat #0 is"):
        read_known(workspace)


def test_replacing_archives_the_old_plan_and_its_records(workspace):
    commit(workspace, images(0, 1, 2))
    path = f"images/cat/{image(1).image_id}.png"
    record = ImageRecord(image(1), PROVENANCE, "", path, "a", "b", None)
    append_records(workspace.part("records", 0), [record])
    commit(workspace, images(1, 5), replace=True)
    assert read_plan(workspace) == images(1, 5)
    assert workspace.parts("records") == []
    assert archived_records(workspace) == {record.image_id: record}


@pytest.mark.parametrize("parts", [0, 1, 2, 3])
@pytest.mark.parametrize("markers", [0, 1, 2, 3])
def test_a_kill_while_a_plan_is_committed_is_made_good(workspace, parts, markers):
    planned = [*images(0, 1, 2, 3, 4), image(11, "dog"), image(13, "fox")]
    commit(workspace, planned)
    whole = digests(workspace.root)
    # Parts come into place one after the other, then their markers.
    for part in range(4):
        if part >= parts:
            workspace.part("plan", part).unlink()
        if part >= min(parts, markers):
            workspace.done("plan", part).unlink()
    commit(workspace, planned)
    assert digests(workspace.root) == whole


def test_a_draft_leaves_no_trace_until_it_is_committed(workspace):
    with workspace.staging("plan") as folder:
        assert draft_of(folder, images(0, 1, 2)).parts
    assert list(workspace.root.iterdir()) == []


def test_an_edited_plan_is_noticed(workspace):
    commit(workspace, images(0, 1))
    path = workspace.part("plan", 0)
    path.write_text(path.read_text().replace('"p"', '"a dog"'))
    with pytest.raises(ChecksumError, match=r"part-00000\.jsonl"):
        read_known(workspace)
    assert read_records(path, PlannedImage)[0].prompt == "a dog"


def test_an_unmarked_part_that_is_no_plan_is_noticed(workspace):
    commit(workspace, images(0, 1))
    workspace.done("plan", 0).unlink()
    workspace.part("plan", 0).write_text("{}\n")
    with pytest.raises(ChecksumError, match=r"part-00000\.jsonl is no plan: 0 of 1 lines"):
        read_known(workspace)
