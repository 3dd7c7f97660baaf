"""Lines of a plan, written and read without the detour over dicts: a plan may have millions.

Both directions rest on the one form that a line can have, canonical JSON: what is written here is
byte for byte what `records` and `canonical_json` would write.
"""

from __future__ import annotations

import json
import re
from json.encoder import encode_basestring
from typing import NamedTuple

from isekai_gen.records import SCHEMA, PlannedImage

_HEAD = re.compile(
    rb'^\{"concept": "([a-z0-9-]+)", "image_id": "([0-9a-f]{20})", "index": (\d+), ', re.MULTILINE
)
ID_DIGITS = 20
"""Hex digits of an image id."""


class PlannedLine(NamedTuple):
    """A planned image as its line, with what packing needs to know.

    Attributes:
        concept: Slug.
        number: Of the image within its concept, from 0.
        row: Row in its micro-batch.
        text: The line, with its line feed.
    """

    concept: str
    number: int
    row: int
    text: bytes

    @property
    def image_id(self) -> bytes:
        """20 hex digits."""
        start = len(_before_id(self.concept))
        return self.text[start : start + ID_DIGITS]


class PlannedHead(NamedTuple):
    """How a line begins.

    Attributes:
        concept: Slug.
        image_id: 20 hex digits.
        number: Decimal digits of the index.
    """

    concept: bytes
    image_id: bytes
    number: bytes


def encode_planned(image: PlannedImage) -> bytes:
    """The line of a planned image, with its line feed: canonical JSON, UTF-8."""
    slots = ", ".join(
        f"{encode_basestring(name)}: {encode_basestring(value)}"
        for name, value in sorted(image.slots.items())
    )
    return (
        f'{_before_id(image.concept)}{image.image_id}", "index": {image.index}, '
        f'"negative_prompt": {encode_basestring(image.negative_prompt)}, '
        f'"prompt": {encode_basestring(image.prompt)}, "row": {image.row}, '
        f'"schema": {SCHEMA}, "seed": {image.seed}, "slots": {{{slots}}}, '
        f'"template": {encode_basestring(image.template)}}}\n'
    ).encode()


def decode_planned(text: bytes) -> PlannedImage:
    """The image of a line that `encode_planned` made; for lines from disk see `records`."""
    row = json.loads(text)
    del row["schema"]
    return PlannedImage(**row)


def _before_id(concept: str) -> str:
    return f'{{"concept": {encode_basestring(concept)}, "image_id": "'


def read_heads(content: bytes) -> list[PlannedHead]:
    """Concept, id and index of every line of a part.

    Raises:
        ValueError: If a line does not begin as lines of a plan do.
    """
    heads = [*map(PlannedHead._make, _HEAD.findall(content))]
    lines = content.count(b"\n")
    if len(heads) != lines:
        raise ValueError(f"{len(heads)} of {lines} lines are planned images")
    return heads
