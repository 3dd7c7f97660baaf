"""Reference sets of real images, made with a tiny real encoder."""

import io
import json
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from isekai_gen.errors import InputError, StorageError
from isekai_gen.neighbors.nearest import nearest_rows
from isekai_gen.neighbors.reference import load_reference
from isekai_gen.neighbors.reference_images import open_images
from isekai_gen.settings import Settings
from isekai_gen.shards import read_lines
from isekai_gen.stages import reference_add
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.reference_add import add_reference, class_entries
from isekai_gen.workspace import Workspace
from tests.small_jobs import call, digests
from tests.stages.overlap_jobs import in_this_process, noise_picture


@pytest.fixture(autouse=True)
def _in_this_process():
    with in_this_process():
        yield


@pytest.fixture
def photos(tmp_path):
    """Two classes of three pictures, one of a single one, and a torn file."""
    folder = tmp_path / "photos"
    for number, name in enumerate(("n01440764", "great_owl", "lonely")):
        (folder / name).mkdir(parents=True)
        for seed in range(1 if name == "lonely" else 3):
            form = "JPEG" if seed == 0 else "PNG"
            path = folder / name / f"{seed}.{form.lower()}"
            noise_picture(10 * number + seed).save(path, form)
    (folder / "great_owl" / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n torn")
    return folder


@pytest.fixture
def context(tmp_path, tiny_encoder):
    settings = Settings().with_overrides({"embed": {"encoder": str(tiny_encoder)}})
    (tmp_path / "ws").mkdir()
    return StageContext(Workspace(tmp_path / "ws"), settings)


def folder_of(context, name="photos"):
    return context.workspace.reference(name)


def test_pictures_in_class_folders_make_images_classes_and_prototypes(context, photos):
    report = add_reference(context, "photos", photos)
    assert (report.images, report.classes, report.failed, report.worked) == (7, 2, 1, True)
    assert report.skipped_classes == ("lonely",)
    reference = load_reference(folder_of(context))
    assert [(entry.key, entry.name, entry.wnid) for entry in reference.classes] == [
        ("great_owl", "great owl", ""),
        ("n01440764", "tench", "n01440764"),
    ]
    assert reference.own_images == {"great_owl": 3, "n01440764": 3}
    images = open_images(folder_of(context), reference)
    rows = np.arange(7)
    assert images.column("key", rows).to_pylist() == sorted(
        path.relative_to(photos).as_posix()
        for path in photos.rglob("*.*")
        if path.name != "torn.png"
    )
    vectors = images.vectors.block(0, 7)
    mean = vectors[:3].astype(np.float64).mean(axis=0)
    expected = mean / np.linalg.norm(mean)
    assert np.allclose(reference.prototypes.vectors[0], expected, atol=1e-6)
    assert nearest_rows(reference.text, reference.text, 1)[0][:, 0].tolist() == [0, 1]


def test_pixels_are_never_kept_and_the_source_is_only_read(context, photos):
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in photos.rglob("*.*")}
    add_reference(context, "photos", photos)
    kept = sorted(path.name for path in folder_of(context).rglob("*"))
    assert kept == [
        "failures.jsonl",
        "images.npy",
        "images.parquet",
        "prototypes.npy",
        "reference.json",
        "text.npy",
    ]
    after = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in photos.rglob("*.*")}
    assert after == before


def test_what_could_not_be_read_is_listed_with_its_reason(context, photos):
    add_reference(context, "photos", photos)
    (row,) = read_lines(folder_of(context) / "failures.jsonl")
    assert row["key"] == "great_owl/torn.png"
    assert row["reason"]


def test_the_same_pictures_again_are_nothing_to_do(context, photos):
    add_reference(context, "photos", photos)
    before = digests(folder_of(context), ["."])
    assert len(before) == 6
    report = add_reference(context, "photos", photos)
    assert (report.worked, report.images, report.failed) == (False, 7, 1)
    assert report.skipped_classes == ("lonely",)
    assert digests(folder_of(context), ["."]) == before


def test_a_set_is_never_changed_for_other_pictures_or_another_encoder(context, photos):
    add_reference(context, "photos", photos)
    before = digests(folder_of(context), ["."])
    noise_picture(77).save(photos / "great_owl" / "new.png")
    with pytest.raises(InputError, match=r"of other pictures than those in .*never changed"):
        add_reference(context, "photos", photos)
    settings = context.settings.with_overrides({"embed": {"encoder": "starter"}})
    with pytest.raises(InputError, match=r"with another encoder .*choose another name"):
        add_reference(replace(context, settings=settings), "photos", photos)
    assert digests(folder_of(context), ["."]) == before


def test_a_run_that_broke_off_leaves_no_set_and_the_next_one_makes_the_same(
    context, photos, monkeypatch
):
    add_reference(context, "whole", photos)

    def full_disk(*_):
        raise StorageError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(reference_add, "save_reference", full_disk)
        with pytest.raises(StorageError):
            add_reference(context, "photos", photos)
    assert not (folder_of(context) / "reference.json").exists()
    assert (folder_of(context) / "work").is_dir()  # what was embedded is not embedded again
    add_reference(context, "photos", photos)
    written = {
        name: {
            path.name: path.read_bytes()
            for path in folder_of(context, name).iterdir()
            if path.suffix != ".json" and path.name != "failures.jsonl"
        }
        for name in ("whole", "photos")
    }
    assert written["whole"] == written["photos"]


def test_a_tar_and_a_parquet_file_serve_as_well(context, photos, tmp_path):
    import pyarrow
    import pyarrow.parquet

    contents = {path.name: path.read_bytes() for path in sorted(photos.glob("great_owl/[0-9]*"))}
    with tarfile.open(tmp_path / "shard.tar", "w") as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    table = pyarrow.table({"image": list(contents.values()), "label": ["owl", "owl", ""]})
    pyarrow.parquet.write_table(table, tmp_path / "rows.parquet")
    for name, path in (("tar", "shard.tar"), ("parquet", "rows.parquet")):
        report = add_reference(context, name, tmp_path / path)
        assert report.images == 3
    tar_images = open_images(folder_of(context, "tar"), load_reference(folder_of(context, "tar")))
    row_images = open_images(
        folder_of(context, "parquet"), load_reference(folder_of(context, "parquet"))
    )
    assert np.array_equal(tar_images.vectors.block(0, 3), row_images.vectors.block(0, 3))
    (entry,) = load_reference(folder_of(context, "parquet")).classes
    assert entry.key == "owl"


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".", "..", "a b", "-"])
def test_a_name_that_is_no_plain_name_is_refused(context, photos, name):
    with pytest.raises(InputError, match="cannot name a reference set"):
        add_reference(context, name, photos)
    assert not (context.workspace.root / "references").exists()


def test_wnids_are_named_by_imagenet_and_other_folders_by_themselves():
    entries = class_entries(["n01440764", "n02346627", "n99999999", "red-panda", "__"])
    assert [(entry.name, entry.wnid) for entry in entries] == [
        ("tench", "n01440764"),
        ("porcupine", "n02346627"),
        ("n99999999", ""),
        ("red panda", ""),
        ("__", ""),
    ]


def test_the_commands_make_and_list_a_set(tmp_path, photos, tiny_encoder):
    root = tmp_path / "new"
    empty = call("reference", "list", "-w", root)
    assert "No reference sets" in empty.stdout
    assert not root.exists()
    args = ("reference", "add", "photos", "--images", photos, "-w", root)
    made = json.loads(call(*args, "--encoder", tiny_encoder, "--json").stdout)
    assert (made["images"], made["classes"], made["failed"]) == (7, 2, 1)
    again = call(*args, "--encoder", tiny_encoder)
    assert "Nothing to do" in again.stdout
    assert "1 class(es) with fewer than 2 images" in again.stdout
    assert "1 picture(s) could not be used" in again.stdout
    (row,) = json.loads(call("reference", "list", "-w", root, "--json").stdout)
    assert (row["name"], row["images"], row["classes"]) == ("photos", 7, 2)
    assert "photos" in call("reference", "list", "-w", root).stdout
    assert "Error: " in call(*args, "--encoder", "starter", expect=2).stderr
