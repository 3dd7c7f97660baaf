"""Counterfactual samples that were damaged, or whose making was cut short: said, and made again."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest
from PIL import Image

from isekai_gen.errors import ChecksumError, InputError, StaleShardError
from isekai_gen.hashing import file_sha256
from isekai_gen.shards import encode_lines, read_lines
from isekai_gen.stages import counterfactuals
from isekai_gen.stages.counterfactual_files import PLAN_STAGE, STAGE
from isekai_gen.stages.counterfactual_manifest import write_counterfactual_manifest
from isekai_gen.stages.counterfactual_sheet import write_sheet
from isekai_gen.stages.counterfactual_status import read_sample_status
from isekai_gen.stages.drawn import read_drawn
from isekai_gen.stages.fingerprints import forget_stage
from isekai_gen.stages.release_samples import released_samples
from isekai_gen.workspace import Workspace
from tests.small_jobs import digests
from tests.stages.counterfactual_jobs import Bench, samples_in_this_process

SAMPLES = ("counterfactuals",)


@pytest.fixture
def bench(drawn, tmp_path, tiny_generator, tiny_encoder):
    """A bench with samples."""
    bench = Bench(drawn, tmp_path / "ws", tiny_generator, tiny_encoder)
    bench.make()
    return bench


def damage(path):
    """Other pixels in a file that seems never to have been written again."""
    written = path.stat().st_mtime_ns
    Image.new("RGB", (64, 64)).save(path)
    os.utime(path, ns=(written, written))


def list_samples(bench):
    with samples_in_this_process():
        return write_counterfactual_manifest(bench.context())


def test_a_picture_that_was_written_over_is_made_again(bench):
    before = digests(bench.root, SAMPLES)
    Image.new("RGB", (64, 64)).save(bench.root / bench.outcomes[0].path)
    assert bench.make().worked
    assert digests(bench.root, SAMPLES) == before


def test_a_picture_whose_bits_flipped_is_named_by_the_manifest_with_what_helps(bench):
    damaged = [bench.root / each.path for each in bench.outcomes[:2]]
    for path in damaged:
        damage(path)
    with pytest.raises(ChecksumError, match=r"\(2 samples are damaged\); delete") as raised:
        list_samples(bench)
    assert str(damaged[0]) in str(raised.value)
    assert "`isekai-gen counterfactuals`" in str(raised.value)
    for path in damaged:
        path.unlink()
    bench.make()
    assert list_samples(bench).rows


def test_the_sheet_shows_no_damaged_picture(bench, tmp_path):
    sample = bench.root / bench.outcomes[0].path
    damage(sample)
    with pytest.raises(ChecksumError, match=sample.name):
        write_sheet(Workspace(bench.root), tmp_path / "sheet.png")
    sample.unlink()
    bench.make()
    source = bench.root / read_drawn(Workspace(bench.root))[0].path
    damage(source)
    with pytest.raises(ChecksumError, match=source.name):
        write_sheet(Workspace(bench.root), tmp_path / "sheet.png")
    assert not (tmp_path / "sheet.png").exists()


@pytest.mark.parametrize(
    "name", ["looks/part-00000.parquet", "plan/part-00000.jsonl", "records/part-00000.jsonl"]
)
@pytest.mark.parametrize("content", [None, b"damaged"])
def test_a_lost_or_damaged_file_is_made_again(bench, name, content):
    before = digests(bench.root, SAMPLES)
    path = bench.root / "counterfactuals" / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    bench.make()
    assert digests(bench.root, SAMPLES) == before


@pytest.mark.parametrize("name", ["plan", "records"])
def test_status_names_what_makes_a_damaged_file_again(bench, name):
    path = bench.root / f"counterfactuals/{name}/part-00000.jsonl"
    path.write_text("damaged")
    with pytest.raises(ChecksumError, match=f"{path}: .*run `isekai-gen counterfactuals` to make"):
        read_sample_status(Workspace(bench.root))


@pytest.mark.parametrize("line", ['{"path": "../../secret.png"}', "[]", "[" * 100_000])
def test_lines_that_are_no_samples_are_said_with_what_to_delete(bench, line):
    before = digests(bench.root, SAMPLES)
    path = bench.root / "counterfactuals/records/part-00000.jsonl"
    path.write_text(f"{line}\n")
    (bench.root / "counterfactuals/done/make/part-00000.json").unlink()
    for stopped in (bench.make, lambda: read_sample_status(Workspace(bench.root))):
        with pytest.raises(ChecksumError, match=f"{path}:1: .*; delete that file and run"):
            stopped()
    path.unlink()
    bench.make()
    assert digests(bench.root, SAMPLES) == before


def test_a_plan_that_names_other_files_is_never_followed(bench):
    """Even if its marker was made to fit."""
    before = digests(bench.root, SAMPLES)
    plan = bench.root / "counterfactuals/plan/part-00000.jsonl"
    rows = read_lines(plan)
    secret = bench.root.parent / "secret.png"
    Image.new("RGB", (64, 64), "red").save(secret)
    rows[0]["paths"][0], rows[0]["digests"][0] = "../secret.png", file_sha256(secret)
    plan.write_bytes(encode_lines(rows))
    marker = bench.root / "counterfactuals/done/plan/part-00000.json"
    told = json.loads(marker.read_text())
    marker.write_text(json.dumps({**told, "digest": file_sha256(plan)}))
    (bench.root / bench.outcomes[0].path).unlink()
    bench.make()
    assert digests(bench.root, SAMPLES) == before


def test_what_was_changed_is_named_with_the_remedy(bench):
    with pytest.raises(StaleShardError) as raised:
        bench.make(limit=0.5, refills=("none", "single"))
    said = str(raised.value)
    assert "refills = none,single, was single; limit = 0.5, was default" in said
    assert said.endswith("rerun with --force-stage to redo this stage")


def test_where_no_option_was_changed_it_says_what_else_counts(bench):
    marker = bench.root / "counterfactuals/done/plan/part-00000.json"
    told = json.loads(marker.read_text())
    marker.write_text(json.dumps({**told, "fingerprint": "0" * 64}))
    with pytest.raises(StaleShardError, match="encoder, image generator, words of concepts"):
        bench.make()


def test_killed_while_samples_are_forgotten_they_are_never_taken_for_new_ones(bench, monkeypatch):
    def killed(workspace, stage):
        forget_stage(workspace, stage)
        if stage == killed_after:
            raise KeyboardInterrupt

    monkeypatch.setattr(counterfactuals, "forget_stage", killed)
    records = bench.root / "counterfactuals/records"
    killed_after = STAGE
    with pytest.raises(KeyboardInterrupt):
        bench.make(limit=0.5, force=True)
    with pytest.raises(StaleShardError):
        bench.make(limit=0.5)
    killed_after = PLAN_STAGE
    with pytest.raises(KeyboardInterrupt):
        bench.make(limit=0.5, force=True)
    assert not list(records.iterdir())


def test_a_release_waits_for_samples_that_were_planned(bench):
    context = bench.context()
    splits = {record.image_id: "test" for record in read_drawn(Workspace(bench.root))}
    assert released_samples(context, splits)
    for path in (bench.root / "counterfactuals/records").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="--no-counterfactuals"):
        released_samples(context, splits)
    without = context.settings.with_overrides({"release": {"counterfactuals": False}})
    assert released_samples(replace(context, settings=without), splits) == ()
