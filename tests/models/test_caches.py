"""Step caches: offered where they work, and never where images would change each other."""

from __future__ import annotations

import numpy as np
import pytest

from isekai_gen.errors import ModelError
from isekai_gen.models.caches import CACHES
from isekai_gen.models.identity import identify_generator
from isekai_gen.models.loading import load_generator
from isekai_gen.models.spec import DrawRequest, GeneratorSpec
from tests.models.conftest import CPU, one_line, settings

STEPS = 12


def pixels_of(generator, neighbor="a snail"):
    requests = [DrawRequest(0, "a red hedgehog", "", 1), DrawRequest(1, neighbor, "", 2)]
    return generator.draw(requests, settings(2, num_inference_steps=STEPS))[0].pixels


def refusal(folder, cache, **changes) -> str:
    with pytest.raises(ModelError) as error:
        identify_generator(GeneratorSpec(str(folder), "tiny", cache=cache, **changes))
    return one_line(error)


def test_a_cached_transformer_draws_reproducibly_whatever_the_neighbors(tiny_folder):
    spec = GeneratorSpec(str(tiny_folder("flux")), "flux", cache="taylorseer")
    identify_generator(spec)
    generator = load_generator(spec, CPU)
    first = pixels_of(generator)
    assert np.array_equal(pixels_of(generator), first)
    assert np.array_equal(pixels_of(generator, "blue sky at night"), first)
    assert np.array_equal(pixels_of(load_generator(spec, CPU)), first)


def test_a_cached_transformer_computes_fewer_steps(tiny_folder):
    def computed_steps(cache) -> int:
        spec = GeneratorSpec(str(tiny_folder("flux")), "flux", cache=cache)
        generator = load_generator(spec, CPU)
        queries = generator._pipeline.transformer.transformer_blocks[0].attn.to_q
        computed = []
        queries.register_forward_hook(lambda *_: computed.append(1))
        pixels_of(generator)
        return len(computed)

    assert computed_steps(None) == STEPS
    assert computed_steps("taylorseer") < STEPS


@pytest.mark.parametrize("cache", CACHES)
def test_every_offered_cache_is_one_that_diffusers_enables(cache, tiny_folder):
    spec = GeneratorSpec(str(tiny_folder("flux")), "flux", cache=cache, reproducible=False)
    identify_generator(spec)
    transformer = load_generator(spec, CPU)._pipeline.transformer
    assert type(transformer._cache_config).__name__ == CACHES[cache]


def test_a_cache_that_couples_the_batch_is_refused_by_name(tiny_folder):
    line = refusal(tiny_folder("flux"), "first-block")
    assert "--cache 'first-block'" in line
    assert "--not-reproducible" in line


@pytest.mark.parametrize("family", ["sd", "sd3"])
def test_a_model_without_step_caches_is_refused(family, tiny_folder):
    assert "needs a transformer with step caches" in refusal(tiny_folder(family), "taylorseer")


@pytest.mark.parametrize(
    ("cache", "said"),
    [
        ("taylor", "did you mean 'taylorseer'? known: taylorseer, first-block"),
        ("sea", "has no effect in the pipelines of diffusers"),
        ("text-kv", "has no effect in the pipelines of diffusers"),
    ],
)
def test_a_cache_that_is_not_offered_is_refused(cache, said, tiny_folder):
    assert said in refusal(tiny_folder("flux"), cache)
