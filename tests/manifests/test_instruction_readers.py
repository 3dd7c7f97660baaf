"""Instruction data as others read it: `datasets`, and the chat templates of two model families."""

import base64
import json

import pytest
from PIL import Image

from isekai_gen.manifests.instruction_files import write_samples
from isekai_gen.manifests.instruction_formats import FORMATS
from isekai_gen.manifests.instruction_openai_chat import with_data_urls
from tests.manifests.chat_processors import llava_processor, qwen_processor
from tests.manifests.instruction_cases import samples_of

EVERY = [(name, content) for name, made in FORMATS.items() for content in made.row_of]
SIDE = 56
# transformers opens images with what torchvision is about to give up.
pytestmark = pytest.mark.filterwarnings("ignore:The image decoding and encoding:DeprecationWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An image folder with every image that the samples name, no two alike."""
    root = tmp_path_factory.mktemp("images")
    paths = {
        path
        for content in ("episodes", "images", "reasons")
        for sample in samples_of(content)
        for path in sample.conversation.images
    }
    for number, path in enumerate(sorted(paths)):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (SIDE, SIDE), (9 * number, 255 - 9 * number, 77)).save(root / path)
    return root


@pytest.fixture(scope="module", params=["llava", "qwen"])
def processor(request):
    return llava_processor() if request.param == "llava" else qwen_processor()


def marker_of(processor):
    return "<image>" if "Llava" in type(processor).__name__ else "<|image_pad|>"


def without_nulls(value):
    """A row as `datasets` gives it, without the keys that other rows have."""
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("name", "content"), EVERY)
def test_datasets_loads_every_file_as_it_was_written(tmp_path, name, content):
    from datasets import load_dataset

    made, samples = FORMATS[name], samples_of(content)
    write_samples(tmp_path, made, content, samples)
    path = str(tmp_path / made.file_name(content))

    loaded = load_dataset("json", data_files=path, split="train", cache_dir=str(tmp_path / "c"))

    rows = [made.row_of[content](sample) for sample in samples]
    assert [without_nulls(row) for row in loaded.to_list()] == [without_nulls(row) for row in rows]
    if name == "interleaved":
        assert loaded.to_list() == rows


def check_prompt(processor, sample, messages):
    """Words and images come to the model in the order of the conversation."""
    conversation = sample.conversation
    marker = marker_of(processor)
    prompt = processor.apply_chat_template(messages, tokenize=False)
    encoded = processor.apply_chat_template(
        messages, tokenize=True, return_dict=True, return_tensors="pt"
    )
    shown = processor.tokenizer.decode(encoded["input_ids"][0])

    assert prompt.count(marker) == len(conversation.images)
    assert shown.count(marker) == 4 * len(conversation.images)
    answer = conversation.turns[-1].text
    question = conversation.turns[-2].text.strip().splitlines()[-1].strip()
    assert prompt.rindex(marker) < prompt.rindex(question) < prompt.rindex(answer)
    alone = [
        processor.image_processor(Image.open(path), return_tensors="pt")["pixel_values"]
        for path in conversation.images
    ]
    import torch

    assert torch.equal(encoded["pixel_values"], torch.cat(alone))


@pytest.mark.parametrize("content", ["episodes", "images"])
@pytest.mark.parametrize("name", ["qwen-vl", "openai-chat"])
def test_chat_templates_show_each_image_once_and_the_answer_last(
    folder, monkeypatch, processor, name, content
):
    monkeypatch.chdir(folder)

    for sample in samples_of(content)[:6]:
        row = json.loads(json.dumps(FORMATS[name].row_of[content](sample)))
        check_prompt(processor, sample, row["messages"])


def test_rows_that_datasets_loaded_go_through_a_chat_template(
    folder, monkeypatch, processor, tmp_path
):
    from datasets import load_dataset

    samples = samples_of("episodes")
    write_samples(tmp_path, FORMATS["qwen-vl"], "episodes", samples)
    path = str(tmp_path / "episodes.jsonl")
    loaded = load_dataset("json", data_files=path, split="train", cache_dir=str(tmp_path / "c"))
    monkeypatch.chdir(folder)

    for sample, row in zip(samples, loaded.to_list(), strict=True):
        check_prompt(processor, sample, row["messages"])


def test_images_within_the_row_are_the_files_themselves(folder, monkeypatch, processor):
    sample = samples_of("episodes")[2]
    row = FORMATS["openai-chat"].row_of["episodes"](with_data_urls(sample, folder))
    monkeypatch.chdir(folder)

    urls = [
        part["image_url"]["url"]
        for message in row["messages"]
        for part in message["content"]
        if part["type"] == "image_url"
    ]
    assert [base64.b64decode(url.partition(",")[2]) for url in urls] == [
        (folder / path).read_bytes() for path in sample.conversation.images
    ]
    check_prompt(processor, sample, row["messages"])


@pytest.mark.parametrize("name", ["llava", "sharegpt"])
def test_marked_texts_have_a_place_for_each_image_of_the_list(folder, name):
    processor = llava_processor()

    for sample in samples_of("episodes"):
        row = FORMATS[name].row_of["episodes"](sample)
        paths = row["image"] if name == "llava" else row["images"]
        said = row.get("conversations") or row["messages"]
        prompt = "\n".join(turn.get("value") or turn["content"] for turn in said)
        images = [Image.open(folder / path) for path in paths]
        encoded = processor(text=prompt, images=images, return_tensors="pt")

        assert prompt.count("<image>") == len(encoded["pixel_values"]) == len(paths)
