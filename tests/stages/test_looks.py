"""Every generated picture is looked at once; what cannot be opened is listed with its reason."""

import shutil

import numpy as np
import pytest
from PIL import Image

from isekai_gen.errors import ChecksumError, InputError
from isekai_gen.executors import Stopped
from isekai_gen.models.perceptual import PictureHashes, hash_picture
from isekai_gen.records import PictureLook
from isekai_gen.stages import looks
from isekai_gen.stages.generate import generate
from isekai_gen.stages.looks import look_at_pictures
from isekai_gen.stages.looks_files import read_looks, write_looks
from isekai_gen.stages.looks_measures import gray_contrast, look_at
from isekai_gen.workspace import Workspace
from tests.scenes import scene
from tests.small_jobs import digests, make_context, run_serially, write_job

IMAGES = 16


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    monkeypatch.setattr(looks, "run_shards", run_serially)


@pytest.fixture(scope="module")
def drawn(tiny_generator, tmp_path_factory):
    """A workspace of 16 images in 4 shards."""
    folder = tmp_path_factory.mktemp("drawn")
    context = make_context(folder / "ws", tiny_generator, shard_size=4, images_per_concept=4)
    with pytest.MonkeyPatch.context() as patch, context.workspace.lock():
        patch.setattr("isekai_gen.stages.generate.run_shards", run_serially)
        generate(context, write_job(folder).request)
    return folder / "ws"


@pytest.fixture
def context(drawn, tmp_path, tiny_generator):
    shutil.copytree(drawn, tmp_path / "ws")
    return make_context(tmp_path / "ws", tiny_generator)


def image_files(context):
    return sorted((context.workspace.root / "images").rglob("*.png"))


def arrays_of(found):
    hashes = found.hashes
    return [hashes.phash, hashes.dhash, hashes.thumbnails, hashes.tints, hashes.hashable]


def test_every_picture_has_its_hashes_and_measurements(context):
    found = look_at_pictures(context)
    assert len(found.ids) == len(found.hashes) == len(found.looks) == IMAGES
    assert not found.failures
    files = {path.stem: path for path in image_files(context)}
    for row, image_id in enumerate(found.ids):
        with Image.open(files[image_id]) as opened:
            picture = opened.convert("RGB")
        expected = look_at(picture)
        assert found.looks[image_id] == expected.record(image_id)
        assert found.looks[image_id].short_side == min(picture.size)
        assert (found.hashes.phash[row] == expected.hash.phash).all()
        assert (found.hashes.thumbnails[row] == expected.hash.thumbnail).all()


def test_a_second_look_only_reads(context, monkeypatch):
    first = look_at_pictures(context)
    monkeypatch.setattr(looks, "run_shards", lambda *_: pytest.fail("looked again"))
    second = look_at_pictures(context)
    assert (second.ids, second.looks) == (first.ids, first.looks)
    for before, after in zip(arrays_of(first), arrays_of(second), strict=True):
        assert before.dtype == after.dtype
        assert (before == after).all()


def test_a_stopped_look_goes_on_where_it_stopped(context, monkeypatch):
    root = context.workspace.root
    whole = look_at_pictures(context)
    expected = digests(root, ["looks", "done"])
    shutil.rmtree(root / "looks")
    shutil.rmtree(root / "done" / "looks")

    def stopped(worker, parts, devices, on_progress, engine):
        run_serially(worker, parts[:2], devices, on_progress, engine)
        raise Stopped

    monkeypatch.setattr(looks, "run_shards", stopped)
    with pytest.raises(Stopped):
        look_at_pictures(context)
    asked = []

    def remembered(worker, parts, *rest):
        asked.extend(parts)
        return run_serially(worker, parts, *rest)

    monkeypatch.setattr(looks, "run_shards", remembered)
    assert look_at_pictures(context).ids == whole.ids
    assert asked == [2, 3]
    assert digests(root, ["looks", "done"]) == expected


def test_another_version_of_a_library_looks_again_without_a_conflict(context, monkeypatch):
    look_at_pictures(context)
    monkeypatch.setattr(looks, "LOOK_VERSION", looks.LOOK_VERSION + 1)
    look_at_pictures(context)
    assert context.reporter.tasks == {"Looking at images": IMAGES}


def test_a_picture_that_cannot_be_opened_is_listed_until_it_is_restored(context):
    path = image_files(context)[5]
    content = path.read_bytes()
    path.write_bytes(content[:-20])
    found = look_at_pictures(context)
    assert list(found.failures) == [path.stem]
    assert "not those recorded" in found.failures[path.stem]
    assert path.stem not in found.ids
    assert len(found.ids) == IMAGES - 1
    path.write_bytes(content)
    assert not look_at_pictures(context).failures


def test_a_shard_of_lost_pictures_only_is_no_fault(context):
    for path in image_files(context):
        path.unlink()
    found = look_at_pictures(context)
    assert found.ids == ()
    assert len(found.failures) == IMAGES


def test_without_images_there_is_nothing_to_look_at(tmp_path, tiny_generator):
    with pytest.raises(InputError, match="no workspace with images yet"):
        look_at_pictures(make_context(tmp_path, tiny_generator))


def test_changed_looks_are_not_read(context):
    look_at_pictures(context)
    path = context.workspace.root / "looks" / "part-00001.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ChecksumError, match="part-00001"):
        read_looks(context.workspace)


def test_the_file_has_the_same_bytes_each_time(tmp_path):
    hashes = PictureHashes.of([hash_picture(scene(number)) for number in range(3)])
    records = [PictureLook(f"{number:020x}", 9, 0.1 + number, 0.0) for number in range(3)]
    written = [
        write_looks(Workspace(tmp_path / name), 0, records, hashes, {}) for name in ("a", "b")
    ]
    assert written[0] == written[1]


@pytest.mark.parametrize("seed", range(3))
def test_contrast_is_the_standard_deviation_of_gray_levels(seed):
    levels = np.random.default_rng(seed).integers(0, 256, (30, 50), dtype=np.uint8)
    assert gray_contrast(Image.fromarray(levels)) == pytest.approx(levels.std())
    assert gray_contrast(Image.new("L", (5, 5), 77)) == 0.0
