import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from isekai_gen.errors import ManifestError
from isekai_gen.manifests.check import check_manifest
from isekai_gen.manifests.files import read_manifest, write_manifest
from isekai_gen.manifests.isekai import (
    KeptImage,
    ManifestRequest,
    build_isekai_10,
    build_isekai_pair,
    largest_shots,
)
from isekai_gen.manifests.isekai_labels import label_rows
from isekai_gen.records import Concept
from tests.upstream_reader import IsekaiReader, measure_isekai

PAIRS = (("cactihog", "hedgehog"), ("Icemic", "ice cream"), ("snailpot", "teapot"))


def concept(name, kind):
    slug = name.lower().replace(" ", "-")
    return Concept(slug, name, kind, slug, short=name, description=name)


GROUPS = [(concept(a, "fictional"), concept(b, "real")) for a, b in PAIRS]


def images(slug, count):
    return [KeptImage(f"{slug}-{n}", slug, f"images/{slug}/{n}.png") for n in range(count)]


def request(counts=(5, 5, 5, 5, 5, 5), shots=2, seed=7, groups=GROUPS, duplicates=()):
    slugs = [each.slug for pair in GROUPS for each in pair]
    kept = {slug: images(slug, count) for slug, count in zip(slugs, counts, strict=True)}
    return ManifestRequest(kept, groups, shots, seed, duplicates)


def test_isekai_10_pairs_each_fictional_concept_with_its_counterpart():
    rows = build_isekai_10(request()).rows
    names = {(row["positive_promt"], row["negative_promt"]) for row in rows}
    assert names == {("cactihog", "hedgehog"), ("icemic", "ice cream"), ("snailpot", "teapot")}
    assert len(rows) == 3 * 2 * 5


def test_isekai_pair_pairs_every_image_with_all_other_fictional_concepts():
    rows = build_isekai_pair(request()).rows
    queries = [(row["image_name"], row["label_name"]) for row in rows]
    assert len(rows) == 3 * 2 * 5
    assert all(queries.count(query) == 2 for query in queries)
    assert not any("hedgehog" in str(row) for row in rows)


@pytest.mark.parametrize("build", [build_isekai_10, build_isekai_pair])
def test_upstream_reads_it_at_every_shot_count(build, tmp_path):
    wanted = request(counts=(17, 18, 19, 17, 17, 20), shots=16)
    for kept in wanted.kept.values():
        for image in kept:
            path = tmp_path / image.path
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (4, 4)).save(path)
    path = write_manifest(tmp_path, build(wanted))
    measure_isekai(path, tmp_path)
    with pytest.raises(IndexError):
        IsekaiReader(path, tmp_path).prompt(0, 17, random.Random(0))
    assert check_manifest(read_manifest(path)) == []


@settings(deadline=None, max_examples=60)
@given(
    counts=st.lists(st.integers(0, 7), min_size=6, max_size=6),
    shots=st.integers(1, 5),
    seed=st.integers(0, 2**40),
    chosen=st.lists(st.lists(st.integers(0, 41), min_size=2, max_size=4), max_size=3),
)
def test_any_request_gives_a_valid_manifest_or_says_why_not(counts, shots, seed, chosen):
    slugs = [each.slug for pair in GROUPS for each in pair]
    every_id = [f"{slug}-{n}" for slug in slugs for n in range(7)]
    duplicates = [frozenset(every_id[number] for number in group) for group in chosen]
    wanted = request(counts, shots, seed, duplicates=duplicates)
    id_by_path = {image.path: image.image_id for kept in wanted.kept.values() for image in kept}
    most = largest_shots(wanted)
    for build in (build_isekai_10, build_isekai_pair):
        manifest = build(wanted)
        assert not manifest.rows or check_manifest(manifest.rows) == []
        for row in manifest.rows:
            assert len(row["positive_list"]) == len(row["negative_list"]) == shots
            support = {id_by_path[path] for path in row["positive_list"] + row["negative_list"]}
            query = id_by_path[row["image_name"]]
            assert not any(query in group and support & group for group in duplicates)
        made = {row["positive_promt"] for row in manifest.rows}
        made |= {row["negative_promt"] for row in manifest.rows}
        for fictional, real in GROUPS:
            side = [fictional.slug, real.slug] if manifest.name == "ISEKAI-10" else [fictional.slug]
            enough = min(most[slug] for slug in side) >= shots
            assert (fictional.slug not in manifest.skipped) == (fictional.name.lower() in made)
            assert enough or fictional.slug in manifest.skipped


@settings(deadline=None, max_examples=40)
@given(
    counts=st.lists(st.integers(2, 7), min_size=6, max_size=6),
    seed=st.integers(0, 2**40),
    order=st.randoms(use_true_random=False),
)
def test_rows_are_balanced_and_depend_on_their_own_concepts_only(counts, seed, order):
    wanted = request(counts, shots=1, seed=seed)
    manifest = build_isekai_10(wanted)
    asked = [row["label_name"] for row in manifest.rows]
    for fictional, real in GROUPS:
        labels = [each.name.lower() for each in (fictional, real)]
        assert asked.count(labels[0]) == asked.count(labels[1]) > 0
    shuffled = {slug: order.sample(kept, len(kept)) for slug, kept in wanted.kept.items()}
    assert build_isekai_10(replace(wanted, kept=shuffled)).rows == manifest.rows
    alone = build_isekai_10(replace(wanted, groups=GROUPS[1:2])).rows
    assert alone == tuple(row for row in manifest.rows if row["positive_promt"] == "icemic")


def test_another_seed_gives_other_lists():
    assert build_isekai_10(request(seed=7)).rows != build_isekai_10(request(seed=8)).rows


def test_a_group_with_too_few_images_is_skipped_with_its_largest_shots():
    few = request(counts=(5, 2, 5, 5, 5, 5))
    manifest = build_isekai_10(few)
    assert "hedgehog has 2 kept images: enough for 1 shots" in manifest.skipped["cactihog"]
    assert largest_shots(few)["hedgehog"] == 1
    assert {row["positive_promt"] for row in manifest.rows} == {"icemic", "snailpot"}


def test_a_duplicate_of_the_query_never_supports_it():
    duplicates = [frozenset({"cactihog-0", "cactihog-1", "a-dropped-image"})]
    wanted = request(shots=3, duplicates=duplicates)
    assert largest_shots(wanted)["cactihog"] == 3
    (row,) = (
        row for row in build_isekai_10(wanted).rows if row["image_name"] == "images/cactihog/0.png"
    )
    assert "images/cactihog/1.png" not in row["positive_list"]


def test_names_that_the_metric_confuses_are_refused_all_at_once():
    bad = [(concept("cream", "fictional"), concept("ice cream", "real"))]
    bad.append((concept("image", "fictional"), concept("teapot", "real")))
    with pytest.raises(ManifestError, match=r"answer sentence.*cream") as refused:
        build_isekai_10(ManifestRequest({}, bad, 2, 0))
    assert "such as 'cream' to 'cream thing', 'image' to 'image thing'" in str(refused.value)


def test_suggested_names_can_be_told_from_each_other():
    bad = [(concept("image", "fictional"), concept("the image", "real"))]
    with pytest.raises(ManifestError, match="'the image' to 'the image creature'"):
        build_isekai_10(ManifestRequest({}, bad, 2, 0))


def test_display_names_are_kept_beside_the_labels_they_became():
    rows = list(label_rows([(concept("St. Icemic", "fictional"), concept("Ice  Cream", "real"))]))
    assert [(row["label"], row["name"]) for row in rows] == [
        ("st icemic", "St. Icemic"),
        ("ice cream", "Ice  Cream"),
    ]


def test_an_empty_manifest_is_not_written(tmp_path):
    manifest = build_isekai_10(request(counts=(0,) * 6))
    with pytest.raises(ManifestError, match="has no rows"):
        write_manifest(tmp_path, manifest)
    assert not list(tmp_path.iterdir())


def test_an_image_path_that_leaves_the_folder_is_refused():
    with pytest.raises(ValueError, match="relative"):
        KeptImage("a", "b", "/etc/passwd")
