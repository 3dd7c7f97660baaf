"""Embeddings made once per prompt give the pictures that the prompts themselves give."""

from __future__ import annotations

import numpy as np
import pytest

from isekai_gen.models.spec import DrawRequest
from tests.models.conftest import BUILDERS, settings

EMBEDDED = sorted({"sd", "sdxl", "sd3", "flux"} & BUILDERS.keys())
GUIDED = sorted({"sd", "sdxl", "sd3"})
REQUESTS = [DrawRequest(0, "an octopus", "", 7), DrawRequest(3, "a mushroom house", "", 8)]


def pixels(generator, requests, **changes):
    return [image.pixels for image in generator.draw(requests, settings(**changes))]


def without_embeddings(generator):
    """The same pipeline, given its prompts as words."""
    from isekai_gen.models.drawing import DiffusersGenerator

    plain = DiffusersGenerator(generator._pipeline, "plain")
    plain._embeddings = None
    return plain


@pytest.mark.parametrize("family", EMBEDDED)
def test_embeddings_draw_what_the_words_draw(family, tiny_generator):
    generator = tiny_generator(family)
    embedded = pixels(generator, REQUESTS)
    for one, other in zip(embedded, pixels(without_embeddings(generator), REQUESTS), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("family", GUIDED)
def test_negative_embeddings_draw_what_negative_words_draw(family, tiny_generator):
    generator = tiny_generator(family)
    negated = [DrawRequest(1, "a snail", "a blue hill", 3)]
    (one,) = pixels(generator, negated, guidance_scale=4.0)
    # Words cannot mix rows with and without a negative prompt in SDXL: its filler rows have none.
    (other,) = pixels(without_embeddings(generator), negated, guidance_scale=4.0)
    assert np.array_equal(one, other)


def test_a_text_at_its_row_is_encoded_once(tiny_generator, monkeypatch):
    generator = tiny_generator("sd")
    pixels(generator, REQUESTS, guidance_scale=4.0)
    encoded = []
    encode = generator._pipeline.encode_prompt

    def count(*given, prompt=None, **arguments):
        # The pipeline itself calls it with nothing but the embeddings it was given.
        encoded.extend([] if prompt is None else [prompt])
        return encode(*given, **({} if prompt is None else {"prompt": prompt}), **arguments)

    monkeypatch.setattr(generator._pipeline, "encode_prompt", count)
    pixels(generator, REQUESTS, guidance_scale=4.0)
    assert encoded == []
    # The generator is shared: a text that no other test gives it.
    pixels(generator, [DrawRequest(0, "a kettle, once", "", 7)], guidance_scale=4.0)
    assert encoded == [["a kettle, once", "", "", ""]]


def test_what_is_kept_is_bounded(tiny_generator, monkeypatch):
    generator = tiny_generator("sd")
    monkeypatch.setattr(generator._embeddings, "_max_bytes", 1)
    before = pixels(generator, REQUESTS, guidance_scale=4.0)
    for number in range(3):
        pixels(generator, [DrawRequest(0, f"a snail {number}", "", 7)])
    kept = generator._embeddings._kept
    assert len(kept) <= 4
    assert generator._embeddings._bytes == sum(
        tensor.numel() * tensor.element_size() for row in kept.values() for tensor in row
    )
    after = pixels(generator, REQUESTS, guidance_scale=4.0)
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
