"""Pictures of anybody's: what is kept, why the rest is not, and that nothing is written there."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isekai_gen.errors import InputError
from isekai_gen.hashing import canonical_json
from isekai_gen.intervals import Interval
from isekai_gen.settings import Settings
from isekai_gen.stages import embed_pictures as looking
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.dedupe_folder import FolderRequest, dedupe_folder
from isekai_gen.stages.dedupe_folder_report import OutsideReport
from isekai_gen.workspace import Workspace
from tests.small_jobs import Recorder, run_serially
from tests.stages.picture_jobs import encoded, painted, save, snapshot, write_parquet, write_tar


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    monkeypatch.setattr(looking, "run_shards", run_serially)


def dedupe(images, out, against=None, floor=None, encoder="starter", **limits):
    chosen = Settings().with_overrides(
        {"near_duplicate": limits, "embed": {"encoder": str(encoder)}}
    )
    context = StageContext(Workspace(out), chosen, Recorder(), devices=("cpu",))
    return dedupe_folder(context, FolderRequest(images, out, against, floor))


def lines_of(out, name):
    return [json.loads(line) for line in (out / name).read_text().splitlines()]


def verdicts_of(out):
    return {line["key"]: line for line in lines_of(out, "verdicts.jsonl")}


def busy(seed: int, side: int = 64) -> Image.Image:
    """A picture with enough in it for perceptual hashes."""
    random = np.random.default_rng(seed)
    fields = Image.fromarray(random.integers(0, 256, (9, 9, 3), dtype=np.uint8))
    return fields.resize((side, side), Image.Resampling.BICUBIC)


def test_exact_copies_are_dropped_by_bytes_or_by_pixels(tmp_path):
    first = save(tmp_path / "in/a.png", painted(1))
    (tmp_path / "in/b.png").write_bytes(first.read_bytes())
    painted(1).save(tmp_path / "in/c.webp", lossless=True)
    save(tmp_path / "in/d.png", painted(2))
    before = snapshot(tmp_path / "in")
    report = dedupe(tmp_path / "in", tmp_path / "out", tiers=("exact",))
    verdicts = verdicts_of(tmp_path / "out")
    assert [(key, line["keep"], line["reason"]) for key, line in verdicts.items()] == [
        ("a.png", True, "within_limit"),
        ("b.png", False, "same_bytes"),
        ("c.webp", False, "same_pixels"),
        ("d.png", True, "within_limit"),
    ]
    assert verdicts["b.png"]["witness"] == verdicts["c.webp"]["witness"] == "a.png"
    assert (report.found, report.kept, report.dropped, report.failed) == (4, 2, 2, 0)
    assert report.tiers["exact"].dropped == 2
    assert report.dropped_by_components == 2
    assert snapshot(tmp_path / "in") == before


def test_of_duplicates_the_larger_picture_then_the_larger_file_is_kept(tmp_path):
    save(tmp_path / "in/a.png", busy(1, 64))
    save(tmp_path / "in/b.png", busy(1, 128))
    busy(1, 128).save(tmp_path / "in/c.png", compress_level=0)
    dedupe(tmp_path / "in", tmp_path / "out", tiers=("exact", "perceptual"))
    verdicts = verdicts_of(tmp_path / "out")
    assert [key for key, line in verdicts.items() if line["keep"]] == ["c.png"]
    assert verdicts["a.png"]["reason"] == "looks_the_same"
    assert verdicts["a.png"]["tier"] == "perceptual"
    assert verdicts["b.png"]["reason"] == "same_pixels"


def test_every_tier_names_its_drops_and_the_numbers_add_up(tmp_path, tiny_encoder):
    for seed in range(4):
        save(tmp_path / f"in/{seed}.png", busy(seed))
    save(tmp_path / "in/0-flipped.png", busy(0).transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    save(tmp_path / "in/1-again.png", busy(1))
    (tmp_path / "in/broken.png").write_bytes(b"no picture")
    (tmp_path / "in/notes.txt").write_text("x")
    report = dedupe(
        tmp_path / "in", tmp_path / "out", encoder=tiny_encoder, max_similarity=1, floor=-1
    )
    verdicts = verdicts_of(tmp_path / "out")
    assert verdicts["0.png"]["keep"] != verdicts["0-flipped.png"]["keep"]
    assert verdicts["1-again.png"]["keep"] != verdicts["1.png"]["keep"]
    assert (report.found, report.kept, report.dropped, report.failed) == (7, 4, 2, 1)
    assert {name: tier.dropped for name, tier in report.tiers.items()} == {
        "exact": 1,
        "perceptual": 1,
        "semantic": 0,
    }
    assert report.tiers["semantic"].edges == 10  # of five different pictures
    assert report.skipped == {".txt": 1}
    assert [line["key"] for line in lines_of(tmp_path / "out", "failures.jsonl")] == ["broken.png"]


def test_edges_name_rows_keys_and_tiers(tmp_path, tiny_encoder):
    import pyarrow.parquet as pq

    for name, seed in (("a", 1), ("b", 2), ("c", 1)):
        save(tmp_path / f"in/{name}.png", busy(seed))
    dedupe(tmp_path / "in", tmp_path / "out", encoder=tiny_encoder, floor=-1)
    table = pq.read_table(tmp_path / "out/edges.parquet")
    keys = list(verdicts_of(tmp_path / "out"))
    rows = table.to_pylist()
    assert [(row["key_a"], row["key_b"], row["tier"]) for row in rows] == [
        ("a.png", "b.png", "semantic"),
        ("a.png", "c.png", "exact"),
    ]
    assert all(keys[row["row_a"]] == row["key_a"] for row in rows)
    footer = json.loads(table.schema.metadata[b"isekai_gen.edges"])["tiers"]
    assert footer["semantic"]["floor"] == -1
    assert footer["perceptual"]["complete"]


def test_a_copy_of_a_picture_that_is_dropped_is_dropped_by_the_same_witness(tmp_path):
    save(tmp_path / "in/large.png", busy(1, 128))
    save(tmp_path / "in/small.png", busy(1, 64))
    save(tmp_path / "in/small-again.png", busy(1, 64))
    dedupe(tmp_path / "in", tmp_path / "out", tiers=("exact", "perceptual"))
    verdicts = verdicts_of(tmp_path / "out")
    for key in ("small.png", "small-again.png"):
        assert verdicts[key]["witness"] == "large.png"
        assert verdicts[key]["reason"] == "looks_the_same"
    (group,) = lines_of(tmp_path / "out", "groups.jsonl")
    assert group["representative"] == "large.png"
    assert len(group["members"]) == 3


def test_what_duplicates_the_other_set_is_dropped_and_the_other_set_is_left_alone(tmp_path):
    save(tmp_path / "other/train.png", busy(1, 64))
    save(tmp_path / "other/more.png", busy(5, 64))
    save(tmp_path / "in/same.png", busy(1, 64))
    save(tmp_path / "in/larger.png", busy(1, 128))
    save(tmp_path / "in/new.png", busy(2, 64))
    before = snapshot(tmp_path / "other")
    report = dedupe(
        tmp_path / "in", tmp_path / "out", tmp_path / "other", tiers=("exact", "perceptual")
    )
    verdicts = verdicts_of(tmp_path / "out")
    assert list(verdicts) == ["larger.png", "new.png", "same.png"]
    assert verdicts["same.png"]["reason"] == "same_bytes"
    assert verdicts["larger.png"]["reason"] == "looks_the_same"
    assert all(verdicts[key]["witness"] == "train.png" for key in ("same.png", "larger.png"))
    assert all(verdicts[key]["against"] for key in ("same.png", "larger.png"))
    assert verdicts["new.png"]["keep"]
    assert (report.found, report.kept, report.dropped_against) == (3, 1, 2)
    assert report.against_tiers["exact"].dropped == 1
    assert report.against_tiers["perceptual"].dropped == 1
    assert snapshot(tmp_path / "other") == before


def test_equal_pictures_are_compared_as_one(tmp_path):
    picture = encoded(busy(1))
    write_tar(tmp_path / "0.tar", {f"{n:05}.png": picture for n in range(500)})
    report = dedupe(tmp_path / "0.tar", tmp_path / "out", tiers=("exact", "perceptual"))
    assert (report.kept, report.dropped, report.groups) == (1, 499, 1)
    # A pair for each copy, not for each two of them.
    assert (report.tiers["exact"].edges, report.tiers["perceptual"].edges) == (499, 0)


def test_archives_and_parquet_files_are_compared_with_each_other(tmp_path):
    contents = {f"{n}.png": encoded(busy(n)) for n in range(3)}
    write_tar(tmp_path / "shards/0.tar", contents)
    write_parquet(tmp_path / "0.parquet", {"image": list(contents.values())[1:]})
    report = dedupe(tmp_path / "shards", tmp_path / "out", tmp_path / "0.parquet", tiers=("exact",))
    verdicts = verdicts_of(tmp_path / "out")
    assert [key for key, line in verdicts.items() if line["keep"]] == ["0.tar/0.png"]
    assert verdicts["0.tar/1.png"]["witness"] == "0.parquet#000000000"
    assert report.dropped_against == 2


def test_the_result_does_not_depend_on_how_files_are_spread(tmp_path, tiny_encoder):
    names = [f"{n:02}.png" for n in range(12)]
    contents = {name: encoded(busy(n // 2, 48 + n % 2)) for n, name in enumerate(names)}
    (tmp_path / "in").mkdir()
    for name in reversed(names):
        (tmp_path / "in" / name).write_bytes(contents[name])
    write_tar(tmp_path / "0.tar", dict(reversed(contents.items())))
    one = dedupe(tmp_path / "in", tmp_path / "one", encoder=tiny_encoder, max_similarity=0.999)
    two = dedupe(tmp_path / "0.tar", tmp_path / "two", encoder=tiny_encoder, max_similarity=0.999)
    assert one.reasons == two.reasons

    def kept(out):
        return [key[-6:] for key, line in verdicts_of(out).items() if line["keep"]]

    assert kept(tmp_path / "one") == kept(tmp_path / "two")


def test_again_there_is_nothing_to_do_until_a_limit_or_a_picture_changes(tmp_path, tiny_encoder):
    for seed in range(3):
        save(tmp_path / f"in/{seed}.png", busy(seed))

    def again(**limits):
        return dedupe(tmp_path / "in", tmp_path / "out", encoder=tiny_encoder, **limits)

    first = again()
    assert first.worked
    assert again() == first.repeated()
    assert again(max_similarity=0.99).worked
    save(tmp_path / "in/3.png", busy(0))
    more = again(max_similarity=0.99)
    assert (more.found, more.tiers["exact"].dropped) == (4, 1)


def test_pictures_that_could_not_be_read_are_tried_again(tmp_path, monkeypatch):
    for seed in range(2):
        save(tmp_path / f"in/{seed}.png", painted(seed))
    read_bytes = Path.read_bytes

    def refusing(path):
        if path.name == "1.png":
            raise PermissionError(13, "Permission denied", str(path))
        return read_bytes(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refusing)
        first = dedupe(tmp_path / "in", tmp_path / "out", tiers=("exact",))
    assert (first.kept, first.failed, first.unread) == (1, 1, 1)
    again = dedupe(tmp_path / "in", tmp_path / "out", tiers=("exact",))
    assert (again.kept, again.failed, again.unread) == (2, 0, 0)


def test_broken_pictures_of_the_other_set_are_counted_and_said(tmp_path):
    save(tmp_path / "in/1.png", painted(1))
    save(tmp_path / "other/1.png", painted(1))
    (tmp_path / "other/2.png").write_bytes(b"x")
    report = dedupe(tmp_path / "in", tmp_path / "out", tmp_path / "other", tiers=("exact",))
    assert (report.dropped_against, report.failed, report.against_failed) == (1, 0, 1)


def test_results_are_never_written_among_the_pictures(tmp_path):
    save(tmp_path / "in/1.png", painted(1))
    before = snapshot(tmp_path / "in")
    for out in (tmp_path / "in", tmp_path / "in/out"):
        with pytest.raises(InputError, match="which is only read"):
            dedupe(tmp_path / "in", out, tiers=("exact",))
    assert snapshot(tmp_path / "in") == before


def test_a_floor_above_the_review_limit_or_without_embeddings_is_refused(tmp_path):
    save(tmp_path / "in/1.png", painted(1))
    with pytest.raises(InputError, match=r"--floor 0\.94 is above 0\.92"):
        dedupe(tmp_path / "in", tmp_path / "out", floor=0.94)
    with pytest.raises(InputError, match="--floor is for comparisons by embeddings"):
        dedupe(tmp_path / "in", tmp_path / "out", floor=0.5, tiers=("exact",))


def test_an_extra_encoder_is_a_tier_of_its_own(tmp_path, tiny_encoder):
    for seed in range(3):
        save(tmp_path / f"in/{seed}.png", busy(seed))
    report = dedupe(
        tmp_path / "in",
        tmp_path / "out",
        tiers=("extra",),
        extra_encoder=str(tiny_encoder),
        extra_max_similarity=-1,
        extra_review_similarity=-1,
    )
    assert report.tiers["extra"].dropped == 2
    assert set(report.reasons) == {"similar_by_extra", "within_limit"}


def test_what_a_search_left_out_is_said(tmp_path, tiny_encoder):
    import pyarrow.parquet as pq

    for seed in range(4):
        save(tmp_path / f"in/{seed}.png", busy(seed))
    asked = {"tiers": ("semantic",), "mode": "approximate", "min_recall": 0.9, "floor": -1}
    report = dedupe(tmp_path / "in", tmp_path / "out", encoder=tiny_encoder, **asked)
    tier = report.tiers["semantic"]
    # So few pictures may well be compared exactly; then that is said, and why.
    assert tier.why
    assert tier.complete == (tier.mode == "exact") == (tier.recall is None)
    metadata = pq.read_table(tmp_path / "out/edges.parquet").schema.metadata
    footer = json.loads(metadata[b"isekai_gen.edges"])["tiers"]["semantic"]
    assert (footer["mode"], footer["complete"]) == (tier.mode, tier.complete)


def test_a_report_with_a_measured_recall_survives_the_disk(tmp_path):
    save(tmp_path / "in/1.png", painted(1))
    report = dedupe(tmp_path / "in", tmp_path / "out", tiers=("exact",))
    tier = replace(report.tiers["exact"], complete=False, recall=Interval(0.98, 0.97, 0.99))
    report = replace(report, tiers={"semantic": tier})
    assert OutsideReport.from_json(json.loads(canonical_json(report.to_json()))) == report
