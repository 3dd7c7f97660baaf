"""Fine-tuning a tower: it learns, stays near the frozen one if asked, and is reproducible."""

from __future__ import annotations

import json
import math
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.errors import ModelError
from isekai_gen.models.finetune import (
    Anchors,
    Lesson,
    TuneSettings,
    batches,
    fine_tune,
    rate_share,
    zero_shot_head,
)
from isekai_gen.models.finetune_tower import TunableTower, load_tunable_tower
from isekai_gen.models.finetune_weights import are_weights_of, write_weights
from isekai_gen.models.spec import EncoderSpec
from tests.models.conftest import CPU
from tests.tiny_models import seeded_and_quiet

COUNT, CLASSES = 12, 3
TEXTS = ["a red hedgehog", "an octopus vacuum cleaner", "a mushroom house at night"]
NOISE = np.random.default_rng(5).integers(0, 256, (COUNT, 32, 32, 3), dtype=np.uint8)
OTHER_NOISE = np.random.default_rng(6).integers(0, 256, (COUNT, 32, 32, 3), dtype=np.uint8)
LEARNED = Lesson(lambda rows: NOISE[list(rows)], np.arange(COUNT) % CLASSES)


@pytest.fixture(scope="module")
def tower(tiny_encoder_folder) -> TunableTower:
    return load_tunable_tower(EncoderSpec(str(tiny_encoder_folder), "tiny"), CPU, "float32")


@pytest.fixture(autouse=True)
def as_loaded(tower):
    yield
    tower.restore()


def head_of(tower: TunableTower) -> np.ndarray:
    return zero_shot_head(tower, tower.encoder.encode_texts(TEXTS))


def tune(tower, anchors=None, seed=0, epochs=8, weight=0.0, rate=1e-3) -> np.ndarray:
    settings = TuneSettings(epochs, 5, rate, weight)
    lesson = Lesson(LEARNED.pictures, LEARNED.labels, anchors)
    return fine_tune(tower, head_of(tower), lesson, settings, seed=seed, advance=lambda _: None)


def named(tower, head) -> np.ndarray:
    return (tower.embed(LEARNED.pictures, COUNT) @ head.T).argmax(axis=1)


def own_anchors(tower, pictures=OTHER_NOISE) -> Anchors:
    def rows(numbers):
        return pictures[list(numbers)]

    frozen = tower.embed(rows, COUNT)
    return Anchors(rows, frozen, [(number,) for number in range(COUNT)])


def test_it_learns_to_name_the_pictures_it_is_shown(tower):
    before = (named(tower, head_of(tower)) == LEARNED.labels).sum()
    head = tune(tower, epochs=40, rate=3e-3)
    assert before < COUNT
    assert (named(tower, head) == LEARNED.labels).all()


def test_the_head_begins_as_the_texts_at_the_encoders_own_scale(tower):
    head = head_of(tower)
    assert head.shape == (CLASSES, 32)
    assert np.linalg.norm(head, axis=1) == pytest.approx(tower.logit_scale, rel=1e-5)


def test_the_same_seed_gives_the_same_weights_to_the_bit_and_another_one_others(tower):
    anchors = own_anchors(tower)
    heads = []
    for seed in (0, 0, 1):
        heads.append(tune(tower, anchors, seed=seed, weight=1.0))
        tower.restore()
    assert heads[0].tobytes() == heads[1].tobytes()
    assert not np.array_equal(heads[0], heads[2])


def test_restoring_puts_back_every_weight_to_the_bit(tower):
    before, features = tower.weights(), tower.embed(LEARNED.pictures, COUNT)
    tune(tower)
    assert not np.array_equal(tower.embed(LEARNED.pictures, COUNT), features)
    tower.restore()
    after = tower.weights()
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert np.array_equal(tower.embed(LEARNED.pictures, COUNT), features)


def test_distillation_keeps_the_features_of_its_anchors(tower):
    anchors = own_anchors(tower)
    moved = {}
    for weight in (0.0, 100.0):
        tune(tower, anchors, weight=weight)
        now = tower.embed(anchors.pictures, COUNT)
        moved[weight] = float(np.square(now - anchors.frozen).sum(axis=1).mean())
        tower.restore()
    assert moved[100.0] < 0.5 * moved[0.0]


def test_a_weight_of_zero_and_pictures_without_anchors_are_plain_fine_tuning(tower):
    plain = tune(tower)
    tower.restore()
    weightless = tune(tower, own_anchors(tower), weight=0.0)
    tower.restore()
    full = own_anchors(tower)
    bare = Anchors(full.pictures, full.frozen, [()] * COUNT)
    without = tune(tower, bare, weight=50.0)
    assert plain.tobytes() == without.tobytes()
    assert np.allclose(plain, weightless, atol=1e-6)


def test_clean_pictures_can_be_their_own_anchors(tower):
    frozen = tower.embed(LEARNED.pictures, COUNT)
    clean = Anchors(None, frozen, [(number,) for number in range(COUNT)])
    moved = []
    for weight in (0.0, 100.0):
        tune(tower, clean, weight=weight)
        moved.append(np.square(tower.embed(LEARNED.pictures, COUNT) - frozen).sum())
        tower.restore()
    assert moved[1] < 0.5 * moved[0]


def test_a_row_does_not_depend_on_how_many_others_are_embedded(tower):
    alone = tower.embed(LEARNED.pictures, 3)
    assert np.array_equal(alone, tower.embed(LEARNED.pictures, COUNT)[:3])


def test_a_rate_that_diverges_is_said(tower):
    with pytest.raises(ModelError, match=r"diverged at step .*lower --learning-rate"):
        tune(tower, rate=1e30)


def test_weights_that_no_longer_embed_are_said_and_never_counted_as_answers(tower):
    tower.trainable()[0].data.fill_(float("nan"))
    with pytest.raises(ModelError, match=r"not finite; lower --learning-rate"):
        tower.embed(LEARNED.pictures, COUNT)


def test_bfloat16_is_near_float32_and_not_equal_to_it(tower, tiny_encoder_folder):
    spec = EncoderSpec(str(tiny_encoder_folder), "tiny")
    narrow = load_tunable_tower(spec, CPU, "bfloat16")
    wide = tower.embed(LEARNED.pictures, COUNT)
    found = narrow.embed(LEARNED.pictures, COUNT)
    assert not np.array_equal(wide, found)
    assert (wide * found).sum(axis=1).min() > 0.999
    assert np.isfinite(tune(narrow, own_anchors(narrow), weight=1.0)).all()


def test_statistics_of_a_residual_network_stay_as_they_were(tiny_encoder_folder, tmp_path):
    import open_clip
    from safetensors.torch import save_file

    folder = tmp_path / "resnet"
    shutil.copytree(tiny_encoder_folder, folder)
    path = folder / "open_clip_config.json"
    config = json.loads(path.read_text())
    config["model_cfg"]["vision_cfg"] = {
        "image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "head_width": 32,
    }  # fmt: skip
    path.write_text(json.dumps(config))
    with seeded_and_quiet(3):
        model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
        tensors = {key: each.contiguous() for key, each in model.state_dict().items()}
        save_file(tensors, folder / "open_clip_model.safetensors")
    tower = load_tunable_tower(EncoderSpec(str(folder), "resnet"), CPU, "float32")
    before = tower.weights()
    tune(tower, epochs=2)
    after = tower.weights()
    statistics = [name for name in before if "running_" in name]
    assert statistics
    assert all(np.array_equal(before[name], after[name]) for name in statistics)
    assert not np.array_equal(before["conv1.weight"], after["conv1.weight"])


def test_an_encoder_without_texts_is_refused(tmp_path):
    from tests.encoder_models import build_tiny_timm

    folder = build_tiny_timm(tmp_path / "timm")
    with pytest.raises(ModelError, match="embeds no text"):
        load_tunable_tower(EncoderSpec(str(folder), "timm"), CPU, "float32")


@given(count=st.integers(1, 40), batch=st.integers(1, 50), seed=st.integers(0, 9), data=st.data())
def test_every_way_sees_the_same_batches_and_every_picture_once_an_epoch(count, batch, seed, data):
    given_anchors = data.draw(
        st.lists(st.lists(st.integers(0, 9), max_size=3), min_size=count, max_size=count)
    )
    anchors = Anchors(None, np.zeros((10, 2), np.float32), given_anchors)
    settings = TuneSettings(2, batch, 1.0, 0.0)
    plain, own = (list(batches(count, each, settings, seed)) for each in (None, anchors))
    assert len(plain) == len(own) == settings.steps(count)
    seen: list[int] = []
    for one, other in zip(plain, own, strict=True):
        assert one.pictures == other.pictures
        assert one.anchors == []
        with_any = [row for row in other.pictures if given_anchors[row]]
        assert len(other.anchors) == len(with_any)
        for row, anchor in zip(with_any, other.anchors, strict=True):
            assert anchor in given_anchors[row]
        seen += one.pictures
    assert sorted(seen) == sorted([*range(count)] * 2)
    assert sorted(seen[:count]) == [*range(count)]


@given(total=st.integers(1, 500))
def test_the_rate_rises_falls_and_is_never_zero(total):
    shares = [rate_share(step, total) for step in range(total)]
    assert all(0 < share <= 1 for share in shares)
    assert math.isclose(max(shares), 1)
    top = shares.index(max(shares))
    assert shares[:top] == sorted(shares[:top])
    assert shares[top:] == sorted(shares[top:], reverse=True)


def test_weights_are_found_again_by_their_run_and_no_other(tower, tmp_path):
    from safetensors.numpy import load_file

    path = tmp_path / "plain.safetensors"
    assert not are_weights_of(path, "a")
    write_weights(path, tower.weights(), head_of(tower), "a")
    assert are_weights_of(path, "a")
    assert not are_weights_of(path, "b")
    tensors = load_file(path)
    assert np.array_equal(tensors["head.weight"], head_of(tower))
    assert {name.partition(".")[0] for name in tensors} == {"visual", "head"}
    path.write_bytes(path.read_bytes()[:100])
    assert not are_weights_of(path, "a")
