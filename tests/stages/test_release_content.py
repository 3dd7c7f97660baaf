"""What a release says of a workspace: measures, splits, reports, settings, embeddings."""

from __future__ import annotations

import itertools
import json
import shutil
from collections import Counter
from contextlib import contextmanager

import numpy as np
import pytest

from isekai_gen.errors import ChecksumError, ReleaseError
from isekai_gen.filters import alignment
from isekai_gen.neighbors.similarity import pair_similarities
from isekai_gen.records import Decision
from isekai_gen.release.counts import count_images
from isekai_gen.shards import append_records
from isekai_gen.stages.calibrate import CalibrateRequest, calibrate
from isekai_gen.stages.curate import verdicts_of
from isekai_gen.stages.dedupe import dedupe
from isekai_gen.stages.embed import embed, load_embeddings
from isekai_gen.stages.generate import generate
from isekai_gen.stages.manifest import write_manifests
from isekai_gen.stages.neighbors import write_neighbors
from isekai_gen.stages.overlap_report import judge_and_report
from isekai_gen.stages.reference_add import add_reference
from isekai_gen.stages.release_content import gather_content
from isekai_gen.stages.release_content_provenance import public_settings
from isekai_gen.stages.selection import select
from tests.small_jobs import write_job
from tests.stages import curated_jobs, overlap_jobs
from tests.stages.painted import paint, scene

# The tiny encoder finds all pictures alike: this limit drops none, that below joins some.
LOOSE = {"max_similarity": 1.0, "review_similarity": 1.0}
COPIES = {"references": ("photos",), "max_similarity": 0.9999, "review_similarity": 0.5}


@contextmanager
def in_this_process():
    with curated_jobs.in_this_process(), overlap_jobs.in_this_process():
        yield


@pytest.fixture(autouse=True)
def _in_this_process():
    with in_this_process():
        yield


@pytest.fixture(scope="module")
def drawn(tiny_generator, tiny_encoder, tmp_path_factory):
    """24 images of four concepts, twelve classes, and a folder of photos, nothing judged."""
    folder = tmp_path_factory.mktemp("released")
    root = folder / "ws"
    with in_this_process():
        context = overlap_jobs.context_of(root, tiny_generator, tiny_encoder)
        generate(context, write_job(folder).request)
        paint(root, {key: scene(seed) for seed, key in enumerate(ids_of(root, "all"))})
        embed(context)
    overlap_jobs.save_few_classes(root, tiny_encoder)
    photos = folder / "photos" / "owl"
    photos.mkdir(parents=True)
    first = min(overlap_jobs.pictures_of(root, "fictional").items())[1]
    (photos / "copy.png").write_bytes(first.read_bytes())
    overlap_jobs.noise_picture(1).save(photos / "other.png")
    return folder


@pytest.fixture
def root(drawn, tmp_path):
    shutil.copytree(drawn, tmp_path / "copy")
    return tmp_path / "copy" / "ws"


@pytest.fixture
def make(root, tiny_generator, tiny_encoder):
    """A context with further settings."""

    def make(**sections):
        tables = {"near_duplicate": LOOSE, **sections}
        return overlap_jobs.context_of(root, tiny_generator, tiny_encoder, **tables)

    return make


@pytest.fixture
def gathered(make):
    """The content of a workspace that was judged under further settings."""

    def gathered(**sections):
        context = make(**sections)
        judge_and_report(context)
        dedupe(context)
        return content_of(context)

    return gathered


def ids_of(root, kind):
    kinds = ("fictional", "real") if kind == "all" else (kind,)
    return sorted(key for each in kinds for key in overlap_jobs.pictures_of(root, each))


def content_of(context):
    return gather_content(context, select(context))


def similarities(context, ids):
    """Pair of ids to its similarity, as curation measures it."""
    table = load_embeddings(context, embed(context)).table
    row_of = dict(zip(table.ids, table.vectors, strict=True))
    pairs = list(itertools.combinations(sorted(ids), 2))
    left, right = (np.array([row_of[key] for key in side]) for side in zip(*pairs, strict=True))
    found = pair_similarities(left, right).astype(np.float32).astype(float)
    return dict(zip(pairs, found.tolist(), strict=True))


def components(ids, pairs):
    """Id to the least id that pairs connect it with."""
    least = {key: key for key in ids}
    for one, other in pairs:
        joined = {least[one], least[other]}
        least = {key: min(joined) if of in joined else of for key, of in least.items()}
    return least


def test_where_nothing_was_judged_nothing_is_said_to_be_measured(make, root):
    content = content_of(make())
    assert sorted(content.kept) == ids_of(root, "all")
    for image_id, measures in content.measures.items():
        assert measures.duplicate_group == image_id
        assert (measures.nearest_class, measures.nearest_reference) == ("", "")
        assert {measures.alignment, measures.class_margin, measures.max_similarity} == {None}
    assert content.reports["reports/duplicates.json"] == {"schema": 1, "measured": False}
    assert content.reports["reports/overlap.json"] == {
        "schema": 1, "measured": False, "copies_measured": False, "nearest_classes": {},
    }  # fmt: skip
    assert set(content.splits.values()) == {"test"}
    assert content.vectors is None


def test_measures_of_kept_images_are_those_of_the_filters(gathered, make, root):
    content = gathered()
    by_class = verdicts_of(make().workspace, "class_overlap")
    by_margin = verdicts_of(make().workspace, "alignment")
    assert set(content.measures) == set(content.kept)
    for image_id, measures in content.measures.items():
        assert measures.class_margin == by_class[image_id].measured
        assert measures.nearest_class == by_class[image_id].reference
        assert by_margin[image_id].reason == "no_limit"
        assert measures.alignment == by_margin[image_id].measured
    for image_id in set(ids_of(root, "real")) & set(content.kept):
        assert content.measures[image_id].class_margin is None
        assert content.measures[image_id].nearest_class == ""


def test_alignment_is_the_margin_over_other_concepts_also_where_the_own_class_is_far(
    make, root, monkeypatch
):
    judge_and_report(make())
    judged = verdicts_of(make().workspace, "alignment")
    # Now every real concept has a class of its own, which is nearest to few images.
    monkeypatch.setattr(alignment, "NEAREST", 1)
    monkeypatch.setattr(
        alignment, "own_classes", lambda concept, reference: frozenset({reference.classes[0].key})
    )
    for folder in ("verdicts", "done/verdicts"):
        shutil.rmtree(root / folder / "alignment")
    judge_and_report(make())
    reasons = Counter(each.reason for each in verdicts_of(make().workspace, "alignment").values())
    assert reasons["unlike_its_class"] > 0
    content = content_of(make())
    assert {key: each.alignment for key, each in content.measures.items()} == {
        key: judged[key].measured for key in content.kept
    }


def test_the_most_similar_kept_image_is_measured_above_the_floor(gathered, make):
    content = gathered()
    context = make()
    floor = content.reports["reports/duplicates.json"]["tiers"]["semantic"]["floor"]
    found = {}
    for (one, other), similarity in similarities(context, content.kept).items():
        if similarity >= floor:
            for key in (one, other):
                found[key] = max(found.get(key, -1.0), similarity)
    assert found
    assert {key: found.get(key) for key in content.kept} == {
        key: each.max_similarity for key, each in content.measures.items()
    }


def test_images_at_or_above_a_review_limit_are_one_duplicate_group(gathered, make):
    every = similarities(make(), gathered().kept)
    limit = sorted(every.values())[-4]
    content = gathered(
        near_duplicate={"max_similarity": 1.0, "review_similarity": limit, "tiers": ["semantic"]}
    )
    linked = [pair for pair, similarity in every.items() if similarity >= limit]
    assert len(linked) == 4
    groups = {key: each.duplicate_group for key, each in content.measures.items()}
    assert groups == components(content.kept, linked)


def test_equal_pictures_and_marked_pairs_that_people_keep_are_one_group(make, root):
    ids = ids_of(root, "all")
    paint(root, {ids[1]: scene(0)})
    first = next(key for key, seed in zip(ids, itertools.count(), strict=False) if seed == 0)
    decisions = [Decision((key,), "keep", "ada") for key in (first, ids[1], ids[5], ids[7])]
    marked = Decision((ids[5], ids[7]), "duplicate", "ada")
    append_records(root / "decisions.jsonl", [*decisions, marked])
    content = content_of(make())
    groups = {key: each.duplicate_group for key, each in content.measures.items()}
    assert groups == components(ids, [(first, ids[1]), (ids[5], ids[7])])


def test_numbers_on_duplicates_add_up(gathered, make, root):
    ids = ids_of(root, "all")
    paint(root, {ids[1]: scene(0), ids[2]: scene(0)})
    content = gathered(near_duplicate={**LOOSE, "review_similarity": 0.9})
    report = content.reports["reports/duplicates.json"]
    assert report["measured"]
    assert report["images"] == report["dropped_before"] + report["judged"] == 24
    assert report["judged"] == report["kept"] + report["dropped"]
    assert report["dropped"] == sum(tier["dropped"] for tier in report["tiers"].values()) == 2
    assert count_images(content)["kept"] == len(content.kept) == report["kept"]
    tier = report["tiers"]["semantic"]
    assert sum(part["generated"] for part in tier["similarities"]) == tier["edges"] > 0
    assert tier["encoder_digest"] == content.environment["encoder"]["digest"]
    every = similarities(make(), content.kept)
    listed = [value for value in every.values() if value >= tier["floor"]]
    assert sum(part["kept"] for part in tier["similarities"]) == len(listed)
    for part, after in itertools.pairwise([*tier["similarities"], {"from": 2.0}]):
        inside = [value for value in listed if part["from"] <= value < after["from"]]
        assert part["kept"] == len(inside)
    assert tier["pairs_above_limit"]["kept"] == 0
    equal = report["tiers"]["exact"]["pairs_above_limit"]
    assert equal == {"generated": 3, "kept": 0}
    hashes = report["tiers"]["perceptual"]["similarities"]
    assert [part["from"] for part in hashes][-2:] == [63 / 64, 1.0]


def test_pairs_above_the_limit_that_a_person_keeps_are_counted(gathered, root):
    ids = ids_of(root, "all")
    paint(root, {ids[1]: scene(0)})
    keep = [Decision((key,), "keep", "ada") for key in ids]
    append_records(root / "decisions.jsonl", keep)
    content = gathered(near_duplicate={**LOOSE, "radius": 0, "review_radius": 1})
    tiers = content.reports["reports/duplicates.json"]["tiers"]
    for tier in ("exact", "perceptual"):
        assert tiers[tier]["pairs_above_limit"] == {"generated": 1, "kept": 1}


def test_overlap_of_kept_images_is_counted_by_concept_and_in_all(gathered, make, root):
    content = gathered()
    report = content.reports["reports/overlap.json"]
    assert (report["measured"], report["copies_measured"]) == (True, False)
    verdicts = verdicts_of(make().workspace, "class_overlap")
    fictional = [key for key in content.kept if key in ids_of(root, "fictional")]
    over = [key for key in fictional if verdicts[key].measured > verdicts[key].limit]
    whole = report["kept"]
    assert (whole["images"], whole["copies"], whole["near_copies"]) == (len(fictional), None, None)
    assert (whole["like_class"]["images"], whole["like_class"]["of"]) == (0, len(fictional))
    assert whole["over_margin"]["images"] == len(over) > 0
    assert whole["over_margin"]["low"] < whole["over_margin"]["share"]
    assert sum(row["kept"]["images"] for row in report["concepts"]) == whole["images"]
    assert {row["concept"] for row in report["concepts"]} == {"cactihog", "mushroom-haven"}
    near = report["nearest_classes"]
    assert set(near) == {"cactihog", "mushroom-haven"}
    assert [len(rows) for rows in near.values()] == [5, 5]
    assert near["cactihog"][0]["similarity_kind"] == "mean-to-prototype"


def test_overlap_is_told_of_generated_images_too(gathered, make, root, tiny_encoder):
    shutil.rmtree(root / "references" / "few")
    overlap_jobs.save_few_classes(root, tiny_encoder, prototypes=False)
    gathered()
    ids = ids_of(root, "fictional")
    verdicts = verdicts_of(make().workspace, "class_overlap")
    middle = sorted(verdicts[key].measured for key in ids)[5]
    back = max(ids, key=lambda key: verdicts[key].measured)
    append_records(root / "decisions.jsonl", [Decision((back,), "keep", "ada")])
    content = gathered(class_overlap={"max_margin": middle})
    report = content.reports["reports/overlap.json"]
    assert [report["generated"][key] for key in ("images", "copies")] == [12, None]
    assert report["generated"]["like_class"]["images"] == 6
    assert (report["kept"]["images"], report["kept"]["like_class"]["images"]) == (7, 1)
    assert sum(row["generated"]["like_class"]["images"] for row in report["concepts"]) == 6
    assert report["nearest_classes"]["cactihog"][0]["similarity_kind"] == "mean-to-name"


def test_an_image_kept_by_a_person_counts_as_over_the_limits(gathered, make, root, drawn):
    add_reference(make(), "photos", drawn / "photos")
    copied = ids_of(root, "fictional")[0]
    append_records(root / "decisions.jsonl", [Decision((copied,), "keep", "ada")])
    content = gathered(reference_copy=COPIES)
    report = content.reports["reports/overlap.json"]
    assert report["copies_measured"]
    assert report["compared"][0]["name"] == "photos"
    assert report["kept"]["copies"]["images"] == 1
    measures = content.measures[copied]
    assert (measures.nearest_reference, measures.reference_similarity) == ("photos/owl/copy.png", 1)


def test_the_overlap_report_follows_decisions_made_since(gathered, make, root):
    before = gathered().reports["reports/overlap.json"]
    gone = ids_of(root, "fictional")[0]
    append_records(root / "decisions.jsonl", [Decision((gone,), "drop", "ada")])
    after = content_of(make()).reports["reports/overlap.json"]
    assert after["totals"]["left_out"] == before["totals"]["left_out"] + 1


def test_nearest_classes_are_those_of_the_neighbor_tables_where_they_are(make, root):
    context = make(neighbors={"nearest": 3, "bins": 3})
    write_neighbors(context)
    near = content_of(make()).reports["reports/overlap.json"]["nearest_classes"]
    assert len(near) == 4
    lines = (root / "neighbors" / "nearest.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    for slug, found in near.items():
        mine = [row for row in rows if row["concept"] == slug]
        assert [each["class_key"] for each in found] == [row["class_key"] for row in mine]
        assert [each["similarity"] for each in found] == [row["similarity"] for row in mine]


def test_calibration_and_a_finished_audit_are_taken_over(gathered, make, root):
    gathered()
    calibrate(make(near_duplicate={"tiers": ["perceptual"]}), CalibrateRequest())
    audit = root / "reports" / "audit"
    audit.mkdir()
    (audit / "result.json").write_text('{"schema": 1, "answered": 3}')
    reports = content_of(make()).reports
    text = json.dumps(reports["reports/calibration.json"], indent=2, sort_keys=True)
    assert f"{text}\n" == (root / "reports" / "calibration.json").read_text()
    assert reports["reports/audit.json"] == {"schema": 1, "answered": 3}


@pytest.mark.parametrize("content", ["{", "[1]"])
def test_a_damaged_audit_is_named_with_the_remedy(make, root, content):
    audit = root / "reports" / "audit"
    audit.mkdir(parents=True)
    (audit / "result.json").write_text(content)
    with pytest.raises(ChecksumError, match=r"audit/result\.json.*isekai-gen audit"):
        content_of(make())


def test_no_local_folder_is_told(gathered, make, tmp_path):
    content = gathered()
    told = json.dumps([content.settings, content.environment, dict(content.reports)])
    assert str(tmp_path.parent) not in told
    assert "tiny-clip" in told
    home = make(
        generate={
            "loras": [
                f"{tmp_path}/style.safetensors@0.8",
                "~/b.safetensors",
                "../c.safetensors",
                "ada/d",
            ]
        }
    )
    assert public_settings(home.settings)["generate"]["loras"] == [
        "style.safetensors@0.8", "b.safetensors", "c.safetensors", "ada/d",
    ]  # fmt: skip


def test_the_environment_names_encoder_generators_and_versions(gathered, make):
    content = gathered()
    report = embed(make())
    told = content.environment
    assert told["encoder"] == {"label": report.encoder, "digest": report.digest}
    assert content.encoder == report.encoder
    provenance = content.records[0].provenance
    assert [each["model_digest"] for each in told["generators"]] == [provenance.model_digest]
    assert {"numpy", "pillow", "pyarrow"} <= told["libraries"].keys()
    assert provenance.profile.startswith(tuple(told["profiles"]))


def test_released_embeddings_give_the_similarities_of_dropped_images_again(gathered, make):
    every = similarities(make(), gathered().kept)
    limit = sorted(every.values())[-2]
    content = gathered(
        near_duplicate={"max_similarity": limit, "review_similarity": limit, "tiers": ["semantic"]},
        release={"embeddings": True},
    )
    row_of = {key: row for row, key in enumerate(content.vectors.ids)}
    assert set(row_of) == {*content.kept, *content.dropped}
    similar = {key: each for key, each in content.dropped.items() if each.witness}
    assert similar
    for image_id, verdict in similar.items():
        rows = [content.vectors.vectors[[row_of[key]]] for key in (image_id, verdict.witness)]
        assert float(pair_similarities(*rows).astype(np.float32)[0]) == verdict.measured


def test_embeddings_are_made_where_nothing_was_judged_yet(make, root):
    content = content_of(make(release={"embeddings": True}))
    assert set(content.vectors.ids) == set(ids_of(root, "all"))
    assert content.environment["encoder"]["label"] == content.encoder == "tiny-clip"


def test_groups_are_divided_and_rows_between_them_told(make, root):
    context = make(release={"splits": ("train=0.5", "test=0.5")})
    write_manifests(context, [])
    content = content_of(context)
    split_of = {}
    for record in content.records:
        split_of.setdefault(record.concept, set()).add(content.splits[record.image_id])
    assert split_of["cactihog"] == split_of["hedgehog"]
    assert split_of["mushroom-haven"] == split_of["house"] != split_of["hedgehog"]
    notes = "\n".join(context.reporter.notes)
    assert "Splits, near-duplicates together: train 12 images, test 12 images" in notes
    assert "ISEKAI-pair: 12 rows have images of more than one split; so it is not released" in notes
    assert "ISEKAI-10" not in notes


def test_images_are_divided_within_concepts(make):
    content = content_of(make(release={"splits": ("train=0.5", "test=0.5"), "split_by": "image"}))
    assert content.split_by == "image"
    counts = Counter((each.concept, content.splits[each.image_id]) for each in content.records)
    assert set(counts.values()) == {3}


def test_splits_that_cannot_be_are_refused(make):
    with pytest.raises(ReleaseError, match=r"add up to 0\.9"):
        content_of(make(release={"splits": ("train=0.9",)}))


def test_a_damaged_summary_of_duplicates_or_lost_templates_are_named(gathered, make, root):
    gathered()
    context = make()
    selection = select(context)
    templates = (root / "templates.yaml").read_bytes()
    (root / "templates.yaml").unlink()
    with pytest.raises(ChecksumError, match=r"templates\.yaml cannot be read"):
        gather_content(context, selection)
    (root / "templates.yaml").write_bytes(templates)
    (root / "reports/duplicates/summary.json").write_text("{")
    with pytest.raises(ChecksumError, match=r"summary\.json.*isekai-gen dedupe"):
        gather_content(context, selection)
