"""A transformers model under evaluation, from a folder to answers."""

from __future__ import annotations

import pytest
from PIL import Image

from isekai_gen.errors import ModelError
from isekai_gen.evaluation.answer_transformers import TransformersAnswerer
from isekai_gen.evaluation.protocols import Question
from isekai_gen.manifests.conversation import question_of
from isekai_gen.manifests.conversation_words import EpisodeWords
from isekai_gen.models.spec import Device
from isekai_gen.records import Episode, NamedImage
from tests.models.tiny_vision_language import build_tiny_llava

CPU = Device("cpu")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return build_tiny_llava(tmp_path_factory.mktemp("models") / "tiny-llava")


@pytest.fixture
def questions(tmp_path):
    paths = {}
    for number, color in enumerate(["red", "blue", "green", "white"]):
        paths[f"{color}.png"] = tmp_path / f"{number}.png"
        Image.new("RGB", (48, 32), color).save(paths[f"{color}.png"])
    support = (NamedImage("red.png", "r", "dax"), NamedImage("blue.png", "b", "wug"))
    words = EpisodeWords.shipped()
    found = []
    for key, query, shown in [("1", "green.png", support), ("2", "white.png", ())]:
        episode = Episode(key, shown, NamedImage(query, "q", "dax"), ("dax", "wug"))
        found.append(Question(key * 64, episode, question_of(episode, words), paths))
    return found


def test_every_question_gets_its_answer(model, questions):
    answerer = TransformersAnswerer.open(str(model), CPU, 4, 6)
    answers = {answer.key: answer for answer in answerer.answers(questions)}
    assert set(answers) == {each.key for each in questions}
    for answer in answers.values():
        assert bool(answer.text) != bool(answer.failure)
        assert answer.prompt_tokens > 50
        assert answer.seconds > 0
    again = TransformersAnswerer.open(str(model), CPU, 1, 6).answers(questions)
    assert {answer.key: answer.text for answer in again} == {
        key: answer.text for key, answer in answers.items()
    }


def test_name_and_identity_tell_the_model_and_not_the_batch(model):
    answerer = TransformersAnswerer.open(str(model), CPU, 4, 6)
    assert answerer.name == "hf:tiny-llava"
    assert answerer.identity.startswith("hf:")
    assert answerer.identity == TransformersAnswerer.open(str(model), CPU, 1, 6).identity
    assert answerer.identity != TransformersAnswerer.open(str(model), CPU, 4, 7).identity


def test_a_model_is_not_loaded_before_it_is_asked(tmp_path):
    """What is wrong with its processor comes out with the first question; a re-run asks none."""
    model = build_tiny_llava(tmp_path / "wordless", template=None)
    answerer = TransformersAnswerer.open(str(model), CPU, 4, 6)
    assert answerer.name == "hf:wordless"
    with pytest.raises(ModelError, match="has no chat template"):
        list(answerer.answers([]))


def test_a_model_that_is_not_there_is_told_when_it_is_opened(tmp_path):
    with pytest.raises(ModelError, match="no such folder"):
        TransformersAnswerer.open(str(tmp_path / "gone"), CPU, 4, 6)
