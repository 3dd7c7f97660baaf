"""What the probe learns from is never nearly in what it measures on."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from isekai_gen.counterfactuals.records import CounterfactualRecipe, CounterfactualRecord
from isekai_gen.errors import InputError
from isekai_gen.records import ImageRecord, PlannedImage, Provenance
from isekai_gen.release.splits import Split
from isekai_gen.settings import ReleaseSettings
from isekai_gen.stages.counterfactual_read import KeptSample
from isekai_gen.stages.probe_sets import KeptImages, divide_for_probe, probe_splits
from isekai_gen.stages.probe_style import HeldOutStyle, OtherStyle, choose_style

PROVENANCE = Provenance(
    model="m", revision="", model_digest="", pipeline="P", scheduler="S",
    scheduler_config_digest="", num_inference_steps=1, guidance_scale=1.0, width=8, height=8,
    dtype="float32", micro_batch_size=1, profile="",
)  # fmt: skip
SPLITS = (Split("train", 0.7), Split("test", 0.3))
NO_STYLE = OtherStyle(None, "not asked for")


def image(number: int, concept: str, template: str = "plain", **slots: str) -> ImageRecord:
    image_id = hashlib.sha256(f"image {number}".encode()).hexdigest()[:20]
    planned = PlannedImage(image_id, concept, number, template, slots, "p", "", 0, 0)
    path = f"images/{concept}/{image_id}.png"
    return ImageRecord(planned, PROVENANCE, "", path, "f", f"pixels {number}", None)


def sample(source: ImageRecord, fillers: Sequence[ImageRecord], kept: str, method="relevance"):
    ids = tuple(each.image_id for each in fillers)
    recipe = CounterfactualRecipe(
        source.image_id, source.concept, kept, method, "relevance" if method == "random" else "",
        "e", "contrast", 0.1, "smooth", {0: "none", 1: "single"}.get(len(ids), "multi"),
        "other" if ids else "", ids, {}, 0,
    )  # fmt: skip
    record = CounterfactualRecord(recipe.sample_id, recipe, kept == "object", 0.5, "p", "x")
    return KeptSample(record, Path(f"{recipe.sample_id}.png"))


def kept_images(records: Sequence[ImageRecord], groups: Sequence[int] = ()) -> KeptImages:
    slugs = sorted({record.concept for record in records})
    names = groups or range(len(records))
    return KeptImages(
        Path("ws"),
        records,
        {record.image_id: str(name) for record, name in zip(records, names, strict=True)},
        {slug: number for number, slug in enumerate(slugs)},
    )


def two_concepts(per_concept: int = 10) -> list[ImageRecord]:
    return [
        image(number, "ab"[number % 2], "drawn" if number % 5 == 4 else "plain")
        for number in range(2 * per_concept)
    ]


@given(
    groups=st.lists(st.integers(0, 12), min_size=24, max_size=24),
    seed=st.integers(0, 50),
    filling=st.integers(0, 99),
)
def test_nothing_that_is_learned_is_nearly_in_what_is_measured(groups, seed, filling):
    fill = random.Random(filling)
    records = two_concepts(12)
    images = kept_images(records, groups)
    samples = [
        sample(each, fill.sample([other for other in records if other is not each], count), kept)
        for each in records
        for kept in ("object", "context")
        for count in (0, 1, 3)
    ]
    style = OtherStyle(HeldOutStyle("template", "drawn"))
    assume(len({*groups}) > 6)  # else near-duplicates join nearly everything
    sets = divide_for_probe(images, samples, style, SPLITS, seed)
    group_of = images.duplicate_groups
    train = {picture.id for picture in sets.train}
    assert train
    for column in ("held_out", "other_style"):
        measured = {picture.id for picture in sets.measured.get(column, ())}
        assert not {group_of[each] for each in measured} & {group_of[each] for each in train}
    recipes = {each.record.id: each.record.recipe for each in samples}
    for anchor in sets.anchors:
        assert {recipes[anchor.id].source, *recipes[anchor.id].fillers} <= train
    for learned, numbers in zip(sets.train, sets.anchors_of, strict=True):
        assert all(recipes[sets.anchors[number].id].source == learned.id for number in numbers)
    held_out = {picture.id for picture in sets.measured["held_out"]}
    for column, kept in (("foreign_context", "object"), ("context_only", "context")):
        for picture in sets.measured[column]:
            assert recipes[picture.id].source in held_out
            assert recipes[picture.id].kept == kept


def test_the_division_does_not_depend_on_the_order_of_images_and_samples():
    records = two_concepts()
    samples = [sample(each, (), kept) for each in records for kept in ("object", "context")]
    one = divide_for_probe(kept_images(records), samples, NO_STYLE, SPLITS, 3)
    images = kept_images(records)
    turned = KeptImages(images.root, records[::-1], images.duplicate_groups, images.label_of)
    other = divide_for_probe(turned, samples[::-1], NO_STYLE, SPLITS, 3)
    assert (one.train, one.anchors, one.measured) == (other.train, other.anchors, other.measured)


def test_random_masks_are_no_anchors_and_are_not_measured():
    records = two_concepts()
    samples = [sample(each, (), "object") for each in records]
    samples += [sample(each, (), "object", "random") for each in records]
    sets = divide_for_probe(kept_images(records), samples, NO_STYLE, SPLITS, 0)
    assert sets.left_out["samples with random masks"] == len(records)
    assert len(sets.anchors) == len(sets.train)
    assert len(sets.measured["foreign_context"]) == len(sets.measured["held_out"])


def test_what_cannot_be_measured_has_a_reason():
    records = two_concepts()
    samples = [sample(each, (), "object") for each in records]
    sets = divide_for_probe(kept_images(records), samples, NO_STYLE, SPLITS, 0)
    assert sets.missing == {
        "other_style": "not asked for",
        "context_only": "no sample without its object is of a held-out image",
    }


def test_a_style_that_everything_is_nearly_of_cannot_be_held_out():
    records = two_concepts()
    style = OtherStyle(HeldOutStyle("template", "drawn"))
    with pytest.raises(InputError, match="hold out another style"):
        divide_for_probe(kept_images(records, [0] * len(records)), [], style, SPLITS, 0)


def test_samples_that_all_show_held_out_images_cannot_be_learned_from():
    records = two_concepts()
    samples = [sample(each, [o for o in records if o is not each], "object") for each in records]
    with pytest.raises(InputError, match="single-fill"):
        divide_for_probe(kept_images(records), samples, NO_STYLE, SPLITS, 0)


def test_splits_are_those_of_releases_where_they_are_by_image_into_train_and_test():
    given = ReleaseSettings(splits=("train=0.5", "val=0.2", "test=0.3"), split_by="image")
    assert [split.name for split in probe_splits(given, 0.1)] == ["train", "val", "test"]
    for other in (ReleaseSettings(), given.model_copy(update={"split_by": "group"})):
        assert probe_splits(other, 0.1) == (Split("train", 0.9), Split("test", 0.1))


def test_images_of_other_splits_are_counted_and_not_used():
    records = two_concepts()
    samples = [sample(each, (), "object") for each in records]
    three = (Split("train", 0.5), Split("val", 0.2), Split("test", 0.3))
    sets = divide_for_probe(kept_images(records), samples, NO_STYLE, three, 0)
    used = len(sets.train) + len(sets.measured["held_out"])
    assert sets.left_out["images of other splits"] == len(records) - used == 4


def test_the_template_nearest_to_an_eighth_is_held_out_by_default():
    records = [image(number, "a", "rare" if number < 3 else "common") for number in range(16)]
    assert str(choose_style("auto", records)) == "template=rare"


def test_of_one_template_a_value_of_the_style_slot_is_held_out():
    records = [image(n, "a", style="a drawing of" if n < 2 else "") for n in range(16)]
    assert str(choose_style("auto", records)) == "style=a drawing of"


def test_a_dataset_of_one_style_has_no_other_one():
    chosen = choose_style("auto", [image(number, "a") for number in range(9)])
    assert chosen == OtherStyle(None, "all images are of one template and one style")


def test_no_style_is_chosen_that_would_leave_a_concept_without_images():
    records = [image(n, "a", "one" if n % 2 else "two") for n in range(16)]
    records += [image(16, "b", "one"), image(17, "b", "two")]
    assert choose_style("auto", records).style is None
    assert str(choose_style("template=one", records)) == "template=one"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("drawn", "neither auto nor none nor NAME=VALUE"),
        ("template=oil", "no image is of it; values of template are 'drawn', 'plain'"),
        ("place=", "every image is of it"),
    ],
)
def test_a_style_that_is_not_there_is_refused(text, said):
    with pytest.raises(InputError, match=said):
        choose_style(text, two_concepts())
