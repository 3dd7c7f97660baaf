"""Faults in rows of each format, one for each rule: each is found and named."""

import copy

import pytest

from isekai_gen.manifests.instruction_formats import FORMATS, check_instructions
from tests.manifests.instruction_cases import rows_of


def _set(value, *path):
    """A mutation: the value at a path replaced."""

    def mutate(made):
        *way, last = path
        place = made
        for step in way:
            place = place[step]
        if value is None:
            del place[last]
        else:
            place[last] = value

    return mutate


def _swap_turns(key):
    def mutate(made):
        made[key][-1], made[key][-2] = made[key][-2], made[key][-1]

    return mutate


_TEXT = {"type": "text", "text": "x"}
_SHARED = [
    (_set({}, "id"), "id must be text"),
    (_set(" ", "id"), "id must be text"),
    (_set(1, "more"), "must have exactly the keys"),
]
MUTATIONS = {
    "llava": [
        *_SHARED,
        (_set(None, "image"), "must have exactly the keys"),
        (_set([], "image"), "image must be a list that is not empty"),
        (_set("/etc/passwd", "image", 0), "must be relative"),
        (_set("../x.png", "image", 0), "'..'"),
        (_set("a <image>.png", "image", 0), "command of models"),
        (_set(3, "image", 0), "image must be text"),
        (lambda made: made["image"].pop(), "3 times <image> in the turns, but 2 images"),
        (lambda made: made["image"].append("x.png"), "3 times <image> in the turns, but 4 images"),
        (_set("What?", "conversations", 0, "value"), "2 times <image>"),
        (_set("user", "conversations", 0, "from"), "'from' must be human or gpt"),
        (_set([1], "conversations", 0, "from"), "'from' must be text"),
        (_set("", "conversations", 1, "value"), "value must be text"),
        (_set("</s>", "conversations", 1, "value"), "command of models"),
        (_set("<image>", "conversations", 0, "value"), "turn 1: has no words"),
        (_swap_turns("conversations"), "must alternate"),
        (lambda made: made["conversations"].pop(), "must alternate"),
        (lambda made: made["conversations"].clear(), "conversations must be a list"),
        (_set("x", "conversations", 0), "an entry of conversations must be a JSON object"),
    ],
    "sharegpt": [
        *_SHARED,
        (_set("x", "messages"), "messages must be a list"),
        (_set("C:/x.png", "images", 0), "must be relative"),
        (lambda made: made["images"].pop(), "but 2 images"),
        (_set(None, "messages", 0, "role"), "a message must have exactly the keys"),
        (_set(7, "messages", 0, "role"), "role must be text"),
        (_set("tool", "messages", 1, "role"), "must alternate"),
        (_set("<|im_end|>", "messages", 2, "content"), "command of models"),
        (_swap_turns("messages"), "must alternate"),
        (lambda made: made["messages"].pop(0) and made["messages"].pop(), "must alternate"),
    ],
    "openai-chat": [
        (_set("e1", "id"), "must have exactly the keys"),
        (_set([], "messages"), "messages must be a list"),
        (_set("text", "messages", 0, "content"), "content must be a list"),
        (_set([], "messages", 2, "content"), "content must be a list"),
        (
            _set({"type": "image", "image_url": {"url": "x"}}, "messages", 1, "content", 0),
            "type of a part",
        ),
        (
            _set({"type": "image_url", "image_url": "x"}, "messages", 1, "content", 0),
            "image_url must be a JSON object",
        ),
        (
            _set("https://example.org/x.png", "messages", 1, "content", 0, "image_url", "url"),
            "no empty",
        ),
        (
            _set("data:text/html;base64,aaaa", "messages", 1, "content", 0, "image_url", "url"),
            "must be of an image",
        ),
        (
            _set("data:image/png;base64,a*", "messages", 1, "content", 0, "image_url", "url"),
            "hold an image in base64",
        ),
        (
            _set("data:image/png;base64,", "messages", 1, "content", 0, "image_url", "url"),
            "hold an image in base64",
        ),
        (_set("<|image|>", "messages", 1, "content", 1, "text"), "command of models"),
        (_set([_TEXT], "messages", -2, "content"), "the last question shows no image"),
        (
            lambda made: made["messages"][2]["content"].append(made["messages"][1]["content"][0]),
            "only the user shows images",
        ),
        (_swap_turns("messages"), "must alternate"),
    ],
    "qwen-vl": [
        *_SHARED,
        (_set("bild", "messages", 1, "content", 0, "type"), "type of a part"),
        (_set("", "messages", 1, "content", 0, "image"), "image must be text"),
        (_set("a\\b.png", "messages", 1, "content", 0, "image"), "forward slashes"),
        (_set(5, "messages", 1, "content", 1, "text"), "text must be text"),
        (_set(1, "messages", 1, "content", 1), "an image part must be a JSON object"),
        (_set([_TEXT], "messages", -2, "content"), "the last question shows no image"),
    ],
    "interleaved": [
        *_SHARED,
        (lambda made: made["images"].pop(), "images, but"),
        (_set("x.png", "images", 0), "an image or a text"),
        (lambda made: made["texts"].__setitem__(0, None), "an image or a text"),
        (_set("/x.png", "images", 1), "must be relative"),
        (_set("see <image>", "texts", 0), "command of models"),
        (_set(4, "texts", 0), "a text must be text"),
        (
            lambda made: [made[key].pop() for key in ("images", "texts")],
            "the last place must be a text",
        ),
        (
            lambda made: (made["images"].append(None), made["texts"].append("x")),
            "must come after an image",
        ),
    ],
    "triplets": [
        *_SHARED,
        (_set(None, "response"), "must have exactly the keys"),
        (_set("", "response"), "response must be text"),
        (_set("<image> What?", "instruction"), "instruction has '<image>'"),
        (_set("//x.png", "image"), "must be relative"),
        (_set(["x.png"], "image"), "image must be text"),
    ],
    "chain-of-thought": [
        *_SHARED,
        (_set(None, "rationale"), "must have exactly the keys"),
        (_set("other reasons", "rationale"), "must give the rationale"),
        (_set("other", "response"), "must give the rationale"),
    ],
}
CASES = [(name, mutate, fault) for name, each in MUTATIONS.items() for mutate, fault in each]


@pytest.mark.parametrize(("name", "mutate", "fault"), CASES)
def test_a_broken_rule_is_named(name, mutate, fault):
    content = next(iter(FORMATS[name].row_of))
    rows = rows_of(name, content)
    number = 1
    broken = copy.deepcopy(rows[number])
    mutate(broken)

    faults = list(check_instructions(name, [*rows[:number], broken, *rows[number + 1 :]]))

    assert faults
    assert all(each.startswith("row 2: ") for each in faults)
    assert any(fault in each for each in faults), faults


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("value", [None, 3, "x", [], {}, [{}], {"id": None}])
def test_any_json_is_told_as_a_fault_and_never_crashes(name, value):
    assert list(check_instructions(name, [value]))


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_without_rows_is_a_fault(name):
    assert list(check_instructions(name, [])) == ["a file of instructions must have rows"]


def test_rows_out_of_order_or_twice_are_named():
    first, second, *_ = rows_of("triplets", "images")

    assert len(list(check_instructions("triplets", [second, first]))) == 1
    assert len(list(check_instructions("triplets", [first, first]))) == 1
