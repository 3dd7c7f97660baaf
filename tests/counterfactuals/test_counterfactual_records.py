"""A sample's record: an id from its recipe, a label that follows what was kept, strict JSON."""

from __future__ import annotations

import dataclasses
import json
from typing import get_args

import pytest

from isekai_gen.counterfactuals.records import (
    CounterfactualRecipe,
    CounterfactualRecord,
    label_stands,
    needs_fillers,
    random_control,
)
from isekai_gen.counterfactuals.refill import Refill

SOURCE, FILLER, THIRD = "0" * 20, "1" * 20, "2" * 20
RECIPE = CounterfactualRecipe(
    source=SOURCE,
    concept="cactihog",
    kept="object",
    method="relevance",
    area_from="",
    encoder="e" * 64,
    target="contrast",
    limit=0.3,
    shape="smooth",
    refill="multi",
    filler_source="other",
    fillers=(FILLER, THIRD),
    inpainting={},
    seed=5,
)


def record_of(recipe: CounterfactualRecipe, **changes) -> CounterfactualRecord:
    values = {
        "id": recipe.sample_id,
        "recipe": recipe,
        "label_stands": label_stands(recipe.kept),
        "mask_rate": 0.25,
        "path": f"counterfactuals/cactihog/{recipe.sample_id}.png",
        "pixel_sha256": "a" * 64,
    }
    return CounterfactualRecord(**{**values, **changes})


def test_a_record_comes_back_from_its_line_of_json():
    record = record_of(RECIPE)
    line = json.dumps(record.to_json())
    assert CounterfactualRecord.from_json(json.loads(line)) == record


def test_an_id_is_twenty_hex_digits_that_anything_in_the_recipe_changes():
    changes = {
        "source": THIRD, "concept": "octovac", "kept": "context", "method": "gradcam",
        "encoder": "f" * 64, "target": "logit", "limit": 0.4, "shape": "grid",
        "filler_source": "same", "fillers": (FILLER, "3" * 20), "seed": 6,
    }  # fmt: skip
    ids = {RECIPE.sample_id}
    for name, value in changes.items():
        changed = (
            {name: value, "fillers": (FILLER, "4" * 20)} if name == "source" else {name: value}
        )
        ids.add(dataclasses.replace(RECIPE, **changed).sample_id)
    assert len(ids) == len(changes) + 1
    assert all(len(each) == 20 and int(each, 16) >= 0 for each in ids)
    backwards = dataclasses.replace(RECIPE, fillers=(THIRD, FILLER))
    assert backwards.sample_id != RECIPE.sample_id


def test_the_label_stands_where_the_object_was_kept_and_nowhere_else():
    gone = dataclasses.replace(RECIPE, kept="context")
    assert record_of(RECIPE).label_stands
    assert not record_of(gone).label_stands
    with pytest.raises(ValueError, match="the label stands"):
        record_of(gone, label_stands=True)


def test_a_control_has_an_id_of_its_own_and_says_whose_area_it_has():
    control = random_control(RECIPE, 9)
    assert (control.method, control.area_from, control.seed) == ("random", "relevance", 9)
    assert control.sample_id != RECIPE.sample_id
    with pytest.raises(ValueError, match="control of a control"):
        random_control(control, 1)


def test_only_some_refills_need_fillers():
    assert [refill for refill in get_args(Refill) if needs_fillers(refill)] == ["single", "multi"]


@pytest.mark.parametrize(
    "changes",
    [
        {"kept": "both"},
        {"method": "saliency"},
        {"method": "random"},
        {"target": "guess"},
        {"area_from": "gradcam"},
        {"shape": "round"},
        {"refill": "single"},
        {"refill": "none"},
        {"refill": "inpaint", "fillers": (), "filler_source": ""},
        {"fillers": (FILLER, FILLER)},
        {"fillers": (FILLER, SOURCE)},
        {"fillers": (FILLER, "../../etc/passwd")},
        {"source": "0" * 19},
        {"concept": "../x"},
        {"filler_source": ""},
        {"filler_source": "anyone"},
        {"inpainting": {"steps": 3}},
        {"limit": 1.0},
        {"seed": -1},
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(changes):
    with pytest.raises(ValueError):
        dataclasses.replace(RECIPE, **changes)


def test_a_row_with_another_id_a_stray_field_or_no_recipe_is_refused():
    row = record_of(RECIPE).to_json()
    for broken in (
        {**row, "id": "f" * 20},
        {**row, "recipe": {**row["recipe"], "seed": 6}},
        {**row, "recipe": {**row["recipe"], "extra": 1}},
        {**row, "extra": 1},
        {**row, "mask_rate": 0.0},
        {**row, "recipe": None},
        {**row, "schema": 2},
    ):
        with pytest.raises(ValueError):
            CounterfactualRecord.from_json(broken)
