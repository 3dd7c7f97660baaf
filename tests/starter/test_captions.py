"""Captions say what a sketch shows; training never shows or names what the catalog holds out."""

import functools
import random
import re

from isekai_gen.prompts import shipped_catalog_path
from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.starter.render.captions import write_caption
from isekai_gen.starter.render.held_out import HELD_OUT_PAIRS, SHIPPED_CONCEPTS, is_held_out
from isekai_gen.starter.render.sketch import Sketch, sample_sketch
from isekai_gen.starter.render.things import all_things

THINGS = list(all_things())
TRAINING_SKETCHES = 20_000


@functools.cache
def thing_by_words() -> dict[str, str]:
    """Every way to name a thing or its feature, to the thing's name."""
    return {
        words: name
        for name, thing in all_things().items()
        for words in (name, *thing.synonyms, *thing.feature.phrases)
    }


@functools.cache
def any_words() -> re.Pattern[str]:
    # Looking ahead finds words that lie in others: "snail" in "a snail shell".
    longest_first = sorted(thing_by_words(), key=len, reverse=True)
    return re.compile(rf"\b(?=({'|'.join(map(re.escape, longest_first))})\b)")


def things_named(caption: str) -> set[str]:
    """Names of the things that a caption speaks of, by any of their words."""
    return {thing_by_words()[words] for words in any_words().findall(caption)}


def pairs_of(sketch: Sketch, caption: str) -> set[frozenset[str]]:
    """Every two things that a picture or its caption combines."""
    shown = {sketch.body, sketch.feature} - {None} | things_named(caption)
    return {frozenset((a, b)) for a in shown for b in shown if a < b}


def test_no_two_things_share_a_name_or_phrase():
    words = [
        words
        for name, thing in all_things().items()
        for words in {name, *thing.synonyms, *thing.feature.phrases}
    ]
    assert len(words) == len(set(words))


def test_training_never_shows_or_names_a_held_out_pair():
    rng = random.Random("held out")
    seen: set[frozenset[str]] = set()
    hybrids = 0
    for _ in range(TRAINING_SKETCHES):
        sketch = sample_sketch(rng)
        caption = write_caption(sketch, rng)
        hybrids += sketch.feature is not None
        if sketch.feature is not None:
            assert not is_held_out(sketch.body, sketch.feature)
            assert not is_held_out(sketch.feature, sketch.body)
        seen.add(frozenset({sketch.body, sketch.feature} - {None}))
        named = things_named(caption)
        assert not any(pair <= named for pair in HELD_OUT_PAIRS), caption
    assert hybrids > TRAINING_SKETCHES / 2
    assert not seen & HELD_OUT_PAIRS
    # So many sketches would have shown it: nearly every other pair is among them.
    possible = len(THINGS) * (len(THINGS) - 1) / 2 - len(HELD_OUT_PAIRS)
    assert len([pair for pair in seen if len(pair) == 2]) > 0.99 * possible


def test_without_the_rule_held_out_pairs_are_sampled_and_named():
    rng = random.Random("held out")
    found = set()
    for _ in range(4_000):
        sketch = sample_sketch(rng, allow_pair=lambda body, feature: body != feature)
        found |= pairs_of(sketch, write_caption(sketch, rng)) & HELD_OUT_PAIRS
    assert len(found) > len(HELD_OUT_PAIRS) / 2


def test_captions_name_body_and_feature():
    rng = random.Random("captions")
    for number in range(3_000):
        sketch = sample_sketch(rng)
        caption = write_caption(sketch, rng)
        named = things_named(caption)
        assert sketch.body in named, caption
        assert sketch.feature is None or sketch.feature in named, caption
        if sketch.color_named:
            spellings = ("gray", "grey") if sketch.color == "gray" else (sketch.color,)
            assert any(word in caption.split() for word in spellings), (number, caption)


def test_the_held_out_concepts_are_the_shipped_catalogs():
    groups = load_catalog(shipped_catalog_path()).groups
    assert [group.fictional.name for group in groups] == [c.name for c in SHIPPED_CONCEPTS]
    for group, concept in zip(groups, SHIPPED_CONCEPTS, strict=True):
        phrase = all_things()[concept.feature].feature.phrases[0]
        assert group.fictional.short == f"{concept.body} with {phrase}"
        assert set(group.fictional.parents) == {concept.body, concept.feature}
        assert group.real.name == concept.counterpart
        assert concept.counterpart in (concept.body, concept.feature)
