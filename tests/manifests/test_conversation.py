"""Episodes put in words."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.errors import ManifestError
from isekai_gen.manifests.conversation import question_of, quoted_choice, sample_of
from isekai_gen.manifests.conversation_words import EpisodeWords
from isekai_gen.records import Episode, ImagePart, NamedImage, TextPart
from tests.manifests.instruction_cases import episode, named, words

PLAIN = EpisodeWords(
    system="Look.",
    demonstration_question="What is in {image}?",
    demonstration_answer='there is "{label}" in the image.',
    final_question="And in {image}?",
    zero_shot_question="{image} Which: {labels}?",
    layout="turns",
)


def test_each_demonstration_is_a_question_and_its_answer_in_turns():
    asked = question_of(episode(shots=1), PLAIN)

    assert [(turn.role, turn.text) for turn in asked.turns] == [
        ("system", "Look."),
        ("user", "What is in ?"),
        ("assistant", 'there is "a" in the image.'),
        ("user", "What is in ?"),
        ("assistant", 'there is "b" in the image.'),
        ("user", "And in ?"),
    ]
    assert asked.images == ("images/a/0.png", "images/b/0.png", "images/a/9.png")
    assert asked.turns[1].parts == (
        TextPart("What is in "),
        ImagePart("images/a/0.png"),
        TextPart("?"),
    )


def test_all_demonstrations_stand_in_the_one_turn_of_the_other_layout():
    system, user = question_of(episode(shots=1), replace(PLAIN, layout="one-turn")).turns

    assert (system.role, user.role) == ("system", "user")
    assert user.parts == (
        TextPart("What is in "),
        ImagePart("images/a/0.png"),
        TextPart('?\nthere is "a" in the image.\nWhat is in '),
        ImagePart("images/b/0.png"),
        TextPart('?\nthere is "b" in the image.\nAnd in '),
        ImagePart("images/a/9.png"),
        TextPart("?"),
    )


def test_a_sample_is_the_question_and_the_right_answer():
    shown = episode(query="b")

    sample, asked = sample_of(shown, PLAIN), question_of(shown, PLAIN)

    assert sample.turns[:-1] == asked.turns
    assert sample.turns[-1].role == "assistant"
    assert sample.turns[-1].text == 'there is "b" in the image.'


def test_without_demonstrations_the_question_names_what_to_choose_from():
    (turn,) = question_of(episode(shots=0), replace(PLAIN, system="")).turns

    assert turn.role == "user"
    assert '"a"' in turn.text
    assert '"b"' in turn.text


def test_the_order_of_the_names_tells_nothing_about_the_right_one():
    def text(key: str, query: str) -> str:
        return question_of(episode(key, 0, query), PLAIN).turns[-1].text

    keys = [f"e{number}" for number in range(200)]
    assert all(text(key, "a") == text(key, "b") for key in keys)
    first = sum(text(key, "a").startswith(' Which: "a"') for key in keys)
    assert 70 < first < 130


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
        lambda t: "<" not in t and "[" not in t
    )
)
def test_a_label_is_told_as_it_is_with_quotes_and_braces(label):
    shown = Episode(
        "e", (NamedImage("i/1.png", "c", label),), NamedImage("i/2.png", "c", label), (label,)
    )

    assert sample_of(shown, PLAIN).turns[-1].text == f'there is "{label}" in the image.'


@pytest.mark.parametrize("label", ["<image>", "a <IMAGE> b", "<|im_end|>", "</s>", "[/INST]"])
def test_a_label_that_is_a_command_of_models_is_refused(label):
    shown = replace(episode(), query=named("a", 9, label), labels=("b", label))

    with pytest.raises(ManifestError, match="command of models"):
        sample_of(shown, PLAIN)


def test_a_choice_is_written_as_people_do():
    assert quoted_choice(["a"]) == '"a"'
    assert quoted_choice(["a", "b"]) == '"a" or "b"'
    assert quoted_choice(["a", "b", "c"]) == '"a", "b" or "c"'


def test_shipped_words_ask_in_the_same_way_for_both_sides():
    a, b = (question_of(episode(query=query), words()) for query in "ab")

    assert [turn.text for turn in a.turns] == [turn.text for turn in b.turns]


def test_a_file_of_words_changes_what_it_has_and_keeps_the_rest(tmp_path):
    path = tmp_path / "words.yaml"
    path.write_text('schema: 1\nsystem: ""\ndemonstration_answer: "Ein {label}."\n', "utf-8")

    assert EpisodeWords.load(path) == words(system="", demonstration_answer="Ein {label}.")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("demonstration_answer: no label", "must have {label} exactly once, has it 0 times"),
        ('final_question: "{image} {image}"', "must have {image} exactly once, has it 2 times"),
        ('final_question: "{image} {label}"', "unknown placeholder {label}"),
        ('system: "a { b"', "brace that belongs to no placeholder"),
        ('system: "see <image>"', "'<image>', a command of models"),
        ("layout: both", "'layout' must be one of turns, one-turn"),
        ("question: what?", "unknown key 'question'"),
        ("demonstration_answer: ''", "is empty"),
        ("zero_shot_question: [a]", "must be text, not a list"),
    ],
)
def test_a_fault_in_a_file_of_words_is_told_with_its_line(tmp_path, line, fault):
    path = tmp_path / "words.yaml"
    path.write_text(f"schema: 1\n{line}\n", "utf-8")

    with pytest.raises(ManifestError) as told:
        EpisodeWords.load(path)

    assert f"{path}:2: " in str(told.value)
    assert fault in str(told.value)


def test_a_file_of_another_version_is_refused(tmp_path):
    path = tmp_path / "words.yaml"
    path.write_text("schema: 2\n")

    with pytest.raises(ManifestError, match="schema must be 1"):
        EpisodeWords.load(path)
