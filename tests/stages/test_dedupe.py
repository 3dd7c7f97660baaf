"""`dedupe` in a workspace: what it compares, what it keeps, what it writes, what it costs again."""

import json
import shutil
from dataclasses import replace

import pytest
from PIL import ImageOps

from isekai_gen.errors import InputError
from isekai_gen.neighbors.edge_files import read_covered
from isekai_gen.records import Decision
from isekai_gen.shards import append_records
from isekai_gen.stages import embed, generate, looks
from isekai_gen.stages.curate import verdicts_of
from isekai_gen.stages.dedupe import dedupe, linked_groups
from isekai_gen.stages.generate import GenerateRequest
from isekai_gen.stages.manifest import write_manifests
from isekai_gen.stages.status import read_status
from isekai_gen.workspace import Workspace
from tests.small_jobs import digests, make_context, run_serially, write_job
from tests.stages.painted import blank, ids_of, paint, paint_scenes, scene

JUDGED = ("verdicts", "reports", "done/verdicts")


@pytest.fixture(scope="module")
def drawn(tiny_generator, tmp_path_factory):
    """Sixteen images in two shards."""
    folder = tmp_path_factory.mktemp("drawn")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "run_shards", run_serially)
        context = make_context(folder / "ws", tiny_generator, images_per_concept=4, shard_size=8)
        generate.generate(context, write_job(folder).request)
    return folder / "ws"


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    for stage in (embed, generate, looks):
        monkeypatch.setattr(stage, "run_shards", run_serially)


@pytest.fixture
def root(drawn, tmp_path):
    shutil.copytree(drawn, tmp_path / "ws")
    return tmp_path / "ws"


@pytest.fixture
def make(root, tiny_generator, tiny_encoder):
    """A context with other settings of [near_duplicate].

    The tiny encoder finds all pictures alike, so the semantic limit is 1 unless a test says so.
    """

    def make(picture_check=(), **near):
        made = make_context(root, tiny_generator, images_per_concept=4, shard_size=8)
        tables = {
            "embed": {"encoder": str(tiny_encoder)},
            "near_duplicate": {"max_similarity": 1.0, **near},
            "picture_check": dict(picture_check),
        }
        return replace(made, settings=made.settings.with_overrides(tables))

    return make


def verdict_of(root, image_id):
    return verdicts_of(Workspace(root), "near_duplicate")[image_id]


def read_rows(root, name):
    lines = (root / "reports/duplicates" / name).read_text().splitlines()
    return [json.loads(line) for line in lines]


def covered_by(root, folder):
    return set(read_covered(root / "edges" / folder / "part-00000.images.parquet"))


def assert_adds_up(report):
    assert report.images == report.dropped_before + report.judged
    assert report.judged == report.kept + report.dropped
    assert report.dropped == report.marked + sum(tier.dropped for tier in report.tiers.values())
    assert report.dropped == report.verdicts.dropped


def test_equal_files_are_dropped_by_the_tier_exact_with_a_kept_witness(root, make):
    first, second, *_ = paint_scenes(root)
    paint(root, {first: scene(0), second: scene(0)})
    report = dedupe(make())
    assert_adds_up(report)
    assert (report.tiers["exact"].dropped, report.tiers["exact"].edges) == (1, 2)
    verdicts = [verdict_of(root, image_id) for image_id in (first, second)]
    kept, dropped = sorted(verdicts, key=lambda verdict: not verdict.keep)
    assert (dropped.reason, dropped.tier, dropped.witness) == ("same_bytes", "exact", kept.image_id)
    assert read_status(Workspace(root)).total.dropped == {"near_duplicate": 1}


def test_a_mirrored_picture_is_dropped_by_the_tier_perceptual(root, make):
    first, second, *_ = paint_scenes(root)
    paint(root, {second: ImageOps.mirror(scene(0))})
    report = dedupe(make())
    assert_adds_up(report)
    assert {name: tier.dropped for name, tier in report.tiers.items()} == {
        "exact": 0,
        "perceptual": 1,
        "semantic": 0,
    }
    dropped = next(v for v in (verdict_of(root, i) for i in (first, second)) if not v.keep)
    assert (dropped.reason, dropped.tier) == ("looks_the_same", "perceptual")
    assert (report.groups, report.dropped_by_components) == (1, 1)
    (group,) = read_rows(root, "groups.jsonl")
    assert group["representative"] == dropped.witness
    assert sorted(group["members"]) == sorted([first, second])
    assert report.tiers["perceptual"].limit_source == "default"


def test_the_semantic_tier_drops_above_its_limit_and_lists_what_lies_below(root, make):
    paint_scenes(root)
    listed = dedupe(make(review_similarity=0.0, max_similarity=1.0))
    assert listed.tiers["semantic"].dropped == 0
    assert listed.tiers["semantic"].review_pairs == listed.review_pairs > 0
    pair = max(read_rows(root, "review.jsonl"), key=lambda row: row["similarity"])
    limit = pair["similarity"] - 1e-6
    report = dedupe(make(max_similarity=limit))
    assert_adds_up(report)
    dropped = [verdict_of(root, image_id) for image_id in pair["images"]]
    dropped = [verdict for verdict in dropped if not verdict.keep]
    assert (dropped[0].tier, dropped[0].limit) == ("semantic", limit)
    assert dropped[0].measured == pair["similarity"]
    assert report.tiers["semantic"].limit_source == "option/isekai.toml"
    assert all(tier.complete for tier in report.tiers.values())


def test_another_limit_reuses_looks_embeddings_and_pairs(root, make):
    paint_scenes(root)
    first = dedupe(make(max_similarity=0.99))
    assert first.tiers["semantic"].searched == first.tiers["perceptual"].searched == 16
    before = digests(root, ("edges", "embeddings", "looks", "done/edges"))
    context = make(max_similarity=0.97)
    again = dedupe(context)
    assert again.tiers["semantic"].searched == again.tiers["perceptual"].searched == 0
    assert digests(root, ("edges", "embeddings", "looks", "done/edges")) == before
    assert context.reporter.tasks.keys() == {"Judging: near_duplicate"}
    assert again.dropped >= first.dropped


def test_a_second_run_decides_nothing_and_changes_no_file(root, make):
    paint_scenes(root)
    assert dedupe(make()).verdicts.decided
    before = digests(root, (".",))
    again = dedupe(make())
    assert not again.verdicts.decided
    assert not again.picture_check.decided
    assert digests(root, (".",)) == before


def test_more_images_are_compared_with_the_old_ones_and_the_old_ones_not_again(
    root, make, tmp_path
):
    paint_scenes(root)
    dedupe(make())
    context = make()
    more = {"generate": {"images_per_concept": 6}}
    context = replace(context, settings=context.settings.with_overrides(more))
    generate.generate(context, GenerateRequest())
    report = dedupe(context)
    assert report.images == 24
    assert report.tiers["semantic"].searched == report.tiers["perceptual"].searched == 8
    assert_adds_up(report)
    grown = {i: v.to_json() for i, v in verdicts_of(Workspace(root), "near_duplicate").items()}
    for folder in ("edges", "done/edges", "verdicts", "done/verdicts"):
        shutil.rmtree(root / folder)
    scratch = dedupe(context)
    assert scratch.tiers["semantic"].searched == 24
    assert grown == {
        i: v.to_json() for i, v in verdicts_of(Workspace(root), "near_duplicate").items()
    }


def test_blank_pictures_are_dropped_by_name_and_compared_with_nothing(root, make):
    ids = paint_scenes(root)
    black = ids[:5]
    paint(root, {image_id: blank() for image_id in black})
    report = dedupe(make())
    assert_adds_up(report)
    assert report.picture_check.reasons == {"blank": 5, "within_limit": 11}
    assert (report.dropped_before, report.judged) == (5, 11)
    assert covered_by(root, "tiny-clip") == covered_by(root, "perceptual") == set(ids[5:])
    assert read_status(Workspace(root)).total.dropped == {"picture_check": 5}
    verdicts = verdicts_of(Workspace(root), "near_duplicate")
    assert {verdicts[image_id].reason for image_id in black} == {"dropped_before"}


def test_a_blank_picture_that_a_person_keeps_is_compared_like_any_other(root, make):
    ids = paint_scenes(root)
    paint(root, {image_id: blank() for image_id in ids[:3]})
    dedupe(make())
    append_records(root / "decisions.jsonl", [Decision((ids[0],), "keep", "ada")])
    report = dedupe(make())
    assert report.tiers["semantic"].searched == 1
    assert (report.dropped_before, report.judged) == (2, 14)
    assert verdict_of(root, ids[0]).keep


def test_limits_of_the_picture_check_are_those_of_the_settings(root, make):
    paint_scenes(root)
    report = dedupe(make(picture_check={"min_short_side": 65}))
    assert report.picture_check.reasons == {"too_small": 16}
    assert (report.judged, report.kept) == (0, 0)
    assert "min_short_side = 65" in (root / "isekai.toml").read_text()


def test_a_dry_run_says_the_same_and_leaves_verdicts_reports_and_settings(root, make):
    ids = paint_scenes(root)
    paint(root, {ids[1]: scene(0), ids[2]: blank()})
    before = digests(root, JUDGED)
    toml = (root / "isekai.toml").read_text()
    dry = dedupe(make(), dry_run=True)
    assert digests(root, JUDGED) == before
    assert (root / "isekai.toml").read_text() == toml
    assert (dry.dry_run, dry.files, dry.dropped) == (True, (), 1)
    wet = dedupe(make())
    assert dry.to_summary() == wet.to_summary()
    assert not wet.dry_run
    assert [(root / name).is_file() for name in wet.files] == [True] * 4


def test_a_dry_run_under_other_limits_leaves_the_verdicts_in_force(root, make):
    paint_scenes(root)
    dedupe(make())
    before = digests(root, JUDGED)
    dry = dedupe(make(max_similarity=-1.0), dry_run=True)
    assert (dry.kept, dry.dropped) == (1, 15)
    assert digests(root, JUDGED) == before


def test_the_summary_on_disk_holds_what_does_not_depend_on_the_run(root, make):
    paint_scenes(root)
    report = dedupe(make())
    summary = json.loads((root / "reports/duplicates/summary.json").read_text())
    assert summary == json.loads(json.dumps(report.to_summary()))
    assert "seconds" not in summary
    assert set(report.seconds) == {
        "looking", "embedding", "checking", "searching", "deciding", "reporting",
    }  # fmt: skip
    json.dumps(report.to_json(), allow_nan=False)


def test_a_tight_concept_is_not_wiped_out_under_the_relative_rule(root, make):
    paint_scenes(root)
    wiped = dedupe(make(max_similarity=-1.0, within="concept"))
    assert (wiped.kept, wiped.dropped_by_absolute) == (4, None)
    relative = dedupe(make(max_similarity=-1.0, within="concept", relative_quantile=0.5))
    assert relative.dropped_by_absolute == wiped.dropped == 12
    assert 4 < relative.kept < 16
    assert_adds_up(relative)


def test_an_extra_encoder_compares_under_its_own_name(root, make, tiny_encoder, tmp_path):
    paint_scenes(root)
    detector = tmp_path / "copy-detector"
    shutil.copytree(tiny_encoder, detector)
    tiers = ("exact", "extra")
    report = dedupe(make(tiers=tiers, extra_encoder=str(detector), extra_max_similarity=-1.0))
    assert list(report.tiers) == ["exact", "extra"]
    assert (report.tiers["extra"].dropped, report.kept) == (15, 1)
    assert {path.name for path in (root / "edges").iterdir()} == {"copy-detector"}
    assert {path.name for path in (root / "embeddings").iterdir()} == {"copy-detector", "tiny-clip"}
    toml = (root / "isekai.toml").read_text()
    assert f'encoder = "{tiny_encoder}"' in toml  # [embed] is still the main one
    assert f'extra_encoder = "{detector}"' in toml


def test_exact_alone_searches_nothing(root, make):
    ids = paint_scenes(root)
    paint(root, {ids[1]: scene(0)})
    report = dedupe(make(tiers=("exact",)))
    assert (report.dropped, report.memorized) == (1, 0)
    assert not (root / "edges").exists()


def test_a_pair_that_a_person_marked_counts_apart(root, make):
    ids = paint_scenes(root)
    pair = tuple(sorted(ids[:2]))
    append_records(root / "decisions.jsonl", [Decision(pair, "duplicate", "ada")])
    report = dedupe(make())
    assert (report.dropped, report.marked) == (1, 1)
    assert_adds_up(report)


def test_prompts_that_give_one_picture_whatever_the_seed_are_listed(root, make):
    ids = paint_scenes(root)
    report = dedupe(make(max_similarity=-1.0))
    rows = read_rows(root, "memorized.jsonl")
    assert report.memorized == len(rows)
    for row in rows:
        assert len(row["images"]) == len(set(row["seeds"])) >= 3
        assert set(row["images"]) <= set(ids)
    assert dedupe(make(max_similarity=1.0)).memorized == 0


def test_what_a_person_keeps_twice_is_one_group_for_manifests(root, make):
    ids = paint_scenes(root)
    paint(root, {ids[1]: scene(0)})
    keeps = [Decision((image_id,), "keep", "ada") for image_id in ids[:2]]
    append_records(root / "decisions.jsonl", keeps)
    context = make()
    assert dedupe(context).dropped == 0
    assert linked_groups(context, ids) == [frozenset(ids[:2])]
    assert linked_groups(context, ids[1:]) == []
    assert write_manifests(context, ())


def test_a_picture_that_is_gone_is_said_and_what_to_do(root, make):
    ids = paint_scenes(root)
    next((root / "images").glob(f"*/{ids[3]}.png")).unlink()
    with pytest.raises(InputError, match=f"such as {ids[3]}; run `isekai-gen generate`"):
        dedupe(make())


def test_limits_that_contradict_each_other_are_refused_before_anything_is_done(root, make):
    with pytest.raises(InputError, match=r"review_similarity 0\.97 is above max_similarity 0\.9"):
        dedupe(make(max_similarity=0.9, review_similarity=0.97))
    assert not (root / "looks").exists()


def test_every_dropped_image_names_a_kept_witness_in_the_same_workspace(root, make):
    paint_scenes(root)
    dedupe(make(max_similarity=0.99))
    verdicts = verdicts_of(Workspace(root), "near_duplicate")
    assert set(verdicts) == set(ids_of(root))
    for verdict in verdicts.values():
        assert verdict.keep or verdicts[verdict.witness].keep
