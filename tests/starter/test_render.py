"""The renderer: same seed, same picture; every thing and every pair can be drawn and seen."""

import hashlib
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.starter.render.canvas import Canvas, Pose
from isekai_gen.starter.render.materials import MATERIALS, apply_material
from isekai_gen.starter.render.palette import COLORS
from isekai_gen.starter.render.scenes import SCENES
from isekai_gen.starter.render.sketch import Sketch, render, sample_sketch
from isekai_gen.starter.render.thing import Feature, Slot
from isekai_gen.starter.render.things import all_things

REPOSITORY = Path(__file__).resolve().parents[2]
THINGS = list(all_things())
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
