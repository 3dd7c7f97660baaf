"""Natural phrases for a sketch, in the vocabulary that the starter's prompt templates use."""

import random

from isekai_gen.starter.prompts import with_article
from isekai_gen.starter.render.scenes import PLAIN, SCENE_PHRASES
from isekai_gen.starter.render.sketch import Sketch
from isekai_gen.starter.render.things import all_things

_PREFIXES = ("a drawing of ", "a picture of ", "an illustration of ")
_SIZES = {"small": ("small", "tiny"), "big": ("big", "large")}


def write_caption(sketch: Sketch, rng: random.Random) -> str:
    """One of many phrasings of a sketch; call again for another one."""
    text = _subject(sketch, rng) + _place(sketch, rng)
    if rng.random() < 0.35:
        text = rng.choice(_PREFIXES) + text
    return text


def _name(thing: str, rng: random.Random) -> str:
    return rng.choice((thing, thing, *all_things()[thing].synonyms))


def _adjectives(sketch: Sketch, rng: random.Random) -> list[str]:
    words = []
    if sketch.face and not all_things()[sketch.body].alive and rng.random() < 0.85:
        words.append(rng.choice(("cute", "smiling", "happy")))
    if sketch.size in _SIZES and rng.random() < 0.8:
        words.append(rng.choice(_SIZES[sketch.size]))
    if sketch.color_named:
        words.append("grey" if sketch.color == "gray" and rng.random() < 0.3 else sketch.color)
    if sketch.material != "plain" and rng.random() < 0.9:
        words.append(sketch.material)
    return words


def _subject(sketch: Sketch, rng: random.Random) -> str:
    adjectives = _adjectives(sketch, rng)
    body = _name(sketch.body, rng)

    def described(noun: str) -> str:
        return with_article(" ".join([*adjectives, noun]))

    if sketch.feature is None:
        return described(body)
    phrase = rng.choice(all_things()[sketch.feature].feature.phrases)
    form = rng.random()
    if form < 0.72:
        return f"{described(body)} with {phrase}"
    other = _name(sketch.feature, rng)
    if form < 0.86:
        return described(f"{other} {body}")
    return f"{described(body)} crossed with {with_article(other)}"


def _place(sketch: Sketch, rng: random.Random) -> str:
    if rng.random() < 0.12:
        return ""
    if sketch.scene != PLAIN:
        return " " + rng.choice(SCENE_PHRASES[sketch.scene])
    name = with_article(sketch.background)
    return rng.choice((f" on {name} background", f", {sketch.background} background"))
