"""A served model under evaluation: the whole road over HTTP, with a server that really looks."""

from __future__ import annotations

import base64
import hashlib
import itertools
import random
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from isekai_gen.errors import InputError, ModelError
from isekai_gen.evaluation.answer_server import ServerAnswerer
from isekai_gen.evaluation.cache import AnswerCache
from isekai_gen.evaluation.protocols import Question
from isekai_gen.evaluation.run import ask as ask_and_keep
from isekai_gen.manifests.conversation import question_of
from isekai_gen.manifests.conversation_words import EpisodeWords
from isekai_gen.models.chat_requests import ChatLimits
from isekai_gen.records import Episode, NamedImage
from tests.evaluation.chat_server import MODEL, Looker, answered, refused, serving

LIMITS = ChatLimits(max_concurrent=4, max_tries=2, timeout_seconds=60, backoff_seconds=0.01)
COLORS = {"dax": (200, 40, 40), "wug": (40, 60, 200)}
SUFFIXES = (".png", ".jpg", ".webp")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Pictures of two things, told apart by their color, in the formats that servers take."""
    folder = tmp_path_factory.mktemp("pictures")
    noise = np.random.default_rng(0)
    found = {}
    for thing, color in COLORS.items():
        for number in range(6):
            pixels = np.clip(np.array(color) + noise.normal(0, 25, (48, 48, 3)), 0, 255)
            path = folder / f"{thing}-{number}{SUFFIXES[number % 3]}"
            Image.fromarray(pixels.astype(np.uint8)).save(path)
            found[path.name] = path
    return found


@pytest.fixture(scope="module")
def looker():
    return Looker()


def names_of(pictures, thing):
    return [name for name in pictures if name.startswith(thing)]


def make_question(pictures, query, shots, called=None, words=None):
    """A two-way question; `called` says what the things are called in it."""
    called = called or {thing: thing for thing in COLORS}
    support = [
        NamedImage(name, thing, called[thing])
        for thing in COLORS
        for name in [name for name in names_of(pictures, thing) if name != query][:shots]
    ]
    random.Random(query).shuffle(support)
    thing = query.partition("-")[0]
    key = f"{query}/{shots}/{called}"
    asked = NamedImage(query, thing, called[thing])
    episode = Episode(key, tuple(support), asked, tuple(called.values()))
    conversation = question_of(episode, words or EpisodeWords.shipped())
    images = {image: pictures[image] for image in conversation.images}
    return Question(hashlib.sha256(key.encode()).hexdigest(), episode, conversation, images)


def ask(server, questions, limits=LIMITS):
    answerer = ServerAnswerer.open(f"{server.base_url}#{MODEL}", limits)
    return {answer.key: answer for answer in answerer.answers(questions)}


def sentence(label):
    return f'there is "{label}" in the image.'


@pytest.mark.parametrize("layout", ["turns", "one-turn"])
def test_a_model_that_looks_at_the_images_is_right_at_every_shot(
    pictures, looker, layout, tmp_path
):
    file = tmp_path / "words.yaml"
    file.write_text(f"schema: 1\nlayout: {layout}\n")
    words = EpisodeWords.load(file)
    questions = [
        make_question(pictures, query, shots, words=words) for query in pictures for shots in (1, 3)
    ]
    with serving(looker) as server:
        answers = ask(server, questions)
    assert {each.key: answers[each.key].text for each in questions} == {
        each.key: sentence(each.episode.query.label) for each in questions
    }
    assert {(each.prompt_tokens, each.completion_tokens) for each in answers.values()} == {(100, 7)}


def test_the_labels_of_the_examples_decide_not_the_things(pictures, looker):
    query = "dax-0.png"
    swapped = make_question(pictures, query, 2, {"dax": "blicket", "wug": "dax"})
    with serving(looker) as server:
        (answer,) = ask(server, [swapped]).values()
    assert answer.text == sentence("blicket")


def test_without_examples_one_of_the_names_in_the_question_is_chosen(pictures, looker):
    called = {"dax": "red hedgehog", "wug": "blue hedgehog"}
    questions = [make_question(pictures, f"{thing}-0.png", 0, called) for thing in COLORS]
    with serving(looker) as server:
        answers = ask(server, questions)
    assert [answers[each.key].text for each in questions] == [
        sentence("red hedgehog"),
        sentence("blue hedgehog"),
    ]


def test_answers_do_not_depend_on_the_order_of_the_questions(pictures, looker):
    questions = [make_question(pictures, query, 1) for query in pictures]
    with serving(looker) as server:
        forwards = {key: answer.text for key, answer in ask(server, questions).items()}
        backwards = {key: answer.text for key, answer in ask(server, questions[::-1]).items()}
    assert forwards == backwards
    assert set(forwards) == {each.key for each in questions}


def test_image_files_arrive_byte_for_byte(pictures):
    query = "wug-1.jpg"
    with serving(lambda _: answered("x")) as server:
        ask(server, [make_question(pictures, query, 1)])
    (received,) = server.received
    parts = received.body["messages"][-1]["content"]
    (url,) = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    assert url.startswith("data:image/jpeg;base64,")
    assert base64.b64decode(url.partition(",")[2]) == pictures[query].read_bytes()


def test_name_and_identity_tell_model_and_decoding_but_not_the_key(monkeypatch):
    monkeypatch.setenv("ISEKAI_GEN_API_KEY", "sk-very-secret")
    one = ServerAnswerer.open("https://api.example.com/v1/#org/model", ChatLimits())
    assert one.name == "openai:api.example.com#org/model"
    assert "https://api.example.com/v1#org/model" in one.identity
    assert "secret" not in one.name + one.identity
    others = [ChatLimits(max_tokens=9), ChatLimits(seed=None), ChatLimits(temperature=0.5)]
    identities = {
        ServerAnswerer.open("https://api.example.com/v1#org/model", limits).identity
        for limits in others
    }
    assert len(identities | {one.identity}) == 4
    same = ServerAnswerer.open(
        "https://api.example.com/v1#org/model", ChatLimits(max_concurrent=1, timeout_seconds=1)
    )
    assert same.identity == one.identity


def test_tokens_are_summed_up(pictures, caplog):
    caplog.set_level("INFO", "isekai_gen")
    questions = [make_question(pictures, query, 0) for query in list(pictures)[:3]]
    with serving(lambda _: answered("x")) as server:
        answerer = ServerAnswerer.open(f"{server.base_url}#{MODEL}", LIMITS)
        list(answerer.answers(questions))
    totals = answerer.totals
    assert (totals.sent, totals.answered, totals.failed) == (3, 3, 0)
    assert (totals.prompt_tokens, totals.completion_tokens) == (300, 21)
    assert "sent=3, answered=3" in caplog.text


def test_a_run_that_was_stopped_goes_on_where_it_was(pictures, looker, tmp_path):
    questions = [make_question(pictures, query, 1) for query in pictures]
    asked = itertools.count()
    one_by_one = replace(LIMITS, max_concurrent=1)

    def until_the_key_expires(received):
        return looker(received) if next(asked) < 5 else refused(401, "expired")

    with serving(until_the_key_expires) as server:
        answerer = ServerAnswerer.open(f"{server.base_url}#{MODEL}", one_by_one)
        with pytest.raises(ModelError, match="expired"):
            keep_asking(answerer, questions, tmp_path)
        server.answering = looker
        replies = keep_asking(answerer, questions, tmp_path)
        again = keep_asking(answerer, questions, tmp_path)
    assert (replies.cached, replies.asked) == (5, 7)
    assert (again.cached, again.asked) == (12, 0)
    assert len(server.received) == 5 + 1 + 7
    assert {key: answer.text for key, answer in again.answers.items()} == {
        each.key: sentence(each.episode.query.label) for each in questions
    }


def keep_asking(answerer, questions, folder):
    cache = AnswerCache(folder, answerer.name, answerer.identity)
    return ask_and_keep(answerer, questions, cache, lambda *_: None)


def test_an_image_too_large_to_send_is_refused_before_anything_is_asked(pictures):
    questions = [make_question(pictures, query, 0) for query in pictures]
    limits = ChatLimits(max_image_bytes=2_000)
    with (
        serving(lambda _: answered("x")) as server,
        pytest.raises(InputError, match=r"more than the 2000 .* save it smaller"),
    ):
        ask(server, questions, limits)
    assert server.received == []


@pytest.mark.parametrize("content", [b"GIF89a" + b"0" * 50, b"", b"<svg></svg>"])
def test_a_file_that_servers_do_not_take_is_refused(pictures, content, tmp_path):
    odd = tmp_path / "odd.png"
    odd.write_bytes(content)
    question = make_question({**pictures, "dax-odd.png": odd}, "dax-odd.png", 0)
    with (
        serving(lambda _: answered("x")) as server,
        pytest.raises(InputError, match=r"odd\.png: is not PNG, JPEG or WebP"),
    ):
        ask(server, [question])


def test_a_missing_image_is_named(pictures, tmp_path):
    question = make_question({**pictures, "dax-gone.png": tmp_path / "gone"}, "dax-gone.png", 0)
    with (
        serving(lambda _: answered("x")) as server,
        pytest.raises(InputError, match="gone: cannot be read"),
    ):
        ask(server, [question])


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://127.0.0.1:8000/v1", "which model"),
        ("ftp://127.0.0.1/v1#m", "not the address of a server"),
        ("127.0.0.1:8000#m", "not the address of a server"),
        ("http://127.0.0.1:99999/v1#m", "not the address of a server"),
        ("http://host name/v1#m", "not the address of a server"),
        ("http://\u2603.example/v1#m", "not the address of a server"),
        ("http://127.0.0.1/v1/chat/completions#m", "leave /chat/completions out"),
        ("https://host/v1?key=1#m", "has no '\\?'"),
        ("https://me:hush@host/v1#m", "holds a user name or password"),
        ("http://me:hu#sh@host/v1#m", "holds a user name or password"),
        ("http://me:hu/sh@host/v1#m", "holds a user name or password"),
        ("me:hush@host/v1#m", "holds a user name or password"),
    ],
)
def test_an_address_that_is_none_is_told_without_any_password(address, said):
    with pytest.raises(ModelError, match=said) as raised:
        ServerAnswerer.open(address, LIMITS)
    assert "hu" not in str(raised.value)


@pytest.mark.parametrize("model", ["@cf/meta/vision", "vision@20260101", "org/model:free", "a#b"])
def test_models_may_have_odd_names(model):
    answerer = ServerAnswerer.open(f"https://host/accounts/me@home/v1#{model}", LIMITS)
    assert answerer.name == f"openai:host#{model}"


@pytest.mark.slow
def test_the_looking_server_runs_as_a_program(pictures):
    command = [sys.executable, "-m", "tests.evaluation.chat_server", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            address = program.stdout.readline().strip()
            answerer = ServerAnswerer.open(address, LIMITS)
            (answer,) = answerer.answers([make_question(pictures, "wug-0.png", 1)])
        finally:
            program.terminate()
    assert answer.text == sentence("wug")
