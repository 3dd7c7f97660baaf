"""Encoders: unit vectors that do not depend on company, and never random weights."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

from isekai_gen.errors import ModelError
from isekai_gen.models.encoder_batches import BATCH_ROWS
from isekai_gen.models.encoders import identify_encoder, load_encoder
from isekai_gen.models.spec import EncoderSpec
from tests.models.conftest import CPU, one_line

ROWS = BATCH_ROWS["cpu"]
WEIGHTS = "open_clip_model.safetensors"


@pytest.fixture(scope="module")
def encoder(tiny_encoder_folder):
    return load_encoder(EncoderSpec(str(tiny_encoder_folder), "tiny"), CPU)


@pytest.fixture
def copy(tiny_encoder_folder, tmp_path):
    return shutil.copytree(tiny_encoder_folder, tmp_path / "copy")


def noise(count: int) -> list[Image.Image]:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (count, 40, 48, 3), dtype=np.uint8)
    return [Image.fromarray(picture) for picture in pixels]


def refusal(source) -> str:
    with pytest.raises(ModelError) as error:
        load_encoder(EncoderSpec(str(source), "broken"), CPU)
    return one_line(error)


@pytest.mark.parametrize("count", [1, ROWS, ROWS + 1])
def test_embeddings_are_unit_vectors_in_order(encoder, count):
    images = noise(count)
    vectors = encoder.encode_images(images)
    assert vectors.shape == (count, encoder.dim)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert np.array_equal(vectors[-1:], encoder.encode_images(images[-1:]))


def test_an_image_embeds_alike_in_any_company(encoder):
    images = noise(40)
    together = encoder.encode_images(images)
    backwards = encoder.encode_images(images[::-1])
    alone = np.concatenate([encoder.encode_images([image]) for image in images[:4]])
    assert np.array_equal(together, backwards[::-1])
    assert np.array_equal(together[:4], alone)


def test_a_text_embeds_alike_in_any_company(encoder):
    texts = [f"a red snail {number}" for number in range(35)]
    together = encoder.encode_texts(texts)
    assert np.array_equal(together[34:], encoder.encode_texts(texts[34:]))
    assert not np.array_equal(together[0], together[1])


def test_nothing_embeds_to_an_empty_table(encoder):
    assert encoder.encode_images([]).shape == (0, encoder.dim)
    assert encoder.encode_texts([]).shape == (0, encoder.dim)


def test_gray_and_transparent_pictures_are_read_as_rgb(encoder):
    gray = Image.new("L", (20, 20), 90)
    rgb = gray.convert("RGB")
    vectors = encoder.encode_images([gray, rgb, rgb.convert("RGBA")])
    assert np.array_equal(vectors[0], vectors[1])
    assert np.array_equal(vectors[0], vectors[2])


def test_the_digest_is_that_of_the_files(encoder, tiny_encoder_folder, copy):
    assert encoder.digest == identify_encoder(EncoderSpec(str(tiny_encoder_folder), "any"))
    assert encoder.digest == identify_encoder(EncoderSpec(str(copy), "other"))
    tensors = load_file(copy / WEIGHTS)
    tensors["logit_scale"] = tensors["logit_scale"] + 1
    save_file(tensors, copy / WEIGHTS)
    assert encoder.digest != identify_encoder(EncoderSpec(str(copy), "other"))


@pytest.mark.parametrize("name", ["open_clip_config.json", "tokenizer.json"])
def test_configuration_and_tokenizer_are_part_of_the_digest(encoder, copy, name):
    (copy / name).write_text((copy / name).read_text() + "\n")
    assert encoder.digest != identify_encoder(EncoderSpec(str(copy), "other"))


def test_missing_weights_are_never_replaced_by_random_ones(copy):
    (copy / WEIGHTS).unlink()
    assert "no open_clip_model.safetensors" in refusal(copy)


@pytest.mark.parametrize("suffix", [".bin", ".pt", ".pth"])
def test_pickled_weights_are_refused(copy, suffix):
    (copy / WEIGHTS).rename(copy / f"open_clip_pytorch_model{suffix}")
    assert "never loaded" in refusal(copy)


def test_truncated_weights_are_refused(copy):
    (copy / WEIGHTS).write_bytes((copy / WEIGHTS).read_bytes()[:-10])
    assert "weights cannot be read" in refusal(copy)


def test_weights_that_lack_a_parameter_are_refused(copy):
    tensors = load_file(copy / WEIGHTS)
    del tensors["visual.proj"]
    save_file(tensors, copy / WEIGHTS)
    assert "cannot load this encoder" in refusal(copy)


def test_an_embedding_that_is_no_number_is_refused(copy):
    tensors = load_file(copy / WEIGHTS)
    tensors["visual.proj"] = tensors["visual.proj"] * float("nan")
    save_file(tensors, copy / WEIGHTS)
    broken = load_encoder(EncoderSpec(str(copy), "broken"), CPU)
    with pytest.raises(ModelError, match="not finite"):
        broken.encode_images(noise(1))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("open_clip_config.json", "{", "not readable as JSON"),
        ("open_clip_config.json", "{}", "no model_cfg"),
        ("open_clip_config.json", None, "no open_clip_config.json"),
        ("tokenizer.json", None, "no tokenizer.json"),
    ],
)
def test_a_broken_folder(copy, name, content, expected):
    if content is None:
        for path in copy.glob(name.replace(".json", "*")):
            path.unlink()
    else:
        (copy / name).write_text(content)
    assert expected in refusal(copy)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("ViT-B-33/openai", "did you mean ViT-B-32"),
        ("ViT-B-32/laion2b_s34b", "did you mean laion2b_s34b_b79k"),
        ("ViT-B-32", "has no weights tagged ''"),
        ("./no/such/folder", "no such file or folder"),
        ("~nobody-9/folder", "no such file or folder"),
    ],
)
def test_an_unknown_name(encoder, source, expected):
    assert expected in refusal(source)


def test_a_known_name_that_is_not_cached_offline(encoder, hub_cache):
    line = refusal("ViT-B-32/laion2b_s34b_b79k")
    assert str(hub_cache) in line
    assert "hf download laion/CLIP-ViT-B-32-laion2B-s34B-b79K" in line


def test_a_single_file_is_not_an_encoder(copy):
    assert "names no architecture" in refusal(copy / WEIGHTS)


@pytest.mark.slow
def test_a_registry_name_loads_from_the_cache_with_its_own_preprocessing(hub_cache, tmp_path):
    import open_clip
    import torch

    repo = "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
    snapshot = hub_cache / ("models--" + repo.replace("/", "--")) / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("0" * 40)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = open_clip.create_model("ViT-B-32")
    save_file(dict(model.state_dict()), snapshot / WEIGHTS)
    loaded = load_encoder(EncoderSpec("ViT-B-32/laion2b_s34b_b79k", "b32"), CPU)
    assert loaded.dim == 512
    with torch.no_grad():
        expected = model.eval().encode_text(open_clip.get_tokenizer("ViT-B-32")(["a snail"]))
    similarity = loaded.encode_texts(["a snail"])[0] @ (expected[0] / expected[0].norm()).numpy()
    assert similarity > 0.9999


def test_an_unreachable_hub_is_one_line_after_one_try(monkeypatch, tmp_path):
    """The Hub client alone would try each candidate file six times, for half a minute."""
    tries = []

    def refuse(self, repo, *, revision, timeout):
        tries.append(repo)
        raise ConnectionError("no route to the Hub")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", refuse)
    with pytest.raises(ModelError, match="check the connection, or pass a local path") as raised:
        identify_encoder(EncoderSpec("ViT-B-32/laion2b_s34b_b79k", "x"))
    assert tries == ["laion/CLIP-ViT-B-32-laion2B-s34B-b79K"]
    assert "\n" not in str(raised.value)
