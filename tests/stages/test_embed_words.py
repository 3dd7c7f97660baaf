"""Prompts of many images are embedded once, and each image gets its own prompt's similarity."""

import numpy as np
import pytest
from PIL import Image

from isekai_gen.models.encoders import load_text_encoder
from isekai_gen.models.spec import Device, EncoderSpec
from isekai_gen.neighbors.similarity import pair_similarities
from isekai_gen.stages.embed_words import ConceptWords, concept_rows, prompt_similarities


class Counting:
    """A text encoder that notes what it is asked."""

    def __init__(self, encoder):
        self.encoder, self.asked = encoder, []

    def encode_texts(self, texts):
        self.asked += texts
        return self.encoder.encode_texts(texts)


@pytest.fixture
def encoder(tiny_encoder):
    return load_text_encoder(EncoderSpec(str(tiny_encoder), "tiny"), Device("cpu"))


def test_a_repeated_prompt_is_embedded_once_with_the_same_result(encoder):
    prompts = ["a snail", "a red hedgehog", "a snail", "a house", "a snail"]
    noise = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    vectors = encoder.encode_images([Image.fromarray(picture) for picture in noise])
    counting = Counting(encoder)
    found = prompt_similarities(vectors, prompts, counting)
    assert counting.asked == ["a snail", "a red hedgehog", "a house"]
    assert np.array_equal(found, pair_similarities(vectors, encoder.encode_texts(prompts)))


def test_no_image_has_no_similarity(encoder):
    assert prompt_similarities(np.zeros((0, encoder.dim), np.float32), [], encoder).shape == (0,)


def test_concepts_and_names_get_a_unit_row_each(encoder, tiny_encoder):
    words = ConceptWords({"fox": ["a fox", "a red fox"], "ufo": ["a saucer"]}, {"ufo": "Ufo"})
    rows, vectors = concept_rows(words, EncoderSpec(str(tiny_encoder), "tiny"), encoder)
    assert rows == ["fox", "ufo", "name/ufo"]
    mean = encoder.encode_texts(["a fox", "a red fox"]).astype(np.float64).mean(axis=0)
    assert np.allclose(vectors[0], mean / np.linalg.norm(mean), atol=1e-6)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
