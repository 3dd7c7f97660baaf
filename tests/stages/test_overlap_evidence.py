"""Names, distractors and the numbers of the fictionality report, on geometries known by heart."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.embeddings import EmbeddingTable, normalized
from isekai_gen.filters.base import Evidence
from isekai_gen.intervals import wilson_interval
from isekai_gen.neighbors.reference_classes import build_reference
from isekai_gen.neighbors.reference_set import ReferenceClass
from isekai_gen.neighbors.similarity import pair_similarities
from isekai_gen.records import Concept, ImageRecord, PlannedImage, Provenance, Verdict
from isekai_gen.stages.alignment import find_distractors
from isekai_gen.stages.fictionality import FictionalityFacts, measure_fictionality
from isekai_gen.stages.fictionality_files import as_csv, as_json, as_markdown
from isekai_gen.stages.name_overlap import name_evidence

PROVENANCE = Provenance(
    "m", "", "0" * 64, "P", "S", "0" * 64, 2, 3.0, 32, 32, "float32", 4, "0" * 64
)
CLASSES = [ReferenceClass("a", "Ice-Cream", ""), ReferenceClass("b", "tea pots", "")]
WORLD = build_reference("world", "tiny", CLASSES, np.eye(2, 3), {})


def concept(name, kind="fictional", slug=""):
    return Concept(slug or name.replace(" ", "-"), name, kind, "g", "a thing", "A thing.")


def image(image_id, slug):
    planned = PlannedImage(image_id, slug, 0, "photo", {}, "a photo", "", 1, 0)
    path = f"images/{slug}/{image_id}.png"
    return ImageRecord(planned, PROVENANCE, "", path, "", "", None)


def evidence_of(name, vector=(0.0, 0.0, 1.0), kind="fictional", references=(WORLD,)):
    names = EmbeddingTable(("x",), normalized([vector]), "tiny")
    return name_evidence([concept(name, kind, "x")], names, references).get("x")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("ice creams", "world/a"),
        ("TeaPot", "world/b"),
        ("hedgehogs", "imagenet-21k/n02346627"),
        ("Icé Cream", "world/a"),
    ],
)
def test_a_name_that_is_a_class_s_is_found_whatever_its_form(name, key):
    assert evidence_of(name) == Evidence(1.0, key)


def test_another_name_is_measured_by_its_text():
    found = evidence_of("cactihog", vector=(0.6, 0.8, 0.0))
    assert found == Evidence(pytest.approx(0.8), "world/b")


def test_equal_embeddings_of_other_names_do_not_make_them_the_same_name():
    found = evidence_of("cactihog", vector=(1.0, 0.0, 0.0))
    assert found == Evidence(math.nextafter(1.0, 0.0), "world/a")


def test_real_concepts_are_not_asked_for_their_names():
    assert evidence_of("hedgehog", kind="real") is None


def test_names_of_every_reference_set_count():
    photos = build_reference("photos", "tiny", [ReferenceClass("z", "zorb", "")], np.eye(1, 3), {})
    assert evidence_of("zorbs", references=(WORLD, photos)) == Evidence(1.0, "photos/z")


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(1, 12))
def test_distractors_are_what_comparing_with_every_other_concept_gives(seed, concepts, count):
    rng = np.random.default_rng(seed)
    slugs = tuple(f"c{number}" for number in range(concepts))
    texts = EmbeddingTable(slugs, normalized(rng.normal(size=(concepts, 4))), "tiny")
    images = [image(f"{n:020x}", slugs[rng.integers(0, concepts)]) for n in range(count)]
    table = EmbeddingTable(
        tuple(each.image_id for each in images), normalized(rng.normal(size=(count, 4))), "tiny"
    )
    found = find_distractors(images, table, texts)
    for row, each in enumerate(images):
        repeated = np.repeat(table.vectors[row][None], concepts, axis=0)
        similarity = dict(zip(slugs, pair_similarities(repeated, texts.vectors), strict=True))
        own = similarity.pop(each.concept)
        best = max(similarity, key=lambda slug: (similarity[slug], slug))
        assert found[each.image_id] == Evidence(own - similarity[best], best)


def test_a_catalog_of_one_concept_has_no_distractors():
    table = EmbeddingTable(("a",), normalized([[1.0, 0.0]]), "tiny")
    with pytest.raises(ValueError, match="no other"):
        find_distractors([image("a", "a")], table, table)


def at(degrees):
    return [math.cos(math.radians(degrees)), math.sin(math.radians(degrees))]


def facts_of(degrees_by_slug, left_out=(), reference=None):
    """Concepts `one` (text at 0 degrees) and `two` (at 90) with images at these angles."""
    concepts = [concept("one"), concept("two")]
    images, rows = [], []
    for slug, angles in degrees_by_slug.items():
        for number, degrees in enumerate(angles):
            images.append(image(f"{slug}{number}", slug))
            rows.append(at(degrees))
    ids = tuple(each.image_id for each in images)
    verdict = {
        image_id: Verdict(image_id, "name_overlap", True, "within_limit", 0.5, 0.9, "", "w/a")
        for image_id in ids
    }
    return FictionalityFacts(
        concepts=concepts,
        images=images,
        left_out=frozenset(left_out),
        embeddings=EmbeddingTable(ids, normalized(np.reshape(rows, (-1, 2))), "tiny"),
        texts=EmbeddingTable(("one", "two"), normalized([at(0), at(90)]), "tiny"),
        reference=reference or build_reference("w", "tiny", CLASSES, [at(0), at(90)], {}),
        verdicts={"name_overlap": verdict},
        distractors={image_id: Evidence(0.25, "two") for image_id in ids},
    )


def test_images_nearer_to_the_other_concept_are_counted_by_text_and_by_images():
    # Of `one`, the image at 60 degrees is nearer to the text of `two`, but the images of `two` lie
    # at 100 and 110: the others of `one` (0 and 20) are nearer by image.
    one, two = measure_fictionality(facts_of({"one": [0, 20, 57], "two": [100, 110]}))
    assert (one.by_text.nearer.images, one.by_text.concept) == (1, "two")
    assert (one.by_images.nearer.images, one.by_images.nearer.of) == (0, 3)
    assert (two.by_text.nearer.images, two.by_text.concept) == (0, "")
    moved, _ = measure_fictionality(facts_of({"one": [0, 20, 58], "two": [100, 100]}))
    assert (moved.by_images.nearer.images, moved.by_images.concept) == (1, "two")


def test_an_image_alone_in_its_concept_has_no_images_to_be_compared_with():
    one, two = measure_fictionality(facts_of({"one": [0], "two": [5, 90]}))
    assert one.by_images.nearer.of == 0
    assert (two.by_images.nearer.images, two.by_images.nearer.of) == (1, 2)


def test_what_is_left_out_is_in_no_number_but_its_own():
    facts = facts_of({"one": [0, 80], "two": [90]}, left_out=["one1"])
    one, _ = measure_fictionality(facts)
    assert (one.images, one.judged, one.left_out) == (2, 1, 1)
    assert one.by_text.nearer.of == 1
    assert one.reasons == {"name_overlap": {"within_limit": 2}}


def test_a_concept_without_images_has_no_numbers():
    one, two = measure_fictionality(facts_of({"one": [], "two": [90, 80]}))
    assert (one.judged, one.nearest, one.mean_margin, one.same_name) == (0, (), None, {})
    assert (one.by_text.nearer.share, one.by_text.nearer.high) == (0.0, 1.0)
    assert two.judged == 2
    for content in (as_csv([one, two]), as_json({}, [one, two])):
        assert b"nan" not in content.lower()


def test_shares_over_a_class_s_quantiles_with_wilson_s_interval():
    spread = [at(degrees) for degrees in (-40, -30, -20, -10, 0, 10, 20, 30, 40)]
    reference = build_reference(
        "w", "tiny", CLASSES, [at(0), at(90)], {"a": spread, "b": [at(170), at(180)]}
    )
    one, _ = measure_fictionality(facts_of({"one": [0, 28, 45, 80], "two": []}, (), reference))
    counts = {level: share.images for level, share in one.over_quantile.items()}
    levels = {level: reference.own_quantile("a", level) for level in (0.05, 0.25, 0.5)}
    for level, lowest in levels.items():
        expected = sum(math.cos(math.radians(degrees)) >= lowest for degrees in (0, 28, 45, 80))
        assert counts[f"{level:g}"] == expected
    assert len(set(counts.values())) > 1
    share = one.over_quantile["0.25"]
    expected = wilson_interval(share.images, 4)
    assert (share.low, share.high) == (expected.low, expected.high)


def test_the_nearest_classes_are_those_of_the_mean_similarity():
    one, _ = measure_fictionality(facts_of({"one": [0, 60], "two": []}))
    assert [near.key for near in one.nearest] == ["a", "b"]
    assert one.nearest[0].similarity == pytest.approx((1 + 0.5) / 2, abs=1e-6)
    assert one.nearest[0].percentile is None


def test_a_hostile_name_cannot_break_out_of_its_cell():
    facts = facts_of({"one": [0, 1], "two": [90]})
    hostile = concept("one | <img src=x> [a](b)\n# Title", slug="one")
    rows = measure_fictionality(
        FictionalityFacts(**{**facts.__dict__, "concepts": [hostile, facts.concepts[1]]})
    )
    header = {
        "encoder": "tiny",
        "reference": {"name": "w", "classes": 2},
        "compared": [],
        "percentiles_known": None,
    }
    lines = as_markdown(header, rows).decode().splitlines()
    (line,) = [line for line in lines if "Title" in line]
    assert line.count(" | ") == 7
    assert "\\| \\<img src=x> \\[a\\](b) # Title" in line
