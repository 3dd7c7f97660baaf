"""`manifest` with a file of episodes, in a folder that has no images of ours."""

import json

from PIL import Image

from isekai_gen.records import Episode, NamedImage
from isekai_gen.shards import encode_lines
from isekai_gen.stages.instructions import INSTRUCTION_FORMATS
from tests.small_jobs import call


def write_episode(folder):
    for name in ("1.png", "2.png"):
        Image.new("RGB", (8, 8), "red").save(folder / name)
    shown, asked = (NamedImage(name, "fox", "kit fox") for name in ("1.png", "2.png"))
    path = folder / "episodes.jsonl"
    path.write_bytes(encode_lines([Episode("e", (shown,), asked, ("kit fox",)).to_json()]))
    return path


def test_episodes_of_any_images_become_chat_messages_with_the_images_within(tmp_path):
    episodes = write_episode(tmp_path)
    options = ["--episodes", episodes, "--images", tmp_path, "--images-as", "data-url", "--json"]

    told = call("manifest", "-w", tmp_path / "ws", "--format", "openai-chat", *options)

    (report,) = json.loads(told.stdout)
    assert (report["name"], report["rows"], report["shots"]) == ("openai-chat episodes", 1, 1)
    (line,) = (tmp_path / "ws/manifests/openai-chat/episodes.jsonl").read_text().splitlines()
    assert line.count("data:image/png;base64,") == 2


def test_a_fault_in_the_words_is_one_line_with_its_place(tmp_path):
    episodes, words = write_episode(tmp_path), tmp_path / "words.yaml"
    words.write_text("schema: 1\nfinal_question: What?\n")
    options = ["--episodes", episodes, "--images", tmp_path, "--words", words]

    told = call("manifest", "-w", tmp_path / "ws", "--format", "interleaved", *options, expect=2)

    assert f"{words}:2: 'final_question' must have {{image}} exactly once" in told.output


def test_every_instruction_format_is_a_choice_of_the_command():
    told = call("manifest", "--help").output

    assert all(name in told for name in INSTRUCTION_FORMATS)
