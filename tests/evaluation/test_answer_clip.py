"""The baseline with a small real encoder (random weights tell red from blue well enough)."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from isekai_gen.errors import ModelError
from isekai_gen.evaluation.answer_clip import ClipAnswerer, ClipOptions
from isekai_gen.evaluation.conditions import Condition
from isekai_gen.evaluation.image_files import ImageFiles
from isekai_gen.evaluation.metrics import ANSWER
from isekai_gen.evaluation.questions import Asking
from isekai_gen.evaluation.rows import read_evaluation_set
from isekai_gen.manifests.conversation_words import EpisodeWords
from isekai_gen.models.spec import Device
from isekai_gen.stages.embed import encoder_spec
from isekai_gen.stages.reference_names import name_prompts
from tests.encoder_models import build_tiny_torchscript
from tests.evaluation.small_sets import draw_images, isekai_rows, right_label, write_lines

CPU = Device("cpu")


@pytest.fixture
def folder(tmp_path):
    return draw_images(tmp_path / "in")


@pytest.fixture
def opened():
    return []


@pytest.fixture
def options(opened):
    def open_picture(file: Path):
        opened.append(file)
        try:
            with Image.open(file) as image:
                return image.convert("RGB"), ""
        except OSError:
            return None, "of no known format"

    return ClipOptions(encoder_spec, name_prompts, open_picture)


def questions(folder, shots):
    asked = read_evaluation_set(write_lines(folder / "m.json", isekai_rows()))
    asking = Asking(EpisodeWords.shipped(), ImageFiles(folder), 0)
    return [trial.question for trial in asking.trials(asked.rows, Condition(shots))]


def texts(answerer, asked):
    return {answer.key: answer.text for answer in answerer.answers(asked)}


def test_the_label_of_the_nearest_prototype_is_named(folder, options, tiny_encoder):
    asked = questions(folder, 4)
    answerer = ClipAnswerer.open(str(tiny_encoder), options, CPU)
    assert texts(answerer, asked) == {each.key: ANSWER.format(right_label(each)) for each in asked}


def test_each_image_is_opened_once_for_all_shot_counts(folder, options, opened, tiny_encoder):
    answerer = ClipAnswerer.open(str(tiny_encoder), options, CPU)
    for shots in (2, 4):
        texts(answerer, questions(folder, shots))
    assert len(opened) == len(set(opened)) == 6 + 4


def renamed(question, number):
    """The same question with paths and concepts that tell nothing."""
    names = {path: f"x/{number}-{place}.png" for place, path in enumerate(question.images)}

    def blind(shown):
        return replace(shown, image=names[shown.image], concept="x")

    episode = replace(
        question.episode,
        key="x",
        support=tuple(blind(shown) for shown in question.episode.support),
        query=blind(question.episode.query),
    )
    images = {names[path]: file for path, file in question.images.items()}
    return replace(question, episode=episode, images=images)


def test_names_of_files_and_concepts_change_no_answer(folder, options, tiny_encoder):
    asked = questions(folder, 4)
    answerer = ClipAnswerer.open(str(tiny_encoder), options, CPU)
    blind = [renamed(each, number) for number, each in enumerate(asked)]
    assert texts(answerer, asked) == texts(answerer, blind)


def test_without_demonstrations_the_names_are_compared(folder, options, tiny_encoder):
    answerer = ClipAnswerer.open(str(tiny_encoder), options, CPU)
    said = texts(answerer, questions(folder, 0))
    assert set(said.values()) <= {ANSWER.format("dax"), ANSWER.format("wug")}
    assert said == texts(answerer, questions(folder, 0))


def test_of_equal_prototypes_the_first_label_is_named(folder, options, tiny_encoder):
    (question,) = questions(folder, 2)[:1]
    one = question.episode.support[0]
    same = tuple(replace(one, label=label) for label in ("wug", "dax"))
    tied = replace(question, episode=replace(question.episode, support=same))
    answerer = ClipAnswerer.open(str(tiny_encoder), options, CPU)
    assert list(texts(answerer, [tied]).values()) == [ANSWER.format("dax")]


def test_a_label_without_demonstrations_is_never_nearest(folder, options, tiny_encoder):
    asked = questions(folder, 2)
    one_sided = [
        replace(
            each,
            episode=replace(
                each.episode,
                support=tuple(shown for shown in each.episode.support if shown.label == "wug"),
            ),
        )
        for each in asked
    ]
    answerer = ClipAnswerer.open(str(tiny_encoder), options, CPU)
    assert set(texts(answerer, one_sided).values()) == {ANSWER.format("wug")}


def test_an_unreadable_image_fails_its_questions_only(folder, options, tiny_encoder):
    (folder / "dax/0.png").write_bytes(b"no picture")
    asked = questions(folder, 4)
    answers = list(ClipAnswerer.open(str(tiny_encoder), options, CPU).answers(asked))
    failures = [answer.failure for answer in answers]
    assert failures[0] == "unreadable image: dax/0.png: of no known format"
    assert not any(failures[1:])


def test_an_encoder_of_pictures_only_needs_demonstrations(tmp_path, folder, options):
    encoder = build_tiny_torchscript(tmp_path / "copies.pt")
    answerer = ClipAnswerer.open(str(encoder), options, CPU)
    assert len(texts(answerer, questions(folder, 2))) == 6
    with pytest.raises(ModelError, match="leave 0 out of --shots"):
        texts(answerer, questions(folder, 0))


def test_the_identity_follows_the_encoder(tmp_path, options, tiny_encoder):
    first = build_tiny_torchscript(tmp_path / "a.pt", seed=0)
    second = build_tiny_torchscript(tmp_path / "b.pt", seed=1)
    opened = [ClipAnswerer.open(str(each), options, CPU) for each in (tiny_encoder, first, second)]
    assert len({each.identity for each in opened}) == 3
    assert opened[1].name == "clip:a"
    with pytest.raises(ModelError):
        ClipAnswerer.open(str(tmp_path / "none.pt"), options, CPU)
