"""Parts of the training that must be exact: tokens, whitened latents, near-duplicates."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch  # noqa: TID253 - the code under test is torch's
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.errors import InputError
from isekai_gen.models.spec import starter_folder
from isekai_gen.starter.render.captions import write_caption
from isekai_gen.starter.render.sketch import sample_sketch
from isekai_gen.starter.training import autoencoder
from isekai_gen.starter.training.augment import near_duplicates
from isekai_gen.starter.training.renders import RenderJob, render_set, sample_for_training
from isekai_gen.starter.training.settings import TrainingSettings
from isekai_gen.starter.training.tokens import WordCache

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    return torch.from_numpy(coarse.repeat(16, axis=1).repeat(16, axis=2))


def test_words_are_tokenized_as_the_tokenizer_does():
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(starter_folder("image-generator") / "tokenizer")
    words = WordCache(tokenizer, 32)
    rng = random.Random("words")
    captions = [write_caption(sample_sketch(rng), rng) for _ in range(2_000)]
    whole = tokenizer(captions, padding="max_length", max_length=32).input_ids
    for caption, expected in zip(captions, whole, strict=True):
        assert words.encode(caption).tolist() == expected, caption
    with pytest.raises(ValueError, match="32 fit"):
        words.encode("a crab " * 20)


def test_renders_of_other_settings_are_refused_and_not_used(tmp_path):
    np.save(tmp_path / "train.npy", np.zeros((4, 128, 128, 3), np.uint8))
    np.save(tmp_path / "train-tokens.npy", np.zeros((4, 2, 32), np.int16))
    (tmp_path / "train.done").write_text("4 pictures, 2 captions of 32, seed 0\n")
    job = RenderJob("train", 4, 2, 0, sample_for_training)
    assert render_set(job, tmp_path, None, 32).pictures.shape == (4, 128, 128, 3)
    for other in (replace(job, count=5), replace(job, captions=1), replace(job, seed=1)):
        with pytest.raises(InputError, match="choose another --work folder"):
            render_set(other, tmp_path, None, 32)


@torch.no_grad()
def test_whitening_changes_latents_and_not_pictures(pictures):
    torch.manual_seed(0)
    vae = autoencoder.build_vae(TrainingSettings.tiny()).eval()
    vae.quant_conv.bias.normal_()  # latents that are neither centered nor scaled
    vae.quant_conv.weight.mul_(3)
    images = autoencoder.to_unit_range(pictures)

    def decoded() -> torch.Tensor:
        mean = vae.quant_conv(vae.encoder(images))[:, :4]
        return vae.decoder(vae.post_quant_conv(mean))

    before = decoded()
    old = autoencoder.encode_means(vae, pictures).float()
    whitened = autoencoder.whiten(vae, old).float()
    new = autoencoder.encode_means(vae, pictures).float()
    assert old.mean((0, 2, 3)).abs().max() > 0.1
    for latents in (whitened, new):
        assert latents.mean((0, 2, 3)).abs().max() < 0.01
        assert (latents.std((0, 2, 3)) - 1).abs().max() < 0.01
    assert (decoded() - before).abs().max() < 1e-4


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(1, 4),
    rows=st.integers(1, 6),
    columns=st.integers(1, 6),
    seed=st.integers(0, 2**31),
)
def test_near_duplicates_keep_shape_and_range(count, rows, columns, seed):
    torch.manual_seed(seed)
    images = torch.rand(count, 3, 8 * rows, 8 * columns)
    copies = near_duplicates(images)
    assert copies.shape == images.shape
    assert copies.dtype == torch.float32
    assert copies.min() >= 0
    assert copies.max() <= 1


def test_near_duplicates_are_changed_and_still_alike(pictures):
    torch.manual_seed(0)
    images = pictures.permute(0, 3, 1, 2).float() / 255
    copies = near_duplicates(images)
    assert not torch.equal(copies, images)

    def tone(batch: torch.Tensor) -> torch.Tensor:
        return batch.mean((1, 2, 3))

    # Brightness varies by a quarter, and nothing else moves a picture's mean far.
    assert ((tone(copies) / tone(images) - 1).abs() < 0.35).all()
