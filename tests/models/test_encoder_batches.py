"""Batches are fetched late and in order, and what a GPU gives depends on no company either."""

from __future__ import annotations

import numpy as np
import pytest
import torch  # noqa: TID253 - the code under test is torch's
from PIL import Image

from isekai_gen.errors import ModelError
from isekai_gen.models.encoder_batches import (
    BATCH_ROWS,
    LateVectors,
    joined_vectors,
    new_batch,
    start_batch,
)
from isekai_gen.models.encoders import load_encoder
from isekai_gen.models.spec import Device, EncoderSpec
from tests.encoder_models import build_tiny_timm, build_tiny_torchscript
from tests.models.conftest import CPU


class Noted:
    """A batch that notes when it was started and fetched."""

    def __init__(self, number, events):
        self.number, self.events = number, events
        events.append(f"start {number}")

    def result(self):
        self.events.append(f"fetch {self.number}")
        return np.full((2, 1), self.number, dtype=np.float32)


def test_each_batch_is_fetched_once_the_next_has_been_started():
    events = []
    found = joined_vectors((Noted(number, events) for number in range(3)), dim=1)
    assert events == ["start 0", "start 1", "fetch 0", "start 2", "fetch 1", "fetch 2"]
    assert found.ravel().tolist() == [0, 0, 1, 1, 2, 2]


def test_no_batch_gives_an_empty_table():
    assert LateVectors().all(7).shape == (0, 7)


def test_padding_is_left_out():
    batch = new_batch(torch.device("cpu"), (3,), torch.float32)
    assert len(batch) == BATCH_ROWS["cpu"]
    batch[:] = torch.eye(3)[0]
    found = start_batch(lambda rows: rows * 5, batch, 4, torch.device("cpu"))
    assert found.dim == 3
    assert found.result().tolist() == [[1, 0, 0]] * 4
    assert found.raw().tolist() == [[5, 0, 0]] * 4


@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_unusable_vectors_are_refused_in_either_length(value):
    batch = new_batch(torch.device("cpu"), (3,), torch.float32)
    batch[:] = value
    found = start_batch(lambda rows: rows, batch, 2, torch.device("cpu"))
    for vectors in (found.result, found.raw):
        with pytest.raises(ModelError, match="unusable"):
            vectors()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("kind", ["open_clip", "timm", "torchscript"])
def test_a_gpu_gives_what_the_cpu_gives_in_any_company(tiny_encoder_folder, tmp_path, kind):
    source = {
        "open_clip": lambda: tiny_encoder_folder,
        "timm": lambda: build_tiny_timm(tmp_path / "timm"),
        "torchscript": lambda: build_tiny_torchscript(tmp_path / "program.pt"),
    }[kind]()
    spec = EncoderSpec(str(source), "tiny")
    noise = np.random.default_rng(0).integers(0, 256, (600, 36, 40, 3), dtype=np.uint8)
    images = [Image.fromarray(picture) for picture in noise]
    encoder = load_encoder(spec, Device("cuda:0"))
    assert encoder.batch_rows == BATCH_ROWS["cuda"]
    found = encoder.encode_images(images)
    assert np.abs(found[:40] - load_encoder(spec, CPU).encode_images(images[:40])).max() < 1e-4
    assert np.array_equal(found, encoder.encode_images(images))
    # The bits may depend on the row in the batch, as those of drawn images do.
    assert np.array_equal(found[:3], encoder.encode_images(images[:3]))
