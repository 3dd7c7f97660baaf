"""Concepts, pictures and episodes for the tests of instruction data."""

from __future__ import annotations

import json
from dataclasses import replace

from isekai_gen.manifests.conversation_words import EpisodeWords
from isekai_gen.manifests.instruction_episodes import episode_samples
from isekai_gen.manifests.instruction_formats import FORMATS
from isekai_gen.manifests.instruction_samples import (
    PicturedConcept,
    image_samples,
    reasoned_sample,
)
from isekai_gen.manifests.instruction_template_set import InstructionTemplates
from isekai_gen.records import Concept, Episode, NamedImage

CACTIHOG = Concept(
    slug="cactihog",
    name="cactihog",
    kind="fictional",
    group="cactihog",
    short="hedgehog with cactus spines",
    description="a small round hedgehog whose back is a ribbed green cactus",
    parents=("hedgehog", "cactus"),
    attributes={"back": ("cactus pads",), "pose": ("walking", "asleep")},
)
HEDGEHOG = Concept(
    slug="hedgehog",
    name="hedgehog",
    kind="real",
    group="cactihog",
    short="hedgehog",
    description="a small hedgehog with a coat of brown quills",
    attributes={"back": ("quills",), "pose": ("walking", "asleep")},
)
IMAGE_ID = "0123456789abcdef0123"


def picture(concept=CACTIHOG, counterpart=HEDGEHOG, number=0, **slots) -> PicturedConcept:
    image_id = f"{number:020x}"
    return PicturedConcept(
        image_id=image_id,
        image=f"images/{concept.slug}/{image_id}.png",
        concept=concept,
        counterpart=counterpart,
        prompt=f"a {concept.short}",
        slots=slots,
    )


def named(concept: str, number: int, label: str = "") -> NamedImage:
    return NamedImage(f"images/{concept}/{number}.png", concept, label or concept)


def episode(key="e1", shots=1, query="a") -> Episode:
    support = [named(way, number) for number in range(shots) for way in ("a", "b")]
    return Episode(key, tuple(support), named(query, 9), ("a", "b"))


def words(**changes) -> EpisodeWords:
    return replace(EpisodeWords.shipped(), **changes)


def templates() -> InstructionTemplates:
    return InstructionTemplates.shipped()


def samples_of(content: str):
    """Samples of every shape that a content has."""
    if content == "episodes":
        shown = [episode("e0", 0), episode("e1", 1), episode("e2", 3, "b")]
        return [
            *episode_samples(shown, words()),
            *episode_samples([episode("e3", 2)], words(system="", layout="one-turn")),
        ]
    pictures = [picture(number=number) for number in range(3)]
    if content == "reasons":
        return [reasoned_sample(each, templates(), 0) for each in pictures]
    pictures += [picture(HEDGEHOG, CACTIHOG, 7)]
    return [sample for each in pictures for sample in image_samples(each, templates(), 0)]


def rows_of(name: str, content: str) -> list:
    """Rows of a format, as they are read back."""
    make = FORMATS[name].row_of[content]
    return [json.loads(json.dumps(make(sample))) for sample in samples_of(content)]
