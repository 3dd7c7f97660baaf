"""The plan on disk grows by appending and loses nothing unless told to."""

import pytest

from isekai_gen.errors import ChecksumError, StaleShardError
from isekai_gen.records import ImageRecord, PlannedImage, Provenance
from isekai_gen.shards import append_records, read_records
from isekai_gen.stages.plan_files import archived_records, commit_plan, read_plan
from isekai_gen.workspace import Workspace
from tests.small_jobs import digests

PROVENANCE = Provenance("m", "", "d", "p", "s", "c", 1, 2.0, 8, 8, "float32", 4, "f")


def image(number):
    return PlannedImage(f"{number:020x}", "cat", number, "t", {}, "a cat", "", number, number % 4)


def images(*numbers):
    return [image(number) for number in numbers]


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "ws")


def test_a_plan_is_cut_into_shards(workspace):
    change = commit_plan(workspace, images(0, 1, 2, 3, 4), 2)
    assert (change.planned, change.added, change.kept_from_before) == (5, 5, 0)
    assert workspace.parts("plan") == [0, 1, 2]
    assert read_plan(workspace) == images(0, 1, 2, 3, 4)


def test_the_same_plan_again_changes_no_byte(workspace):
    commit_plan(workspace, images(0, 1, 2), 2)
    before = digests(workspace.root)
    change = commit_plan(workspace, images(0, 1, 2), 5)
    assert change.added == 0
    assert digests(workspace.root) == before


def test_growth_appends_parts_and_leaves_old_ones_alone(workspace):
    commit_plan(workspace, images(0, 2), 2)
    before = digests(workspace.root)
    change = commit_plan(workspace, images(0, 1, 2, 3, 4), 2)
    assert (change.added, change.kept_from_before) == (3, 2)
    assert before.items() <= digests(workspace.root).items()
    assert read_plan(workspace) == images(0, 2, 1, 3, 4)


def test_a_plan_that_would_lose_images_names_fingerprints_and_remedies(workspace):
    commit_plan(workspace, images(0, 1, 2), 2)
    before = digests(workspace.root)
    with pytest.raises(StaleShardError) as caught:
        commit_plan(workspace, images(0, 3), 2)
    assert "2 of the 3 images" in str(caught.value)
    assert "--force-stage" in str(caught.value)
    assert "--workspace" in str(caught.value)
    assert len([word for word in str(caught.value).split() if len(word.strip(",;")) == 12]) >= 2
    assert digests(workspace.root) == before


def test_force_archives_the_old_plan_and_its_records(workspace):
    commit_plan(workspace, images(0, 1, 2), 2)
    path = f"images/cat/{image(1).image_id}.png"
    record = ImageRecord(image(1), PROVENANCE, "", path, "a", "b", None)
    append_records(workspace.part("records", 0), [record])
    change = commit_plan(workspace, images(1, 5), 2, force=True)
    assert (change.archived, change.kept_from_before) == (2, 1)
    assert read_plan(workspace) == images(1, 5)
    assert workspace.parts("records") == []
    assert archived_records(workspace) == {record.image_id: record}


def test_a_kill_between_parts_is_made_good(workspace, tmp_path):
    commit_plan(workspace, images(0, 1, 2, 3, 4, 5), 2)
    whole = digests(workspace.root)
    # As a kill leaves it: the second part is there without its marker, the third is not.
    workspace.done("plan", 1).unlink()
    workspace.done("plan", 2).unlink()
    workspace.part("plan", 2).unlink()
    commit_plan(workspace, images(0, 1, 2, 3, 4, 5), 2)
    assert digests(workspace.root) == whole


def test_an_edited_plan_is_noticed(workspace):
    commit_plan(workspace, images(0, 1), 2)
    path = workspace.part("plan", 0)
    path.write_text(path.read_text().replace("a cat", "a dog"))
    with pytest.raises(ChecksumError, match=r"part-00000\.jsonl"):
        commit_plan(workspace, images(0, 1), 2)
    assert read_records(path, PlannedImage)[0].prompt == "a dog"
