"""Pictures prepared by the batch get the very bits that torchvision gives them one by one."""

from __future__ import annotations

import numpy as np
import pytest
import torch  # noqa: TID253 - the code under test is torch's
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from torchvision import transforms

from isekai_gen.embeddings import normalized
from isekai_gen.errors import ModelError
from isekai_gen.models.encoder_batches import BATCH_ROWS
from isekai_gen.models.encoder_pictures import Preparation, preparation_of
from isekai_gen.models.encoders import load_encoder
from isekai_gen.models.spec import EncoderSpec
from tests.models.conftest import CPU, one_line

CPU_DEVICE = torch.device("cpu")
channels = st.tuples(*[st.floats(0.0078125, 1)] * 3)


@given(arrays.arrays(np.uint8, (3, 7, 5, 3)), channels, channels)
def test_normalizing_a_batch_gives_the_bits_of_one_by_one(pictures, mean, std):
    one_by_one = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])
    expected = torch.stack([one_by_one(Image.fromarray(picture)) for picture in pictures])
    found = Preparation((), mean, std).normalizer(CPU_DEVICE)(torch.from_numpy(pictures))
    assert found.is_contiguous()
    assert torch.equal(found, expected)


def test_every_value_of_a_pixel_gets_the_same_bits():
    mean, std = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    values = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    one_by_one = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])
    found = Preparation((), mean, std).normalizer(CPU_DEVICE)(torch.from_numpy(values))
    assert torch.equal(found[0], one_by_one(Image.fromarray(values[0])))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
@pytest.mark.parametrize("count", [1, 3])
def test_an_open_clip_model_gives_the_bits_of_its_own_transform(tiny_encoder_folder, mode, count):
    import open_clip

    random = np.random.default_rng(7)
    pixels = random.integers(0, 256, (count, 45, 61, 3), dtype=np.uint8)
    images = [Image.fromarray(picture).convert(mode) for picture in pixels]
    model, transform = open_clip.create_model_from_pretrained(f"local-dir:{tiny_encoder_folder}")
    stacked = torch.stack([transform(image.convert("RGB")) for image in images])
    padding = stacked[:1].expand(BATCH_ROWS["cpu"] - count, -1, -1, -1)
    encoder = load_encoder(EncoderSpec(str(tiny_encoder_folder), "tiny"), CPU)
    with torch.inference_mode():
        expected = model.eval().encode_image(torch.cat([stacked, padding])).numpy()[:count]
    assert np.array_equal(encoder.encode_images(images), normalized(expected))
    prepared = [encoder.prepare(image) for image in images]
    assert np.array_equal(encoder.encode_prepared(prepared), normalized(expected))
    assert np.array_equal(encoder.start(prepared).result(), normalized(expected))


def test_a_transform_that_ends_otherwise_is_refused():
    odd = transforms.Compose([transforms.Resize(8), transforms.ToTensor()])
    with pytest.raises(ModelError) as error:
        preparation_of(odd, "some-model")
    assert "some-model: prepares pictures in a way that is not supported" in one_line(error)
