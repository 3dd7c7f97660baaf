"""Lines of a plan by hand are the lines of a plan by the book."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.records import PlannedImage
from isekai_gen.shards import encode_lines
from isekai_gen.stages.plan_lines import PlannedLine, decode_planned, encode_planned, read_heads

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
IMAGES = st.builds(
    PlannedImage,
    image_id=st.from_regex(r"[0-9a-f]{20}", fullmatch=True),
    concept=st.from_regex(r"[a-z0-9]{1,9}(-[a-z0-9]{1,9}){0,2}", fullmatch=True),
    index=st.integers(0, 10**9),
    template=TEXT,
    slots=st.dictionaries(TEXT, TEXT, max_size=4),
    prompt=TEXT,
    negative_prompt=TEXT,
    seed=st.integers(0, 2**63 - 1),
    row=st.integers(0, 255),
)


@given(st.lists(IMAGES, max_size=4))
def test_lines_are_canonical_json_to_the_byte(images):
    content = b"".join(map(encode_planned, images))
    assert content == encode_lines(image.to_json() for image in images)
    assert [decode_planned(line + b"\n") for line in content.split(b"\n")[:-1]] == images


@given(st.lists(IMAGES, max_size=4))
def test_heads_are_found_whatever_the_texts_say(images):
    heads = read_heads(b"".join(map(encode_planned, images)))
    found = [(head.concept.decode(), head.image_id.decode(), int(head.number)) for head in heads]
    assert found == [(image.concept, image.image_id, image.index) for image in images]


@given(IMAGES)
def test_a_line_knows_its_id(image):
    line = PlannedLine(image.concept, image.index, image.row, encode_planned(image))
    assert line.image_id.decode() == image.image_id


@pytest.mark.parametrize("line", [b"{}\n", b"\n", b'{"concept": "Cat", "image_id": "0"}\n'])
def test_lines_of_something_else_are_refused(line):
    with pytest.raises(ValueError, match="0 of 1 lines"):
        read_heads(line)
