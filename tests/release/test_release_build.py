import os
import resource
import subprocess
import sys
from dataclasses import replace

import pytest
from PIL import Image

from isekai_gen.errors import ChecksumError, LockedError, ReleaseError, StorageError
from isekai_gen.manifests.files import read_manifest
from isekai_gen.records import Verdict
from isekai_gen.release.build import build_release
from isekai_gen.release.content import ReleaseOptions, dropping_verdicts
from isekai_gen.release.staging import staged_folder
from isekai_gen.release.verify import verify_release
from isekai_gen.shards import read_lines
from tests.release.conftest import OPTIONS, make_small
from tests.upstream_reader import measure_isekai


def build(small, out, options=OPTIONS, **changes):
    return build_release(small.workspace, out, options, replace(small.content, **changes))


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
    with pytest.raises(ReleaseError, match="witness"):
        build(small, tmp_path / "out", dropped=dropped)


def test_an_image_neither_kept_nor_dropped_is_refused(small):
    with pytest.raises(ReleaseError, match="run the curation stages"):
        replace(small.content, kept=small.content.kept[1:])


def test_a_license_without_its_text_is_refused(small, tmp_path):
    with pytest.raises(ReleaseError, match="give a license file"):
        replace(OPTIONS, license_id="cc-by-4.0")
    options = replace(OPTIONS, license_id="cc-by-4.0", license_text="All of it.\n")
    folder = build(small, tmp_path / "out", options).folder
    assert (folder / "LICENSE").read_text() == "All of it.\n"
    assert "license_name: cc-by-4.0" in (folder / "README.md").read_text()


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


@pytest.mark.slow
def test_datasets_loads_the_folder_offline(built, tmp_path):
    pytest.importorskip("datasets")
    script = (
        "import sys, datasets\n"
        "loaded = datasets.load_dataset(sys.argv[1], split='test')\n"
        "row = loaded[0]\n"
        "print(len(loaded), row['image'].size, row['concept'], row['seed'], row['id'])\n"
        "assert not {'metadata', 'text'} & set(loaded.column_names)\n"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script, str(built)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    first = read_lines(built / "metadata.jsonl")[0]
    assert done.stdout.split() == ["14", "(16,", "16)", "cactihog", str(first["seed"]), first["id"]]
