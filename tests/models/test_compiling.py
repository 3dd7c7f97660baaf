"""Faster ways to compute draw the same picture."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from isekai_gen.models.compiling import keep_vae_contiguous
from isekai_gen.models.loading import load_generator
from isekai_gen.models.spec import DrawRequest, GeneratorSpec
from tests.models.conftest import CPU, settings

REQUESTS = [DrawRequest(row, "a mushroom house at night", "", row) for row in range(3)]


def pixels(generator):
    return np.stack([image.pixels for image in generator.draw(REQUESTS, settings())])


def test_one_memory_layout_changes_no_pixel(tiny_folder, tiny_generator):
    generator = load_generator(GeneratorSpec(str(tiny_folder("sd")), "sd"), CPU)
    keep_vae_contiguous(generator._pipeline)
    assert generator._pipeline.vae.decoder.mid_block._forward_hooks
    assert np.array_equal(pixels(generator), pixels(tiny_generator("sd")))


def test_other_decoders_are_left_alone():
    class AutoencoderOther:
        """Stands for a decoder whose middle returns more than one tensor: it has no hook."""

    class Pipeline:
        vae = AutoencoderOther()

    keep_vae_contiguous(Pipeline())


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles for a CPU with g++")
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_compiled_networks_draw_the_same_to_the_eye_and_each_time(tiny_folder, tiny_generator):
    spec = GeneratorSpec(str(tiny_folder("sd")), "sd", compiled=True)
    compiled = load_generator(spec, CPU)
    first = pixels(compiled)
    assert np.array_equal(first, pixels(compiled))
    plain = pixels(tiny_generator("sd"))
    assert np.abs(first.astype(int) - plain).max() <= 2
