"""What stands for each class: means over its images, and its bare name."""

import dataclasses
import os
import signal
import subprocess

import numpy as np
import pytest
from PIL import Image

from isekai_gen.embeddings import normalized
from isekai_gen.errors import InputError, ModelError
from isekai_gen.models.encoders import load_text_encoder
from isekai_gen.models.spec import Device
from isekai_gen.neighbors.image_classes import ImageClass
from isekai_gen.shards import read_marker
from isekai_gen.stages import class_embeddings_means as means_stage
from isekai_gen.stages.class_embeddings import class_features
from isekai_gen.stages.class_folders import open_class_folder
from isekai_gen.stages.embed import encoder_spec
from tests.encoder_models import build_tiny_torchscript
from tests.held_writes import HeldWrites
from tests.small_jobs import command
from tests.stages.class_jobs import WNIDS, class_context, in_this_process, write_dataset
from tests.stages.picture_jobs import encoded, painted, save, snapshot


@pytest.fixture(autouse=True)
def serially():
    with in_this_process():
        yield


@pytest.fixture
def dataset(tmp_path):
    return write_dataset(tmp_path / "set")


def features_in(context, folder, similarity="lcl", **options):
    with context.workspace.lock():
        return class_features(context, folder, similarity=similarity, **options)


def embedded_anew(context):
    return context.reporter.tasks


def test_the_paper_means_raw_vectors_and_the_cosine_unit_ones(tmp_path, dataset, tiny_encoder):
    context = class_context(tmp_path / "ws", tiny_encoder)
    encoder = load_text_encoder(encoder_spec(str(tiny_encoder)), Device("cpu"))
    before = snapshot(dataset)
    lcl = features_in(context, open_class_folder(dataset), "lcl")
    cosine = features_in(context, open_class_folder(dataset), "cosine")
    assert snapshot(dataset) == before
    for row, wnid in enumerate(WNIDS):
        pictures = [Image.open(path) for path in sorted((dataset / "train" / wnid).iterdir())]
        pending = encoder.start([encoder.prepare(picture) for picture in pictures])
        raw, unit = pending.raw().astype(np.float64), pending.result().astype(np.float64)
        assert not np.allclose(np.linalg.norm(raw, axis=1), 1)
        assert lcl.images[row] == pytest.approx(normalized(raw.mean(axis=0)[None])[0], abs=1e-6)
        assert cosine.images[row] == pytest.approx(normalized(unit.mean(axis=0)[None])[0], abs=1e-6)
    names = [entry.name for entry in lcl.classes]
    assert names[0] == "tench"
    assert lcl.text == pytest.approx(encoder.encode_texts(names), abs=1e-6)
    assert (lcl.kind, cosine.kind) == ("lcl", "cosine")
    assert np.abs(lcl.images - cosine.images).max() > 1e-5


def test_what_is_embedded_is_not_embedded_again(tmp_path, dataset, tiny_encoder):
    first = features_in(class_context(tmp_path / "ws", tiny_encoder), open_class_folder(dataset))
    again = class_context(tmp_path / "ws", tiny_encoder)
    second = features_in(again, open_class_folder(dataset))
    assert embedded_anew(again) == {}
    assert first.digest() == second.digest()


def test_only_shards_whose_images_changed_are_embedded_again(
    tmp_path, dataset, tiny_encoder, monkeypatch
):
    monkeypatch.setitem(means_stage._SHARD_IMAGES, "cpu", 3)
    features_in(class_context(tmp_path / "ws", tiny_encoder), open_class_folder(dataset))
    save(dataset / "train" / WNIDS[2] / f"{WNIDS[2]}_0.png", painted(999))
    later = class_context(tmp_path / "ws", tiny_encoder)
    changed = features_in(later, open_class_folder(dataset))
    assert embedded_anew(later) == {"Embedding images of 5 classes": 3}
    fresh = features_in(class_context(tmp_path / "new", tiny_encoder), open_class_folder(dataset))
    assert changed.digest() == fresh.digest()


def test_shards_of_any_size_give_the_same_means(tmp_path, dataset, tiny_encoder, monkeypatch):
    folder = open_class_folder(dataset)
    whole = features_in(class_context(tmp_path / "a", tiny_encoder), folder)
    monkeypatch.setitem(means_stage._SHARD_IMAGES, "cpu", 1)
    split = features_in(class_context(tmp_path / "b", tiny_encoder), folder)
    assert whole.digest() == split.digest()


def test_damaged_sums_are_made_again(tmp_path, dataset, tiny_encoder):
    folder = open_class_folder(dataset)
    first = features_in(class_context(tmp_path / "ws", tiny_encoder), folder)
    (path,) = (tmp_path / "ws").rglob("*.npz")
    path.write_bytes(path.read_bytes()[:-9])
    context = class_context(tmp_path / "ws", tiny_encoder)
    assert features_in(context, folder).digest() == first.digest()
    assert len(embedded_anew(context)) == 1


def test_images_that_cannot_be_used_are_said_and_the_rest_goes_on(tmp_path, dataset, tiny_encoder):
    broken = dataset / "train" / WNIDS[0] / f"{WNIDS[0]}_1.png"
    broken.write_bytes(b"no picture")
    for path in (dataset / "train" / WNIDS[1]).iterdir():
        path.write_bytes(b"")
    context = class_context(tmp_path / "ws", tiny_encoder)
    found = features_in(context, open_class_folder(dataset))
    assert [entry.key for entry in found.classes] == [WNIDS[0], *WNIDS[2:]]
    assert len(found.text) == len(found.images) == 4
    notes = "\n".join(context.reporter.notes)
    assert "4 images cannot be used" in notes
    assert f"1 classes are left out, for not one of their images can be used: {WNIDS[1]}" in notes
    broken.unlink()
    without = features_in(class_context(tmp_path / "b", tiny_encoder), open_class_folder(dataset))
    assert np.array_equal(found.images, without.images)


def test_a_file_too_large_for_a_picture_is_not_read(tmp_path, dataset, tiny_encoder):
    os.truncate(dataset / "train" / WNIDS[0] / f"{WNIDS[0]}_1.png", 1 << 40)
    context = class_context(tmp_path / "ws", tiny_encoder)
    features_in(context, open_class_folder(dataset))
    (note,) = context.reporter.notes
    assert "_1.png has 1,099,511,627,776 bytes, over" in note


def test_a_dataset_without_usable_images_is_refused(tmp_path, dataset, tiny_encoder):
    for path in dataset.rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(InputError, match="not one image of 5 classes can be used; train/n"):
        features_in(class_context(tmp_path / "ws", tiny_encoder), open_class_folder(dataset))
    for number in range(2):
        save(dataset / "train" / WNIDS[0] / f"{WNIDS[0]}_{number}.png", painted(number))
    with pytest.raises(InputError, match="1 class with images that can be used"):
        features_in(class_context(tmp_path / "ws", tiny_encoder), open_class_folder(dataset))


def test_so_many_images_of_a_class_are_embedded_at_most(tmp_path, dataset, tiny_encoder):
    context = class_context(tmp_path / "ws", tiny_encoder)
    few = features_in(context, open_class_folder(dataset), images_per_class=2, seed=1)
    assert embedded_anew(context)["Embedding images of 5 classes"] == 10
    chosen = open_class_folder(dataset, most_per_class=2, seed=1)
    same = features_in(class_context(tmp_path / "b", tiny_encoder), chosen, images_per_class=2)
    assert few.digest() == same.digest()


def test_another_selection_of_classes_does_not_undo_the_first(tmp_path, dataset, tiny_encoder):
    folder = open_class_folder(dataset)
    part = dataclasses.replace(folder, classes=folder.classes[:3])
    for each in (folder, part):
        features_in(class_context(tmp_path / "ws", tiny_encoder), each)
    again = class_context(tmp_path / "ws", tiny_encoder)
    for each in (folder, part):
        features_in(again, each)
    assert embedded_anew(again) == {}


def test_names_alone_are_embedded_without_images(tmp_path, tiny_encoder):
    classes = [ImageClass(key, key) for key in ("crane", "maillot", "porcupine")]
    context = class_context(tmp_path / "ws", tiny_encoder)
    found = features_in(context, classes, "cosine")
    assert found.kind == "text-only"
    assert found.images is None
    assert found.text.shape == (3, 32)
    with pytest.raises(InputError, match="use --similarity cosine for names alone"):
        features_in(context, classes, "lcl")


def test_an_encoder_of_pictures_only_has_the_cosine_only(tmp_path, dataset):
    program = build_tiny_torchscript(tmp_path / "sscd.torchscript.pt")
    context = class_context(tmp_path / "ws", program)
    found = features_in(context, open_class_folder(dataset), "cosine")
    assert found.text is None
    assert found.images.shape == (5, 16)
    with pytest.raises(ModelError):
        features_in(context, open_class_folder(dataset), "lcl")
    with pytest.raises(ModelError):
        features_in(context, found.classes, "cosine")


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_the_same(tmp_path, tiny_encoder):
    dataset = tmp_path / "set"
    contents = [encoded(painted(seed)) for seed in range(7)]
    for wnid in WNIDS:  # two shards: four classes, and one
        (dataset / wnid).mkdir(parents=True)
        for number in range(300):
            (dataset / wnid / f"{number}.png").write_bytes(contents[number % len(contents)])
    arguments = ["neighbors", "-w", tmp_path / "ws", "--encoder", tiny_encoder]
    arguments += ["--imagenet", dataset, "--images-per-class", 300, "--nearest", 3, "--bins", 2]
    done = tmp_path / "ws/done/neighbors/class-means"
    held = HeldWrites(tmp_path / "held")
    held.hold(f"{done}/*/part-*.json", most=1)
    running = subprocess.Popen(
        command(arguments),
        env=held.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    held.wait(running)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    before = {path: path.stat().st_mtime_ns for path in done.rglob("part-*.json")}
    assert len(before) == 1
    context = class_context(tmp_path / "ws", tiny_encoder)
    folder = open_class_folder(dataset)
    resumed = features_in(context, folder, images_per_class=300)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(list(done.rglob("part-*.json"))) == 2
    fresh = class_context(tmp_path / "new", tiny_encoder)
    assert features_in(fresh, folder, images_per_class=300).digest() == resumed.digest()


def test_a_marker_tells_what_was_embedded(tmp_path, dataset, tiny_encoder):
    (dataset / "train" / WNIDS[0] / f"{WNIDS[0]}_1.png").write_bytes(b"no picture")
    context = class_context(tmp_path / "ws", tiny_encoder)
    features_in(context, open_class_folder(dataset))
    (path,) = (tmp_path / "ws/done/neighbors/class-means").rglob("*.json")
    stage = path.parent.relative_to(tmp_path / "ws/done").as_posix()
    counts = read_marker(context.workspace, stage, 0).counts
    assert counts == {"embedded": 14, "failed": 1, "retry": 0}
