"""Image-text-to-text models of two families, tiny but real, from a folder to their answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isekai_gen.errors import ModelError
from isekai_gen.models.chat_requests import ChatRequest
from isekai_gen.models.spec import Device
from isekai_gen.models.vision_language import VisionLanguageSpec, find_vision_language
from isekai_gen.records import Conversation, ImagePart, TextPart, Turn
from tests.models import tiny_vision_language as tiny

CPU = Device("cpu")
BUILDERS = {"llava": tiny.build_tiny_llava, "qwen2_vl": tiny.build_tiny_qwen2_vl}
WORDS = 8


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("vision-language")
    return {name: build(root / name) for name, build in BUILDERS.items()}


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """Pictures of several sizes and modes, by a name that tells nothing."""
    folder = tmp_path_factory.mktemp("shown")
    noise = np.random.default_rng(1)
    found = {}
    for number, name in enumerate("abcd"):
        pixels = noise.integers(0, 256, (40 + 9 * number, 64 - 7 * number, 3), dtype=np.uint8)
        found[name] = folder / f"{name}.png"
        Image.fromarray(pixels).convert("P" if name == "d" else "RGB").save(found[name])
    return found


@pytest.fixture(params=sorted(BUILDERS))
def folder(request, folders):
    return folders[request.param]


def load(folder, batch_size=4, words=WORDS):
    return find(folder, batch_size, words).load()


def find(folder, batch_size=4, words=WORDS):
    return find_vision_language(VisionLanguageSpec(str(folder), batch_size, words), CPU)


def user(*parts):
    return Turn("user", tuple(ImagePart(p) if len(p) == 1 else TextPart(p) for p in parts))


def named(name):
    return Turn("assistant", (TextPart(f'there is "{name}" in the image.'),))


def request(images, *shown, asked="what is it?", system="be brief"):
    """Examples, the last image the query."""
    turns = [Turn("system", (TextPart(system),))] if system else []
    for image in shown[:-1]:
        turns += [user(image, "what is it?"), named("dax")]
    turns.append(user(shown[-1], asked) if shown else user(asked))
    return ChatRequest(Conversation("k", tuple(turns)), images)


def texts(model, requests):
    replies = dict(model.replies(requests))
    assert sorted(replies) == list(range(len(requests)))
    return [replies[place].text or replies[place].failure for place in range(len(requests))]


def some_requests(images):
    return [
        request(images, "a"),
        request(images, "b", asked="what is it, in a few words, if I may ask?"),
        request(images, "a", "b"),
        request(images, "b", "a", asked="and that?"),
        request(images, "c", "a", "d", system=""),
        request(images, "d", asked="hm?", system="say only what you see, and nothing else"),
        request(images, asked="what is a dax?"),
    ]


def test_a_batch_says_what_one_by_one_would(folder, images):
    requests = some_requests(images)
    alone = texts(load(folder, batch_size=1), requests)
    assert texts(load(folder, batch_size=7), requests) == alone
    assert len(set(alone)) == len(alone)


def test_answers_do_not_depend_on_the_order_of_the_requests(folder, images):
    requests = some_requests(images)
    model = load(folder)
    assert texts(model, requests[::-1]) == texts(model, requests)[::-1]


def test_answers_are_those_of_the_librarys_own_road(folder, images):
    """Processor and network as the model's page would have one use them, one at a time."""
    from transformers import AutoModelForImageTextToText, AutoProcessor

    processor = AutoProcessor.from_pretrained(str(folder))
    network = AutoModelForImageTextToText.from_pretrained(str(folder))
    messages = [
        {"role": "user", "content": [_picture(images["a"]), _text("what is it?")]},
        {"role": "assistant", "content": [_text('there is "dax" in the image.')]},
        {"role": "user", "content": [_picture(images["b"]), _text("what is it?")]},
    ]
    inputs = processor.apply_chat_template(
        messages, tokenize=True, add_generation_prompt=True, return_dict=True, return_tensors="pt"
    )
    said = network.generate(**inputs, max_new_tokens=WORDS, do_sample=False)
    new = said[0, inputs["input_ids"].shape[1] :]
    expected = processor.tokenizer.decode(new, skip_special_tokens=True).strip()
    asked = request(images, "a", "b", system="")
    ((_, reply),) = load(folder).replies([asked])
    assert reply.text == expected
    assert reply.prompt_tokens == inputs["input_ids"].shape[1]
    assert 1 <= reply.completion_tokens <= WORDS


def _picture(path):
    return {"type": "image", "image": Image.open(path).convert("RGB")}


def _text(text):
    return {"type": "text", "text": text}


def test_every_image_counts_and_so_does_its_place(folder, images):
    model = load(folder)
    first, other_example, other_query, swapped = texts(
        model,
        [
            request(images, "a", "b"),
            request(images, "c", "b"),
            request(images, "a", "c"),
            request(images, "b", "a"),
        ],
    )
    assert len({first, other_example, other_query, swapped}) == 4


def test_an_image_between_words_stays_between_them(folder, images):
    turns = [
        user("one: ", "a", " two: ", "b", " which?"),
        user("one: ", "b", " two: ", "a", " which?"),
    ]
    requests = [ChatRequest(Conversation("k", (turn,)), images) for turn in turns]
    one, two = texts(load(folder), requests)
    assert one != two


def test_too_long_a_conversation_fails_alone(tmp_path, images):
    model = load(tiny.build_tiny_llava(tmp_path, window=120))
    requests = [
        request(images, "a"),
        request(images, "b", asked="x" * 200),
        request(images, "c"),
    ]
    replies = dict(model.replies(requests))
    assert [bool(replies[place].text) for place in range(3)] == [True, False, True]
    assert replies[1].failure == "too long for the model"
    assert replies[1].prompt_tokens > 200
    assert replies[2].text == texts(model, [requests[2]])[0]


GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n half of it", GIF])
def test_an_image_that_cannot_be_read_fails_alone(folders, images, tmp_path, content):
    broken = tmp_path / "broken.png"
    broken.write_bytes(content)
    requests = [request(images, "a"), request({**images, "b": broken}, "b"), request(images, "c")]
    model = load(folders["llava"])
    replies = dict(model.replies(requests))
    assert replies[1].failure.startswith("unreadable image: broken.png: ")
    assert [replies[place].text for place in (0, 2)] == texts(model, [requests[0], requests[2]])


def test_a_picture_is_shown_the_right_way_up(folders, images, tmp_path):
    upright = Image.open(images["a"])
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter before it is shown
    turned = tmp_path / "turned.png"
    upright.transpose(Image.Transpose.ROTATE_90).save(turned, exif=exif)
    model = load(folders["llava"])
    assert texts(model, [request({"a": turned}, "a")]) == texts(model, [request(images, "a")])


def test_a_picture_of_absurd_size_is_not_decoded(folders, images, tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    ((_, reply),) = load(folders["llava"]).replies([request(images, "a")])
    assert "decompression bomb" in reply.failure


@pytest.mark.parametrize(
    ("only_says", "failure"),
    [("<s>", "cut off before an answer"), ("<|end|>", "said nothing")],
)
def test_an_answer_without_words_is_a_failure(tmp_path, images, only_says, failure):
    model = load(tiny.build_tiny_llava(tmp_path, only_says=only_says))
    ((_, reply),) = model.replies([request(images, "a")])
    assert (reply.text, reply.failure) == ("", failure)
    assert reply.completion_tokens == (1 if failure == "said nothing" else WORDS)


@pytest.fixture
def memory_for(monkeypatch):
    """The device has memory for so many conversations at once."""
    import torch
    from transformers import LlavaForConditionalGeneration

    generate = LlavaForConditionalGeneration.generate

    def limit(rows):
        def limited(self, *, input_ids, **inputs):
            if len(input_ids) > rows:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return generate(self, input_ids=input_ids, **inputs)

        monkeypatch.setattr(LlavaForConditionalGeneration, "generate", limited)

    return limit


def test_full_memory_halves_the_batch_and_says_so(folders, images, memory_for):
    requests = [request(images, name) for name in "abcdabcd"]
    expected = texts(load(folders["llava"], batch_size=1), requests)
    memory_for(2)
    told = []
    replies = dict(load(folders["llava"], batch_size=8).replies(requests, told.append))
    assert [replies[place].text for place in range(8)] == expected
    assert told == [
        "llava: out of memory with 8 at once; going on with 4",
        "llava: out of memory with 4 at once; going on with 2",
    ]


def test_no_memory_for_even_one_is_told(folders, images, memory_for):
    memory_for(0)
    model = load(folders["llava"], batch_size=2)
    with pytest.raises(ModelError, match="out of memory with one conversation"):
        list(model.replies([request(images, "a"), request(images, "b")], lambda _: None))


@pytest.mark.parametrize(
    ("template", "turns", "said"),
    [
        (tiny.NO_SYSTEM_TEMPLATE, ["system"], "takes no system turn"),
        (tiny.SILENT_SYSTEM_TEMPLATE, ["system"], "takes no system turn"),
        (tiny.ONE_IMAGE_TEMPLATE, ["two"], "takes one image in a conversation"),
        (tiny.IMAGES_FIRST_TEMPLATE, ["both"], "moves the images of a turn"),
    ],
)
def test_what_a_chat_template_would_lose_is_told_and_the_rest_is_asked(
    tmp_path, images, template, turns, said
):
    model = load(tiny.build_tiny_llava(tmp_path, template))
    shapes = {
        "plain": request(images, "a", system=""),
        "system": request(images, "a"),
        "two": request(images, "a", "b", system=""),
        "both": ChatRequest(Conversation("k", (user("a", "one", "b", "two"),)), images),
    }
    for shape in turns:
        with pytest.raises(ModelError, match=said):
            list(model.replies([shapes["plain"], shapes[shape]]))
    ((_, reply),) = model.replies([shapes["plain"]])
    assert reply.text


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (None, "has no chat template"),
        (tiny.WORDS_ONLY_TEMPLATE, "shows no images"),
        (tiny.PLAIN_STRING_TEMPLATE, "shows no images"),
        ("{{ nothing.at.all }}", "shows no images"),
    ],
)
def test_a_model_without_a_usable_chat_template_is_refused(tmp_path, template, said):
    with pytest.raises(ModelError, match=said):
        load(tiny.build_tiny_llava(tmp_path, template))


def test_the_identity_follows_files_and_settings_but_not_the_batch(folders, tmp_path):
    one = find(folders["llava"]).identity
    assert find(folders["llava"], batch_size=1).identity == one
    assert find(folders["llava"], words=WORDS + 1).identity != one
    assert find(folders["qwen2_vl"]).identity != one
    changed = shutil.copytree(folders["llava"], tmp_path / "copy")
    assert find(changed).identity == one
    template = changed / "chat_template.jinja"
    template.write_text(template.read_text().replace("<|end|>", "<|end|> "))
    assert find(changed).identity != one


class TestBrokenModels:
    def broken(self, folders, tmp_path):
        return Path(shutil.copytree(folders["llava"], tmp_path / "broken"))

    def refuse(self, source, said):
        with pytest.raises(ModelError, match=said) as raised:
            load(source)
        assert "\n" not in str(raised.value)

    def test_no_such_folder(self, tmp_path):
        self.refuse(tmp_path / "nowhere", "no such folder")

    def test_a_hub_id_offline(self):
        self.refuse("owner/not-cached", "offline mode is on")

    def test_no_model(self, tmp_path):
        self.refuse(tmp_path, "no config.json, so not a transformers model")

    def test_weights_cut_short(self, folders, tmp_path):
        folder = self.broken(folders, tmp_path)
        weights = folder / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-10])
        self.refuse(folder, "weights cannot be read")

    def test_pickled_weights(self, folders, tmp_path):
        folder = self.broken(folders, tmp_path)
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
        self.refuse(folder, "weights are pickle files")

    def test_a_weight_that_is_missing(self, folders, tmp_path):
        from safetensors.torch import load_file, save_file

        folder = self.broken(folders, tmp_path)
        tensors = load_file(folder / "model.safetensors")
        gone = next(name for name in tensors if "mlp" in name)
        del tensors[gone]
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        self.refuse(folder, "weights are in none of its files .* would be random")

    @pytest.mark.parametrize("model_type", ["bert", "made-up"])
    def test_a_model_that_reads_no_images(self, folders, tmp_path, model_type):
        folder = self.broken(folders, tmp_path)
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "model_type": model_type}))
        self.refuse(folder, f"knows no model of type '{model_type}'")

    def test_a_model_without_its_tokenizer(self, folders, tmp_path):
        folder = self.broken(folders, tmp_path)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (folder / name).unlink()
        self.refuse(folder, "transformers cannot load this model")

    def test_a_device_that_is_not_there(self, folders):
        with pytest.raises(ModelError, match="not on this machine"):
            find_vision_language(VisionLanguageSpec(str(folders["llava"])), Device("cuda:9"))


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"max_new_tokens": 0}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        VisionLanguageSpec("model", **wrong)
