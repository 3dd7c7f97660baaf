import json
import os
import resource
import shutil
import subprocess
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from isekai_gen.errors import ChecksumError, LockedError, ReleaseError, StorageError
from isekai_gen.manifests.files import read_manifest
from isekai_gen.records import Verdict
from isekai_gen.release.building.build import build_release
from isekai_gen.release.building.build_images import ImagePacking
from isekai_gen.release.building.draft import ReleaseDraft
from isekai_gen.release.building.request import BuildPlan
from isekai_gen.release.building.staging import Staging, staged_folder
from isekai_gen.release.content import ReleaseOptions, dropping_verdicts
from isekai_gen.release.signing.c2pa_marks import C2paMarker
from isekai_gen.release.verification.verify import verify_release
from isekai_gen.shards import read_lines
from tests.release.conftest import OPTIONS, make_small
from tests.release.signing_keys import write_pair
from tests.upstream_reader import measure_isekai


def build(small, out, plan=None, options=OPTIONS, **changes):
    return build_release(small.request(out, plan, options, **changes))


def bytes_of(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_release_verifies_and_its_numbers_add_up(small, tmp_path):
    summary = build(small, tmp_path / "out")
    assert verify_release(summary.folder) == []
    assert summary.counts["planned"] == 18
    assert summary.counts["generated"] == 16
    assert summary.counts["failed"] == summary.counts["pending"] == 1
    assert summary.counts["kept"] == 14
    assert summary.counts["dropped"] == {"class_overlap": 1, "near_duplicate": 1}
    assert summary.manifests == {"lcl/ISEKAI-10.json": 12, "lcl/ISEKAI-pair.json": 6}
    assert summary.size == sum(len(content) for content in bytes_of(summary.folder).values())


def test_a_rejected_image_names_its_witness_and_the_comparison_that_found_it(small, tmp_path):
    rows = read_lines(build(small, tmp_path / "out").folder / "rejected.jsonl")
    by_filter = {row["by"]: row for row in rows}
    duplicate, overlapping = by_filter["near_duplicate"], by_filter["class_overlap"]
    assert duplicate["witness"] in small.content.kept
    assert (duplicate["tier"], overlapping["tier"]) == ("semantic", "")


def test_coreutils_accept_the_checksums(built):
    command = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert subprocess.run(command, cwd=built, check=False).returncode == 0


def test_images_are_the_workspace_bytes_under_plain_names(small, tmp_path):
    folder = build(small, tmp_path / "out").folder
    rows = read_lines(folder / "metadata.jsonl")
    assert [row["file_name"] for row in rows[:2]] == [
        "images/cactihog/cactihog-0001.png",
        "images/cactihog/cactihog-0002.png",
    ]
    for row in rows:
        source = small.workspace.image(row["concept"], row["id"])
        assert (folder / row["file_name"]).read_bytes() == source.read_bytes()


def test_upstream_evaluates_the_released_manifests(built):
    for name in ("ISEKAI-10", "ISEKAI-pair"):
        measure_isekai(built / "lcl" / f"{name}.json", built, most=2)


def test_the_same_inputs_give_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    first, second = (
        build(make_small(tmp_path / name / "workspace"), tmp_path / name / "out").folder
        for name in ("a", "b")
    )
    assert bytes_of(first) == bytes_of(second)
    assert "2023-11-14" in (first / "README.md").read_text()


def test_an_existing_folder_is_never_touched(small, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(ReleaseError, match="exists"):
        build(small, out)
    assert list(out.iterdir()) == []


def test_nothing_is_built_inside_a_release(small, built, tmp_path):
    release = tmp_path / "release"
    shutil.copytree(built, release)
    with pytest.raises(ReleaseError, match="is in the release release, and a release is never"):
        build(small, release / "lcl" / "next")
    assert verify_release(release) == []


def test_a_full_disk_leaves_nothing(small, tmp_path):
    """A limit on the size of one file stands for the disk: the kernel refuses the write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        with pytest.raises(StorageError):
            build(small, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert {path.name for path in tmp_path.iterdir()} == {"workspace"}


def test_what_a_killed_build_left_is_cleared_away(small, tmp_path):
    leftovers = tmp_path / ".tmp-out" / "images"
    leftovers.mkdir(parents=True)
    (leftovers / "torn.png").write_bytes(b"half")
    build(small, tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"workspace", "out"}


def test_a_second_build_of_the_same_folder_is_refused(tmp_path):
    out = tmp_path / "out"
    with staged_folder(out), pytest.raises(LockedError), staged_folder(out):
        pass
    assert out.is_dir()


def test_a_changed_image_is_refused(small, tmp_path):
    record = small.content.kept_records()[0]
    path = small.workspace.image(record.concept, record.image_id)
    Image.new("RGB", (16, 16)).save(path)
    with pytest.raises(ChecksumError, match=record.image_id):
        build(small, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_plain_file_is_not_read_as_an_image(small, tmp_path, make):
    record = small.content.kept_records()[0]
    path = small.workspace.image(record.concept, record.image_id)
    path.unlink()
    make(path)
    with pytest.raises(ChecksumError, match=f"{record.image_id}.* is no plain file"):
        build(small, tmp_path / "out")


def test_a_manifest_with_a_dropped_image_is_refused(small, tmp_path):
    rows = read_manifest(small.workspace.manifests / "ISEKAI-10.json")
    by_path = {record.path: record.image_id for record in small.content.records}
    gone = by_path[rows[0]["image_name"]]
    kept = [image_id for image_id in small.content.kept if image_id != gone]
    dropped = {**small.content.dropped, gone: Verdict(gone, "person", False, "dropped_by_person")}
    with pytest.raises(ReleaseError, match="not a kept image; run isekai-gen manifest"):
        build(small, tmp_path / "out", kept=kept, dropped=dropped)


def test_a_witness_that_is_not_kept_is_refused(small, tmp_path):
    dropped = {
        image_id: replace(verdict, witness="0" * 20)
        for image_id, verdict in small.content.dropped.items()
    }
    with pytest.raises(ReleaseError, match="which is not kept"):
        build(small, tmp_path / "out", dropped=dropped)


def test_an_image_neither_kept_nor_dropped_is_refused(small):
    with pytest.raises(ReleaseError, match="run the curation stages"):
        replace(small.content, kept=small.content.kept[1:])


def test_a_license_without_its_text_is_refused(small, tmp_path):
    with pytest.raises(ReleaseError, match="give a license file"):
        replace(OPTIONS, license_id="cc-by-sa-4.0")
    options = replace(OPTIONS, license_id="cc-by-sa-4.0", license_text="All of it.\n")
    folder = build(small, tmp_path / "out", options=options).folder
    assert (folder / "LICENSE").read_text() == "All of it.\n"
    assert "license: cc-by-sa-4.0\n" in (folder / "README.md").read_text()


@pytest.mark.parametrize(
    "wrong", [{"name": "../out"}, {"version": "1.0"}, {"title": "a\nb"}, {"title": " "}]
)
def test_a_bad_name_version_or_title_is_refused(wrong):
    with pytest.raises(ReleaseError):
        ReleaseOptions(**{"name": "a", "version": "1.0.0", "title": "A", **wrong})


def test_a_person_is_named_as_what_dropped_an_image():
    verdict = Verdict("b", "near_duplicate", False, "similar_to_kept")
    by = dropping_verdicts(
        {"a": "person", "b": "near_duplicate"}, {"near_duplicate": {"b": verdict}}
    )
    assert by["a"].by == "person"
    assert by["b"] is verdict


def test_without_loose_images_everything_else_is_the_same(small, built, tmp_path):
    folder = build(small, tmp_path / "out", BuildPlan(loose_images=False)).folder
    assert not (folder / "images").exists()
    same = ("metadata.jsonl", "data/test-00000-of-00001.parquet", "lcl/ISEKAI-10.json")
    for name in (*same, "pairs/test-00000-of-00001.parquet"):
        assert (folder / name).read_bytes() == (built / name).read_bytes()


def test_linked_images_take_no_room_and_are_the_same_release(small, tmp_path):
    linked = build(small, tmp_path / "linked", BuildPlan(hard_link=True)).folder
    record = small.content.kept_records()[0]
    source = small.workspace.image(record.concept, record.image_id)
    assert (linked / "images/cactihog/cactihog-0001.png").samefile(source)
    assert bytes_of(linked) == bytes_of(build(small, tmp_path / "copied").folder)


def test_linking_to_another_disk_is_refused_in_one_line(small, tmp_path):
    other = Path("/dev/shm")  # noqa: S108 - a second file system, not a place for secrets
    if not os.access(other, os.W_OK) or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second file system")
    with (
        tempfile.TemporaryDirectory(dir=other) as folder,
        pytest.raises(ReleaseError, match="leave out --hard-link"),
    ):
        build(small, Path(folder) / "out", BuildPlan(hard_link=True))


@pytest.fixture
def marker(tmp_path):
    pytest.importorskip("c2pa")
    (tmp_path / "keys").mkdir()
    pair = write_pair(tmp_path / "keys", "es256")
    return C2paMarker(pair.cert, pair.key)


@pytest.mark.parametrize("loose", [True, False])
def test_marked_pictures_have_their_own_digests_and_are_the_same_everywhere(
    small, tmp_path, marker, loose
):
    plan = BuildPlan(loose_images=loose, marker=marker)
    folder = build(small, tmp_path / "out", plan).folder
    assert verify_release(folder) == []  # pairs embed the same bytes
    rows = read_lines(folder / "metadata.jsonl")
    recorded = {record.image_id: record for record in small.content.kept_records()}
    for row in rows:
        assert row["sha256"] != recorded[row["id"]].file_sha256
        assert row["pixel_sha256"] == recorded[row["id"]].pixel_sha256
    assert (folder / "images").exists() == loose
    assert json.loads((folder / "release.json").read_text())["signed_pictures"]


def test_a_linked_image_cannot_be_marked(small, tmp_path, marker):
    with pytest.raises(ReleaseError, match="cannot be marked"):
        build(small, tmp_path / "out", BuildPlan(hard_link=True, marker=marker))


def test_the_profile_files_holds_one_split(small, tmp_path):
    with pytest.raises(ReleaseError, match=r"cannot tell splits apart \(test, train\)"):
        build(small, tmp_path / "out", BuildPlan(profile="files"), splits=small.divided())
    folder = build(small, tmp_path / "hub", splits=small.divided()).folder
    assert sorted(path.name for path in (folder / "data").iterdir()) == [
        "test-00000-of-00001.parquet",
        "train-00000-of-00001.parquet",
    ]


def test_metadata_keep_the_release_order_over_splits_and_shards(small, tmp_path):
    plan = BuildPlan(max_shard_bytes=2000)
    alternating = {
        record.image_id: ("train", "test")[number % 2]
        for number, record in enumerate(small.content.kept_records())
    }
    content = {"splits": alternating, "split_by": "image"}
    images = replace(small.content, **content).released_images()
    packed = ImagePacking(
        small.request(tmp_path / "out", plan, **content),
        Staging(tmp_path / "tree", tmp_path / "progress"),
        ReleaseDraft(tmp_path / "tree"),
    )
    (tmp_path / "tree").mkdir()
    (tmp_path / "progress").mkdir()
    assert len(packed.pack(images).shards) > 4
    rows = [json.loads(line) for line in packed.lines(images)]
    assert [row["file_name"] for row in rows] == [image.path for image in images]


def test_an_archive_is_named_after_name_and_version_and_never_over_another(small, tmp_path):
    summary = build(small, tmp_path / "out", BuildPlan(archive="zip"))
    assert summary.archive == tmp_path / "isekai-test-1.0.0.zip"
    with zipfile.ZipFile(summary.archive) as archive:
        assert "isekai-test-1.0.0/README.md" in archive.namelist()
    with pytest.raises(ReleaseError, match="exists"):
        build(small, tmp_path / "again", BuildPlan(archive="zip"))
    assert not (tmp_path / "again").exists()


def test_progress_counts_every_image_once(small, tmp_path):
    told = []
    request = replace(small.request(tmp_path / "out"), advance=told.append)
    build_release(request)
    assert sum(told) == 14


def test_a_version_says_what_changed_since_the_one_before(small, built, tmp_path):
    gone = small.content.kept_records()[-1].image_id
    kept = [image_id for image_id in small.content.kept if image_id != gone]
    dropped = {**small.content.dropped, gone: Verdict(gone, "person", False, "dropped_by_person")}
    for manifest in small.workspace.manifests.iterdir():
        manifest.unlink()
    changes = {"kept": kept, "dropped": dropped}
    plan = BuildPlan(previous=built)
    with pytest.raises(
        ReleaseError, match=r"1\.1\.0 is too low.* --release-version 2\.0\.0 or higher"
    ):
        build(small, tmp_path / "out", plan, replace(OPTIONS, version="1.1.0"), **changes)
    folder = build(
        small, tmp_path / "out", plan, replace(OPTIONS, version="2.0.0"), **changes
    ).folder
    listed = json.loads((folder / "reports/changes.json").read_text())
    assert [image["id"] for image in listed["removed"]] == [gone]
    assert "## 2.0.0" in (folder / "CHANGELOG.md").read_text()
    assert "## 1.0.0" in (folder / "CHANGELOG.md").read_text()


@pytest.mark.parametrize(
    ("limit", "said"), [("MAX_FILES", "14 loose images"), ("MAX_ENTRIES", "4 loose images of")]
)
def test_more_loose_images_than_hubs_take_are_refused_before_anything_is_written(
    small, tmp_path, monkeypatch, limit, said
):
    monkeypatch.setattr(f"isekai_gen.release.building.build.{limit}", 3)
    out = tmp_path / "many"
    with pytest.raises(ReleaseError, match=f"{said}.*--no-loose-images"):
        build_release(small.request(out))
    assert not list(tmp_path.glob("*many*"))
    build_release(small.request(out, BuildPlan(loose_images=False)))
