"""The renderer: same seed, same picture; every thing and pair can be drawn; nothing leaks."""

import functools
import hashlib
import os
import random
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.prompts import shipped_catalog_path
from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.starter.render.canvas import Canvas, Pose
from isekai_gen.starter.render.captions import write_caption
from isekai_gen.starter.render.held_out import HELD_OUT_PAIRS, SHIPPED_CONCEPTS, is_held_out
from isekai_gen.starter.render.materials import MATERIALS, apply_material
from isekai_gen.starter.render.palette import COLORS
from isekai_gen.starter.render.scenes import SCENES
from isekai_gen.starter.render.sketch import Sketch, render, sample_sketch
from isekai_gen.starter.render.thing import Feature, Slot
from isekai_gen.starter.render.things import all_things

REPOSITORY = Path(__file__).resolve().parents[2]
THINGS = list(all_things())
TRAINING_SKETCHES = 20_000
SEEDS = st.integers(0, 2**63 - 1)
FIRST_PICTURES = (
    "import hashlib, random\n"
    "from isekai_gen.starter.render.sketch import render, sample_sketch\n"
    "digest = hashlib.sha256()\n"
    "for seed in range(12):\n"
    "    rng = random.Random(seed)\n"
    "    digest.update(render(sample_sketch(rng), rng).tobytes())\n"
    "print(digest.hexdigest())\n"
)


def plain_sketch(body: str, feature: str | None = None) -> Sketch:
    """A body in its first natural color before a plain background."""
    colors = all_things()[body].colors
    return Sketch(
        body=body,
        feature=feature,
        color=colors[0],
        color_named=False,
        feature_color=all_things()[feature].feature.colors[0] if feature else "",
        material="plain",
        scene="plain",
        background="gray",
        size="medium",
        face=False,
    )


def share_changed(first, second, by: int) -> float:
    """Share of pixels where some channel differs by more than `by`."""
    return float((np.abs(first.astype(int) - second).max(axis=2) > by).mean())


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_the_same_seed_draws_the_same_bytes(seed):
    first, second = random.Random(seed), random.Random(seed)
    sketch = sample_sketch(first)
    assert sketch == sample_sketch(second)
    picture = render(sketch, first)
    assert picture.tobytes() == render(sketch, second).tobytes()
    assert picture.tobytes() != render(sketch, random.Random(seed + 1)).tobytes()


def test_pictures_do_not_depend_on_the_process():
    """Python orders sets of texts by a hash that differs in each process unless it is set."""
    digests = {
        subprocess.run(
            [sys.executable, "-c", FIRST_PICTURES],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    digest = hashlib.sha256()
    for seed in range(12):
        rng = random.Random(seed)
        digest.update(render(sample_sketch(rng), rng).tobytes())
    assert digests == {digest.hexdigest()}


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_every_sketch_speaks_of_known_things(seed):
    sketch = sample_sketch(random.Random(seed))
    assert sketch.body in THINGS
    assert sketch.feature is None or sketch.feature in THINGS
    assert sketch.feature != sketch.body
    assert (sketch.feature is None) == (sketch.feature_color == "")
    assert {sketch.color, sketch.background} <= COLORS.keys()
    assert sketch.color != sketch.background
    assert sketch.material in MATERIALS
    assert sketch.scene in SCENES


@pytest.mark.parametrize("name", THINGS)
def test_every_thing_can_be_drawn_alone_and_with_every_feature(name):
    for number, feature in enumerate([None, *(other for other in THINGS if other != name)]):
        sketch = sample_sketch(random.Random(number), body=name, feature=feature)
        picture = render(sketch, random.Random(number))
        assert picture.shape == (128, 128, 3)
        assert picture.dtype == np.uint8
        assert picture.std() > 5


def draw_on_body(body: str, feature: str, with_feature: bool):
    """A body that leaves its own part out for `feature`, with or without that feature on it."""
    thing, worn = all_things()[body], all_things()[feature].feature
    canvas = Canvas(np.full((256, 256, 3), 235, np.uint8), random.Random(1), Pose(0.3))
    color = COLORS[thing.colors[0]]
    others = [name for name in worn.colors if name != thing.colors[0]]
    feature_color = COLORS[(others or worn.colors)[0]]
    if with_feature and worn.behind:
        worn.behind(canvas, thing.anchors, feature_color)
    canvas.rng = random.Random(2)  # the body's own variations, whatever the feature consumed
    thing.draw_body(canvas, color, worn.slot, False)
    canvas.mark_body(color)
    if with_feature and worn.front:
        worn.front(canvas, thing.anchors, feature_color)
    return canvas.pixels


@pytest.mark.parametrize("feature", THINGS)
def test_every_feature_shows_on_every_other_body(feature):
    hidden = {
        body: share
        for body in THINGS
        if body != feature
        and (share := share_changed(
            draw_on_body(body, feature, True), draw_on_body(body, feature, False), by=24
        )) < 0.005
    }  # fmt: skip
    assert hidden == {}


@pytest.mark.parametrize("material", MATERIALS[1:])
def test_every_material_shows_on_every_body(material):
    hidden = [
        name
        for name in THINGS
        if share_changed(
            render(plain_sketch(name), random.Random(1)),
            render(replace(plain_sketch(name), material=material), random.Random(1)),
            by=8,
        )
        < 0.01
    ]
    assert hidden == []


def test_an_unknown_material_is_refused_by_name():
    canvas = Canvas(np.zeros((256, 256, 3), np.uint8), random.Random(0), Pose(0.3))
    canvas.body_mask[:] = 255
    with pytest.raises(ValueError, match="unknown material 'glass'"):
        apply_material(canvas, "glass")


@pytest.mark.parametrize("left", [0.0, -0.9])
def test_drawing_inside_the_body_changes_no_other_pixel(left):
    canvas = Canvas(np.full((256, 256, 3), 200, np.uint8), random.Random(0), Pose(0.3))
    body, paint = (10, 120, 30), (250, 0, 0)
    canvas.ellipse(0, 0, 0.8, 0.6, body)
    canvas.mark_body(body)
    mask, before = canvas.body_mask > 0, canvas.pixels.copy()
    assert 0 < mask.sum() < mask.size
    with canvas.inside_body():
        canvas.rectangle(left, -2, 2, 2, paint, outline=0)
    changed = (canvas.pixels != before).any(axis=2)
    assert changed.any()
    assert not (changed & ~mask).any()
    if left == -0.9:  # the paint covers the body whole
        assert (canvas.pixels[mask] == paint).all()
    else:
        assert (mask & ~changed).any()


def test_a_thing_checks_its_colors_and_that_its_feature_draws():
    cactus = all_things()["cactus"]
    with pytest.raises(ValueError, match="mauve"):
        replace(cactus, colors=("mauve",))
    with pytest.raises(ValueError, match="draws nothing"):
        replace(cactus, feature=Feature(Slot.TOP, ("nothing",), ("red",)))


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
