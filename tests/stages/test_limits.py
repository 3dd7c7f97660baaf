"""Where each limit of near-duplicates comes from, and which ones contradict each other."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.errors import InputError
from isekai_gen.models.encoder_files import identify_encoder
from isekai_gen.models.perceptual import DEFAULT_RADIUS, DEFAULT_REVIEW_RADIUS
from isekai_gen.settings import Settings
from isekai_gen.stages.calibration_files import (
    Calibration,
    TierCalibration,
    write_calibration,
)
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.embed import encoder_spec
from isekai_gen.stages.limits import (
    PERCEPTUAL_IDENTITY,
    duplicate_filter,
    duplicate_limits,
)
from isekai_gen.workspace import Workspace

SAID, CALIBRATED, DEFAULT = "option/isekai.toml", "calibration", "default"


@pytest.fixture
def context(tmp_path):
    return StageContext(Workspace(tmp_path), Settings())


def with_settings(context, **near):
    return replace(context, settings=context.settings.with_overrides({"near_duplicate": near}))


def calibrated_tier(identity, **limits):
    return TierCalibration(
        identity=identity,
        label="x",
        limits=limits,
        basis="counted",
        images_needed=1,
        anchors=1,
        wrong_drops_high=0.5,
        transformations={},
        roc=(),
        nearest_misses=(),
    )


def calibrate(context, **tiers):
    calibration = Calibration(
        false_merges=1,
        confidence=0.95,
        within="all",
        images=10,
        sampled=5,
        seed=0,
        tiers=tiers,
    )
    write_calibration(context.workspace, calibration)


def starter_digest():
    return identify_encoder(encoder_spec("starter"))


def test_without_anything_said_the_defaults_hold(context):
    limits = duplicate_limits(context)
    assert (limits.max_similarity, limits.review_similarity) == (0.95, 0.92)
    assert (limits.radius, limits.review_radius) == (DEFAULT_RADIUS, DEFAULT_REVIEW_RADIUS)
    assert (limits.extra_max_similarity, limits.extra_review_similarity) == (0.90, 0.75)
    assert limits.tiers == ("exact", "perceptual", "semantic")
    assert set(limits.sources.values()) == {DEFAULT}
    assert duplicate_filter(limits).relative is False


def test_what_is_said_outranks_calibration_and_calibration_the_default(context):
    identity = starter_digest()
    calibrate(
        context,
        semantic=calibrated_tier(identity, max_similarity=0.91, review_similarity=0.85),
        perceptual=calibrated_tier(PERCEPTUAL_IDENTITY, radius=7, review_radius=9),
    )
    limits = duplicate_limits(with_settings(context, radius=8))
    assert (limits.max_similarity, limits.source_of("semantic")) == (0.91, CALIBRATED)
    assert limits.review_similarity == 0.85
    assert (limits.radius, limits.review_radius) == (8, 9)
    assert limits.source_of("perceptual") == SAID
    assert limits.source_of("extra") == DEFAULT


def test_tiers_come_in_their_declared_order_once_each(context):
    limits = duplicate_limits(with_settings(context, tiers=("semantic", "exact", "semantic")))
    assert limits.tiers == ("exact", "semantic")


def test_a_calibration_for_another_encoder_says_nothing(context):
    calibrate(context, semantic=calibrated_tier("f" * 64, max_similarity=0.5))
    limits = duplicate_limits(context)
    assert (limits.max_similarity, limits.source_of("semantic")) == (0.95, DEFAULT)


def test_a_lower_limit_takes_the_default_review_limit_with_it(context):
    limits = duplicate_limits(with_settings(context, max_similarity=0.9))
    assert limits.review_similarity == pytest.approx(0.87)
    assert duplicate_limits(with_settings(context, max_similarity=0.99)).review_similarity == 0.92
    assert duplicate_limits(with_settings(context, max_similarity=-1.0)).review_similarity == -1.0
    assert duplicate_limits(with_settings(context, radius=30)).review_radius == 30


@given(st.floats(-1, 1), st.floats(-1, 1), st.integers(0, 31))
def test_review_limits_that_nobody_chose_lie_on_their_side(semantic, extra, radius):
    near = {"max_similarity": semantic, "extra_max_similarity": extra, "radius": radius}
    settings = Settings().with_overrides({"near_duplicate": near})
    limits = duplicate_limits(StageContext(Workspace(Path("nowhere")), settings))
    assert limits.review_similarity <= limits.max_similarity == semantic
    assert limits.extra_review_similarity <= limits.extra_max_similarity == extra
    assert limits.review_radius >= limits.radius == radius
    for tier in ("perceptual", "semantic", "extra"):
        limit, review = limits.similarity_limits(tier)
        assert -1 <= review <= limit <= 1


@pytest.mark.parametrize(
    ("near", "said"),
    [
        ({"review_similarity": 0.96}, "review_similarity 0.96 is above max_similarity 0.95"),
        (
            {"extra_max_similarity": 0.6, "extra_review_similarity": 0.7},
            "extra_review_similarity 0.7 is above extra_max_similarity 0.6",
        ),
        ({"radius": 9, "review_radius": 8}, "review_radius 8 is below radius 9"),
        ({"tiers": ("exact", "extra")}, "give one with --extra-encoder"),
        ({"tiers": ()}, "tiers is empty"),
        (
            {"tiers": ("exact",), "extra_encoder": "detector"},
            "extra_encoder is detector, but tiers does not name extra; give --tiers exact,extra",
        ),
    ],
)
def test_contradictions_are_one_clear_line(context, near, said):
    with pytest.raises(InputError) as caught:
        duplicate_limits(with_settings(context, **near))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_contradiction_says_where_the_other_limit_comes_from(context):
    calibrate(context, semantic=calibrated_tier(starter_digest(), max_similarity=0.8))
    with pytest.raises(InputError, match=r"above max_similarity 0\.8 \(calibration\)"):
        duplicate_limits(with_settings(context, review_similarity=0.9))


def test_a_radius_as_a_similarity_lies_between_the_bits(context):
    limit, review = duplicate_limits(
        with_settings(context, radius=4, review_radius=10)
    ).similarity_limits("perceptual")
    assert 1 - 5 / 64 <= limit < 1 - 4 / 64
    assert 1 - 11 / 64 <= review < 1 - 10 / 64
