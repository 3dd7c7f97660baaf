"""Calibrating a small workspace with tiny real models, and what later stages make of it."""

import shutil
from dataclasses import replace

import pytest

from isekai_gen.errors import ChecksumError, InputError
from isekai_gen.records import Decision
from isekai_gen.shards import append_records
from isekai_gen.stages.calibrate import CalibrateRequest, calibrate
from isekai_gen.stages.calibration_files import read_calibration
from isekai_gen.stages.drawn import read_drawn
from isekai_gen.stages.limits import duplicate_limits
from isekai_gen.stages.planting import TRANSFORMATIONS
from isekai_gen.stages.release import write_current_release
from isekai_gen.workspace import Workspace
from tests.release_answers import answer_all
from tests.small_jobs import digests
from tests.stages.curated_jobs import curation_context, draw_workspace, in_this_process

REQUEST = CalibrateRequest(images_per_concept=2, false_merges=50.0, seed=4)


@pytest.fixture(autouse=True)
def serial():
    with in_this_process():
        yield


@pytest.fixture(scope="module")
def drawn(tiny_generator, tmp_path_factory):
    return draw_workspace(tmp_path_factory.mktemp("drawn"), tiny_generator, 6)


@pytest.fixture
def root(drawn, tmp_path):
    shutil.copytree(drawn, tmp_path / "ws")
    return tmp_path / "ws"


@pytest.fixture
def context(root, tiny_generator, tiny_encoder):
    return curation_context(root, tiny_generator, tiny_encoder)


def test_limits_are_set_for_every_tier_and_used_by_later_stages(root, context):
    report = calibrate(context, REQUEST)
    assert set(report.calibration.tiers) == {"perceptual", "semantic"}
    assert report.calibration == read_calibration(Workspace(root))
    in_force = duplicate_limits(context)
    for tier in report.calibration.tiers.values():
        for key, value in tier.limits.items():
            assert getattr(in_force, key) == value
            assert in_force.sources[key] == "calibration"
    assert in_force.review_similarity <= in_force.max_similarity
    assert in_force.review_radius >= in_force.radius


def test_every_kind_of_copy_is_planted_in_the_images_sampled_of_each_concept(context):
    calibration = calibrate(context, REQUEST).calibration
    assert (calibration.images, calibration.sampled) == (24, 8)
    for tier in calibration.tiers.values():
        assert set(tier.transformations) == set(TRANSFORMATIONS)
        assert {each.copies for each in tier.transformations.values()} == {8}
        exact = tier.transformations["exact"]
        assert exact.found_or_reviewed == 8
        assert tier.anchors == 24


def test_the_same_seed_gives_the_same_file_and_changes_no_other(root, context):
    calibrate(context, REQUEST)
    path = root / "reports" / "calibration.json"
    before, images = path.read_bytes(), digests(root, ("images", "records", "plan"))
    calibrate(context, REQUEST)
    assert path.read_bytes() == before
    assert digests(root, ("images", "records", "plan")) == images
    calibrate(context, replace(REQUEST, seed=5))
    assert path.read_bytes() != before
    assert not list(root.glob(".tmp-*"))


def test_recalls_agree_with_the_curve(context):
    for tier in calibrate(context, REQUEST).calibration.tiers.values():
        copies = sum(each.copies for each in tier.transformations.values())
        found = sum(each.found for each in tier.transformations.values())
        recalls = [point.recall for point in tier.roc]
        assert found / copies == pytest.approx(min(recalls, key=lambda r: abs(r - found / copies)))
        assert recalls == sorted(recalls, reverse=True)
        limits = [point.limit for point in tier.roc]
        assert limits == sorted(set(limits))


def test_pairs_that_people_marked_no_longer_raise_the_limit(root, context):
    def nearest():
        return calibrate(context, REQUEST).calibration.tiers["semantic"].nearest_misses

    before = nearest()
    marked = [Decision(miss.images, "duplicate", "ada") for miss in before[:3]]
    append_records(root / "decisions.jsonl", marked)
    after = nearest()
    assert not {miss.images for miss in after} & {decision.images for decision in marked}
    assert after[0].similarity <= before[0].similarity


def test_an_extra_encoder_is_calibrated_beside_the_first(
    root, tiny_generator, tiny_encoder, tmp_path
):
    other = tmp_path / "copy-detector"
    shutil.copytree(tiny_encoder, other)
    tiers = ("exact", "semantic", "extra")
    context = curation_context(
        root, tiny_generator, tiny_encoder, tiers=tiers, extra_encoder=str(other)
    )
    report = calibrate(context, REQUEST)
    semantic, extra = (report.calibration.tiers[name] for name in ("semantic", "extra"))
    assert extra.label == "copy-detector"
    # The same weights under another name: the same measurements, under keys of its own.
    assert extra.transformations == semantic.transformations
    assert {f"extra_{key}": value for key, value in semantic.limits.items()} == extra.limits


def test_limits_of_another_encoder_are_not_used(root, context, tiny_generator):
    calibrate(context, REQUEST)
    settings = context.settings.with_overrides({"embed": {"encoder": "starter"}})
    other = duplicate_limits(replace(context, settings=settings))
    assert other.sources["max_similarity"] == "default"
    assert other.sources["radius"] == "calibration"


def test_a_limit_that_somebody_set_goes_before_and_is_said(root, tiny_generator, tiny_encoder):
    context = curation_context(root, tiny_generator, tiny_encoder, max_similarity=0.9)
    report = calibrate(context, REQUEST)
    assert report.overruled == {"max_similarity": 0.9}
    assert duplicate_limits(context).max_similarity == 0.9


def test_blank_pictures_are_no_near_misses_of_each_other(root, context):
    blank = {"picture_check": {"min_contrast": 127.0}}
    settings = context.settings.with_overrides(blank)
    with pytest.raises(InputError, match="0 image"):  # all count as blank
        calibrate(replace(context, settings=settings), REQUEST)


def test_a_calibration_belongs_to_the_release_and_a_new_one_makes_another(context, tmp_path):
    answer_all(context.workspace.root)
    out = tmp_path / "release"
    assert write_current_release(context, out)
    assert not write_current_release(context, out)
    calibrate(context, REQUEST)
    assert write_current_release(context, out)
    written = (context.workspace.reports / "calibration.json").read_bytes()
    assert (out / "reports" / "calibration.json").read_bytes() == written
    assert not write_current_release(context, out)


def test_too_few_images_are_refused(root, context):
    ids = [record.image_id for record in read_drawn(Workspace(root))][:5]
    append_records(root / "decisions.jsonl", [Decision((one,), "drop", "ada") for one in ids])
    with pytest.raises(InputError, match="19 image"):
        calibrate(context, REQUEST)


def test_exact_duplicates_alone_need_no_limit(root, tiny_generator, tiny_encoder):
    context = curation_context(root, tiny_generator, tiny_encoder, tiers=("exact",))
    with pytest.raises(InputError, match="nothing to calibrate"):
        calibrate(context, REQUEST)


def test_the_extra_tier_needs_an_encoder(root, tiny_generator, tiny_encoder):
    context = curation_context(root, tiny_generator, tiny_encoder, tiers=("extra",))
    with pytest.raises(InputError, match="no extra encoder"):
        calibrate(context, REQUEST)


def test_a_damaged_image_is_named(root, context):
    calibrate(context, REQUEST)
    for record in read_drawn(Workspace(root)):
        (root / record.path).write_bytes(b"no picture")
    with pytest.raises((ChecksumError, InputError), match="restore"):
        calibrate(context, REQUEST)


@pytest.mark.parametrize("budget", [0.0, -1.0, 1000.0])
def test_a_budget_that_is_none_is_refused(budget):
    with pytest.raises(InputError, match="false-merges"):
        CalibrateRequest(false_merges=budget)
