"""Drawing with a tiny real model, in this process; real processes are in tests/end_to_end."""

import dataclasses
import json
import os
import shutil
from collections import Counter
from types import SimpleNamespace

import pytest
from PIL import Image

from isekai_gen.errors import ChecksumError, InputError, StaleShardError
from isekai_gen.records import ImageRecord
from isekai_gen.shards import read_records
from isekai_gen.stages import generate as stage
from isekai_gen.stages import plan_worker
from isekai_gen.stages.draw_flow import Drawer
from isekai_gen.stages.drawn import read_drawn
from isekai_gen.stages.generate import GenerateRequest, generate
from isekai_gen.workspace import Workspace
from tests.small_jobs import GROUPS, catalog_text, digests, make_context, read_plan, run_serially


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    monkeypatch.setattr(stage, "run_shards", run_serially)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "ws"


@pytest.fixture
def draw(tiny_generator, job, root):
    """Generate with changed settings; returns (report, notes)."""

    def run(force=False, request=None, root=root, **settings):
        context = make_context(root, tiny_generator, force, **{"images_per_concept": 4, **settings})
        report = generate(context, request or job.request)
        return report, context.reporter.notes

    return run


def pixels_by_id(root):
    return {record.image_id: record.pixel_sha256 for record in read_drawn(Workspace(root))}


def test_every_planned_image_has_a_record_and_a_picture(draw, root):
    report, _ = draw(images_per_concept=3)
    assert (report.planned, report.generated, report.failed, report.drawn) == (12, 12, 0, True)
    workspace = Workspace(root)
    assert {image.image_id for image in read_plan(workspace)} == set(pixels_by_id(root))
    for record in read_drawn(workspace):
        with Image.open(root / record.path) as image:
            assert image.size == (32, 32)
            origin = json.loads(image.text["isekai-gen"])
        assert origin["image_id"] == record.image_id
        assert origin["prompt"] == record.planned.prompt
        assert origin["model_digest"] == record.provenance.model_digest


def test_pictures_say_that_a_model_made_them_and_can_hide_their_prompts(draw, root):
    draw(images_per_concept=1, prompt_metadata=False)
    path = next((root / "images").rglob("*.png"))
    with Image.open(path) as image:
        assert "trainedAlgorithmicMedia" in image.info["xmp"].decode()
        assert (
            not {"prompt", "negative_prompt", "slots"} & json.loads(image.text["isekai-gen"]).keys()
        )


def test_a_second_run_finds_nothing_to_do(draw, root):
    draw()
    before = digests(root)
    report, _ = draw()
    assert not report.drawn
    assert digests(root) == before


def test_catalog_and_templates_are_remembered(draw, root):
    draw(images_per_concept=1)
    report, _ = draw(images_per_concept=1, request=GenerateRequest())
    assert not report.drawn
    assert "mushroom haven" in (root / "concepts.yaml").read_text()


def test_catalog_order_and_shard_size_change_no_pixel(draw, job, root, tmp_path):
    draw(images_per_concept=6, shard_size=8)
    job.catalog.write_text(catalog_text(GROUPS[::-1]))
    draw(images_per_concept=6, shard_size=5, root=tmp_path / "other")
    assert pixels_by_id(tmp_path / "other") == pixels_by_id(root)
    assert digests(tmp_path / "other", ["images"]) == digests(root, ["images"])


def test_growing_the_plan_gives_the_images_of_a_larger_run(draw, root, tmp_path):
    draw(images_per_concept=2, shard_size=4)
    before = digests(root)
    _, notes = draw(images_per_concept=5, shard_size=4)
    assert before.items() <= digests(root).items()
    assert any("grew by 12 images" in note for note in notes)
    draw(images_per_concept=5, shard_size=4, root=tmp_path / "at-once")
    assert pixels_by_id(tmp_path / "at-once") == pixels_by_id(root)


def test_a_torn_last_record_is_drawn_again_and_said(draw, root):
    draw()
    whole = digests(root)
    path = root / "records/part-00000.jsonl"
    path.write_bytes(path.read_bytes()[:-40])
    (root / "done/generate/part-00000.json").unlink()
    _, notes = draw()
    assert digests(root) == whole
    assert any("torn last line" in note for note in notes)


@pytest.mark.parametrize("damage", ["missing", "flipped", "empty"])
def test_a_lost_picture_is_restored_and_said(draw, root, damage):
    draw(images_per_concept=2)
    whole = digests(root)
    path = sorted((root / "images").rglob("*.png"))[3]
    content = path.read_bytes()
    path.unlink()
    if damage == "flipped":
        path.write_bytes(content[:-20] + bytes([content[-20] ^ 1]) + content[-19:])
    elif damage == "empty":
        path.write_bytes(b"")
    _, notes = draw(images_per_concept=2)
    assert digests(root) == whole
    assert any(path.name in note and "restored" in note for note in notes)


def test_a_lost_picture_that_comes_out_otherwise_is_an_error(draw, root):
    draw(images_per_concept=1)
    path = root / "records/part-00000.jsonl"
    first = read_records(path, ImageRecord)[0]
    path.write_text(path.read_text().replace(first.pixel_sha256, "0" * 64))
    (root / "done/generate/part-00000.json").unlink()
    (root / first.path).unlink()
    with pytest.raises(ChecksumError, match="other pixels than its record"):
        draw(images_per_concept=1)


def test_edited_records_are_noticed(draw, root):
    draw(images_per_concept=1)
    path = root / "records/part-00000.jsonl"
    path.write_text(path.read_text().replace("hedgehog", "hedgepig"))
    with pytest.raises(ChecksumError, match=r"records/part-00000\.jsonl"):
        draw(images_per_concept=1)


def test_other_settings_over_finished_work_are_refused(draw, root):
    draw(images_per_concept=1)
    before = digests(root)
    with pytest.raises(StaleShardError, match="--force-stage"):
        draw(images_per_concept=1, num_inference_steps=2)
    assert digests(root) == before


def test_a_changed_profile_over_half_done_work_is_refused(draw, root):
    draw(images_per_concept=6, shard_size=8)
    (root / "done/generate/part-00001.json").unlink()
    part = root / "records/part-00001.jsonl"
    part.write_text(part.read_text().splitlines(keepends=True)[0])
    with pytest.raises(StaleShardError, match="to go on all the same, or choose a new --workspace"):
        draw(images_per_concept=6, shard_size=8, prompt_metadata=False)
    for path in (root / "done/generate").iterdir():
        path.unlink()  # the same while no shard is finished
    with pytest.raises(StaleShardError, match="was begun under fingerprint"):
        draw(images_per_concept=6, shard_size=8, prompt_metadata=False)


def test_force_replaces_the_plan_and_adopts_what_is_still_planned(draw, root, monkeypatch):
    draw(images_per_concept=3)
    old = pixels_by_id(root)
    pictures = digests(root, ["images"])
    drawn = []
    start = Drawer.start

    def watched(self, images):
        drawn.extend(images)
        return start(self, images)

    monkeypatch.setattr(Drawer, "start", watched)
    report, notes = draw(force=True, images_per_concept=2)
    assert (report.planned, report.generated) == (8, 8)
    assert drawn == []
    assert pixels_by_id(root).items() < old.items()
    assert digests(root, ["images"]) == pictures  # never rewritten, never deleted
    assert any("archive/" in note for note in notes)
    assert (root / "archive/0001/records/part-00000.jsonl").exists()


def test_failures_are_records_and_can_be_retried(draw, root, monkeypatch):
    from isekai_gen.models import drawing

    start = drawing.DiffusersGenerator.start

    def broken(self, requests, settings, check):
        pending = start(self, requests, settings, check)
        made = [
            type(image)(image.row, None, "not finite", None) if image.row == 1 else image
            for image in pending.result()
        ]
        return SimpleNamespace(result=lambda: made)

    with monkeypatch.context() as patch:
        patch.setattr(drawing.DiffusersGenerator, "start", broken)
        report, _ = draw()
    assert (report.planned, report.generated, report.failed) == (16, 12, 4)
    failed = [record for record in read_drawn(Workspace(root)) if not record.generated]
    assert {record.failure for record in failed} == {"not finite"}
    assert not any((root / "images" / r.concept / f"{r.image_id}.png").exists() for r in failed)
    again, _ = draw()
    assert (again.failed, again.drawn) == (4, False)
    retried, _ = draw(request=GenerateRequest(retry_failed=True))
    assert (retried.generated, retried.failed) == (16, 0)


def test_retried_failures_end_like_a_run_without_any(draw, root, tmp_path, monkeypatch):
    from isekai_gen.models import drawing

    def failing(self, requests, settings):
        return [drawing.DrawnImage(request.row, None, "not finite", None) for request in requests]

    with monkeypatch.context() as patch:
        patch.setattr(drawing.DiffusersGenerator, "draw", failing)
        draw(images_per_concept=3)
    draw(images_per_concept=3, request=GenerateRequest(retry_failed=True))
    draw(images_per_concept=3, root=tmp_path / "clean")
    assert digests(root) == digests(tmp_path / "clean")


def test_prompts_that_are_too_long_are_said_with_the_words_cut_off(draw, job, root):
    long = "very " * 60 + "long tail"
    job.templates.write_text(
        f'schema: 1\ntemplates:\n  - id: long\n    text: "{{a}} {{short}} {long}"\n'
    )
    with pytest.raises(InputError, match="long tail") as caught:
        draw(images_per_concept=1)
    assert "--allow-truncation" in str(caught.value)
    assert not (root / "plan").exists()
    report, _ = draw(images_per_concept=1, allow_truncation=True)
    assert report.generated == 4


def test_a_size_the_model_cannot_draw_is_refused(draw, root):
    with pytest.raises(InputError, match="multiples of 8, not 36 x 32"):
        draw(width=36)
    assert not (root / "plan").exists()


def test_a_workspace_may_move(draw, root, tmp_path):
    draw(images_per_concept=1)
    shutil.move(root, tmp_path / "moved")
    report, _ = draw(images_per_concept=1, root=tmp_path / "moved")
    assert not report.drawn


def planned_by_concept(root):
    return Counter(image.concept for image in read_plan(Workspace(root)))


def test_single_concepts_can_grow(draw, job, root, tmp_path):
    draw(images_per_concept=2)
    before = digests(root)
    more = dataclasses.replace(job.request, counts={"house": 5, "cactihog": 1})
    _, notes = draw(images_per_concept=2, request=more)
    assert planned_by_concept(root) == {
        "cactihog": 2,
        "hedgehog": 2,
        "mushroom-haven": 2,
        "house": 5,
    }
    assert before.items() <= digests(root).items()
    assert any("grew by 3 images" in note for note in notes)
    draw(images_per_concept=5, root=tmp_path / "all")
    assert pixels_by_id(root).items() < pixels_by_id(tmp_path / "all").items()


def test_a_plan_never_shrinks_unless_forced(draw, root):
    draw(images_per_concept=3)
    before = digests(root)
    report, notes = draw(images_per_concept=2)
    assert (report.planned, report.drawn) == (12, False)
    assert any("4 images planned before stay" in note for note in notes)
    assert digests(root) == before
    report, _ = draw(images_per_concept=2, force=True)
    assert report.planned == 8


def test_a_killed_plan_goes_on_even_if_less_is_asked_for(draw, root):
    draw(images_per_concept=5, shard_size=4)
    whole = digests(root)
    last = max(Workspace(root).parts("plan"))
    for path in ("plan/part-{}.jsonl", "records/part-{}.jsonl", "done/plan/part-{}.json"):
        (root / path.format(f"{last:05d}")).unlink()
    (root / f"done/generate/part-{last:05d}.json").unlink()
    draw(images_per_concept=5, shard_size=4)
    assert digests(root) == whole


def test_counts_of_an_unknown_concept_are_a_wrong_call(draw, job):
    with pytest.raises(ValueError, match="unicorn"):
        draw(request=dataclasses.replace(job.request, counts={"unicorn": 5}))


def test_the_fill_rate_is_said(draw, root):
    report, notes = draw(images_per_concept=5)
    assert "20 images in 5 micro-batch(es) of 4: 100 % full" in notes
    assert report.fill_rate == 1
    report, notes = draw(images_per_concept=6)
    assert not any("20 images" in note for note in notes)
    assert any("4 images in " in note for note in notes)
    assert draw(images_per_concept=6)[0].fill_rate == report.fill_rate


def test_a_plan_made_by_workers_is_the_plan_made_here(draw, root, tmp_path, monkeypatch):
    draw(images_per_concept=6, shard_size=8)
    monkeypatch.setattr(plan_worker, "LARGE", 0)
    monkeypatch.setattr(plan_worker, "_PIECE", 10)
    monkeypatch.setattr(plan_worker, "_STEP", 4)
    draw(images_per_concept=6, shard_size=8, root=tmp_path / "by-workers")
    assert digests(tmp_path / "by-workers", ["plan", "done/plan"]) == digests(
        root, ["plan", "done/plan"]
    )


def test_a_fault_in_a_worker_stops_planning_and_leaves_no_plan(draw, root, job, monkeypatch):
    monkeypatch.setattr(plan_worker, "LARGE", 0)
    long = "very " * 60 + "long tail"
    job.templates.write_text(
        f'schema: 1\ntemplates:\n  - id: long\n    text: "{{a}} {{short}} {long}"\n'
    )
    with pytest.raises(InputError, match="long tail"):
        draw(images_per_concept=1)
    assert sorted(path.name for path in root.iterdir()) == []


def test_a_picture_written_after_its_shard_was_finished_is_looked_at(draw, root):
    draw(images_per_concept=2)
    whole = digests(root)
    path = next((root / "images").rglob("*.png"))
    finished = max(marker.stat().st_mtime_ns for marker in (root / "done/generate").iterdir())
    path.write_bytes(path.read_bytes()[:-1])
    os.utime(path, ns=(0, finished - 10**9))
    assert not draw(images_per_concept=2)[0].drawn  # older than the marker: not read, as git does
    os.utime(path, ns=(0, finished + 10**9))
    assert draw(images_per_concept=2)[0].drawn
    assert digests(root) == whole
    os.utime(path, ns=(0, finished + 10**9))
    assert not draw(images_per_concept=2)[0].drawn  # newer, but its bytes are those recorded


def test_records_that_name_fewer_pictures_than_their_marker_are_noticed(draw, root):
    draw(images_per_concept=1)
    path, marker = root / "records/part-00000.jsonl", root / "done/generate/part-00000.json"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    os.utime(path, ns=(0, marker.stat().st_mtime_ns - 10**9))
    with pytest.raises(ChecksumError, match="pictures, its done-marker says"):
        draw(images_per_concept=1)
