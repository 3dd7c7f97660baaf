"""Rows of each format: what they hold."""

import pytest

from isekai_gen.errors import ManifestError
from isekai_gen.manifests.instruction_episodes import episode_samples
from isekai_gen.manifests.instruction_formats import FORMATS, check_instructions
from isekai_gen.manifests.instruction_openai_chat import with_data_urls
from isekai_gen.manifests.instruction_sharegpt import dataset_info
from tests.manifests.instruction_cases import episode, rows_of, samples_of, words

EVERY = [(name, content) for name, made in FORMATS.items() for content in made.row_of]


def row(name, content="episodes", number=1):
    return rows_of(name, content)[number]


def one_shot(name):
    (sample,) = episode_samples(
        [episode(shots=1)],
        words(
            system="Look.",
            demonstration_question="{image} What?",
            final_question="{image} And?",
            demonstration_answer="{label}",
        ),
    )
    return FORMATS[name].row_of["episodes"](sample)


@pytest.mark.parametrize(("name", "content"), EVERY)
def test_every_row_keeps_the_rules_of_its_format(name, content):
    assert list(check_instructions(name, rows_of(name, content))) == []


def test_llava_marks_images_and_says_the_system_words_in_the_first_turn():
    assert one_shot("llava") == {
        "id": "e1",
        "image": ["images/a/0.png", "images/b/0.png", "images/a/9.png"],
        "conversations": [
            {"from": "human", "value": "Look.\n<image>\nWhat?"},
            {"from": "gpt", "value": "a"},
            {"from": "human", "value": "<image>\nWhat?"},
            {"from": "gpt", "value": "b"},
            {"from": "human", "value": "<image>\nAnd?"},
            {"from": "gpt", "value": "a"},
        ],
    }


def test_llava_names_a_single_image_by_its_path():
    made = row("llava", "images", 0)

    assert made["image"].startswith("images/cactihog/")
    assert made["conversations"][0]["value"].startswith("<image>\n")


def test_sharegpt_marks_images_and_lists_them():
    made = one_shot("sharegpt")

    assert [each["role"] for each in made["messages"]][:3] == ["system", "user", "assistant"]
    assert made["messages"][1]["content"] == "<image>\nWhat?"
    assert made["images"] == ["images/a/0.png", "images/b/0.png", "images/a/9.png"]


def test_llama_factory_is_told_of_each_file():
    info = dataset_info(["episodes.json", "images.json"])

    assert {name: each["file_name"] for name, each in info.items()} == {
        "isekai_episodes": "episodes.json",
        "isekai_images": "images.json",
    }


def test_chat_messages_are_lists_of_parts():
    openai, qwen = one_shot("openai-chat"), one_shot("qwen-vl")

    assert openai["messages"][1]["content"] == [
        {"type": "image_url", "image_url": {"url": "images/a/0.png"}},
        {"type": "text", "text": "What?"},
    ]
    assert qwen["messages"][1]["content"] == [
        {"type": "image", "image": "images/a/0.png"},
        {"type": "text", "text": "What?"},
    ]
    assert openai["messages"][0] == {
        "role": "system",
        "content": [{"type": "text", "text": "Look."}],
    }
    assert openai.keys() == {"messages"}


def test_interleaved_has_an_image_or_a_text_at_each_place():
    assert one_shot("interleaved") == {
        "id": "e1",
        "images": [None, "images/a/0.png", None, "images/b/0.png", None, "images/a/9.png", None],
        "texts": ["Look.", None, "What?\na", None, "What?\nb", None, "And?\na"],
    }


def test_a_triplet_holds_instruction_image_and_response():
    made = row("triplets", "images", 1)

    assert made["template"].startswith("naming/")
    assert made["concept"] == "cactihog"
    assert "cactihog" in made["response"]
    assert "cactihog" not in made["instruction"]


def test_a_chain_of_thought_has_its_reasons_apart_as_well():
    made = row("chain-of-thought", "reasons", 0)

    assert made["rationale"] in made["response"]
    assert "cactus pads" in made["rationale"]


def test_an_image_can_be_put_into_the_row(tmp_path):
    (tmp_path / "images/cactihog").mkdir(parents=True)
    sample = samples_of("images")[0]
    (tmp_path / sample.conversation.images[0]).write_bytes(b"RIFF\x04\x00\x00\x00WEBP")

    made = FORMATS["openai-chat"].row_of["images"](with_data_urls(sample, tmp_path))

    url = made["messages"][0]["content"][0]["image_url"]["url"]
    assert url == "data:image/webp;base64,UklGRgQAAABXRUJQ"
    assert FORMATS["openai-chat"].row_faults(made) == []


def test_an_image_that_is_gone_is_told(tmp_path):
    with pytest.raises(ManifestError, match="cannot be read"):
        with_data_urls(samples_of("images")[0], tmp_path)
