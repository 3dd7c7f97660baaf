"""Pictures resized on the encoder's device are those that Pillow would have handed over."""

from __future__ import annotations

import numpy as np
import pytest
import torch  # noqa: TID253 - the code under test is torch's
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import CenterCrop, InterpolationMode, Resize

from isekai_gen.models.encoder_files import find_encoder_files
from isekai_gen.models.encoder_loaders import load_network
from isekai_gen.models.encoder_pictures import Preparation
from isekai_gen.models.encoder_resize_device import DeviceResizing, can_resize_on_device
from isekai_gen.models.encoders import PictureEncoder, load_encoder
from isekai_gen.models.profile import make_deterministic
from isekai_gen.models.spec import Device, EncoderSpec
from isekai_gen.pixels import rgb_pixels
from tests.models.conftest import CPU

CPU_DEVICE = torch.device("cpu")
BILINEAR, BICUBIC = InterpolationMode.BILINEAR, InterpolationMode.BICUBIC
WAYS = {
    "shortest": ((Resize(32, BICUBIC), CenterCrop(32)), 32),
    "with a margin": ((Resize(40, BILINEAR), CenterCrop((32, 32))), 32),
    "squash": ((Resize((32, 32), BILINEAR),), 32),
}


def picture(height, width, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def prepared_as(steps):
    return Preparation(steps, (0.5,) * 3, (0.25,) * 3)


def resizing_of(steps, side, device=CPU_DEVICE):
    return DeviceResizing(prepared_as(steps), device, (side, side, 3))


def handed_over(resizing, preparation, images):
    """What threads would hand over for a batch."""
    return [
        rgb_pixels(image) if resizing.takes(image) else preparation.resized(image)
        for image in images
    ]


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(sorted(WAYS)),
    st.lists(
        st.sampled_from([(32, 32), (50, 70), (70, 50), (33, 31), (9, 12), (40, 40), (90, 60)]),
        min_size=1,
        max_size=7,
    ),
    st.integers(0, 2),
)
def test_a_batch_of_mixed_sizes_has_the_bits_of_pillow(way, sizes, padding):
    steps, side = WAYS[way]
    preparation, resizing = prepared_as(steps), resizing_of(steps, side)
    images = [picture(*size, seed) for seed, size in enumerate(sizes)]
    expected = [preparation.resized(image) for image in images]
    expected += expected[:1] * padding
    pictures = handed_over(resizing, preparation, images)
    found = resizing.batch(pictures, len(images) + padding)
    assert np.array_equal(found.numpy(), np.stack(expected))


def test_a_picture_of_the_prepared_shape_is_never_taken_for_a_prepared_one():
    steps, side = WAYS["with a margin"]
    resizing = resizing_of(steps, side)
    assert not resizing.takes(picture(32, 32))
    assert resizing.takes(picture(33, 32))


def test_large_and_long_pictures_are_left_to_pillow():
    resizing = resizing_of(*WAYS["squash"])
    assert resizing.takes(Image.new("RGB", (1024, 1024)))
    assert not resizing.takes(Image.new("RGB", (1024, 1025)))
    assert not resizing.takes(Image.new("RGB", (4097, 1)))


def test_only_so_many_sizes_are_resized_by_the_batch():
    resizing = resizing_of(*WAYS["squash"])
    taken = [resizing.takes(picture(40, 40 + extra)) for extra in range(20)]
    assert taken == [True] * 16 + [False] * 4
    assert resizing.takes(picture(40, 40))


@pytest.mark.parametrize(
    ("steps", "possible"),
    [
        ((Resize(32, BICUBIC), CenterCrop(32)), True),
        ((Resize(32, InterpolationMode.NEAREST), CenterCrop(32)), False),
        ((CenterCrop(32),), False),
        ((Resize(32, BICUBIC), lambda image: image), False),
        ((), False),
    ],
)
def test_only_known_steps_are_done_on_the_device(steps, possible):
    assert can_resize_on_device(prepared_as(steps)) is possible


def test_steps_that_give_other_bits_are_left_to_pillow():
    # Pads what is too small: no resizing gives these bits.
    steps = (Resize(24, BICUBIC), CenterCrop(32))
    assert not resizing_of(steps, 32).takes(picture(50, 50))


def test_an_encoder_gives_the_same_embeddings_either_way(tiny_encoder_folder):
    spec = EncoderSpec(str(tiny_encoder_folder), "tiny")
    by_pillow = load_encoder(spec, CPU)
    make_deterministic(CPU)
    network = load_network(find_encoder_files(spec), CPU_DEVICE)
    by_device = PictureEncoder(network, CPU_DEVICE, by_pillow.digest, resize_on_device=True)
    images = [picture(50 + seed % 3, 64, seed) for seed in range(37)]
    assert by_device.prepare(images[0]).shape == (50, 64, 3)
    own = rgb_pixels(images[0])
    assert by_device.prepare(images[0], own) is own
    assert np.array_equal(by_device.encode_images(images), by_pillow.encode_images(images))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_resizes_to_the_bits_of_pillow():
    steps = (Resize(224, BICUBIC), CenterCrop(224))
    preparation = prepared_as(steps)
    resizing = resizing_of(steps, 224, torch.device("cuda:0"))
    sizes = [(512, 512)] * 90 + [(768, 512), (100, 130)] * 3 + [(512, 512)] * 4
    images = [picture(*size, seed) for seed, size in enumerate(sizes)]
    pictures = handed_over(resizing, preparation, images)
    assert pictures[0].shape == (512, 512, 3)
    found = resizing.batch(pictures, 110).cpu().numpy()
    expected = np.stack([preparation.resized(image) for image in images])
    assert np.array_equal(found[:100], expected)
    assert np.array_equal(found[100:], np.stack([expected[0]] * 10))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_an_encoder_on_a_gpu_takes_whole_pictures(tiny_encoder_folder):
    encoder = load_encoder(EncoderSpec(str(tiny_encoder_folder), "tiny"), Device("cuda:0"))
    images = [picture(50, 64, seed) for seed in range(3)]
    assert encoder.prepare(images[0]).shape == (50, 64, 3)
    small = [prepared_by_pillow(tiny_encoder_folder, image) for image in images]
    assert np.array_equal(encoder.encode_images(images), encoder.encode_prepared(small))


def prepared_by_pillow(folder, image):
    return load_encoder(EncoderSpec(str(folder), "tiny"), CPU).prepare(image)
