"""The calibration file: what was written comes back, and nothing else is believed."""

import json

import pytest

from isekai_gen.errors import ChecksumError
from isekai_gen.intervals import Interval
from isekai_gen.stages.calibration_files import (
    Calibration,
    NearMiss,
    RocPoint,
    TierCalibration,
    TransformationRecall,
    calibration_file,
    read_calibration,
    write_calibration,
)
from isekai_gen.stages.calibration_report import calibration_lines
from isekai_gen.workspace import Workspace


def tier(identity="digest of the encoder", **limits):
    return TierCalibration(
        identity=identity,
        label="ViT",
        limits=limits or {"max_similarity": 0.97, "review_similarity": 0.93},
        basis="counted",
        images_needed=2995,
        anchors=4000,
        wrong_drops_high=0.75,
        transformations={
            "flip": TransformationRecall(
                copies=40, found=38, found_or_reviewed=40, recall=Interval(0.95, 0.835, 0.986)
            )
        },
        roc=(RocPoint(limit=0.97, recall=0.95, wrong_drops=0.0, wrong_drops_high=0.75),),
        nearest_misses=(NearMiss(images=("a" * 20, "b" * 20), similarity=0.9688),),
    )


def calibration(**tiers):
    return Calibration(
        false_merges=1.0,
        confidence=0.95,
        within="all",
        images=4000,
        sampled=40,
        seed=3,
        tiers=tiers or {"semantic": tier()},
    )


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


def test_a_calibration_comes_back_as_it_was_written(workspace):
    both = calibration(semantic=tier(), perceptual=tier("hashes", radius=6.0, review_radius=10.0))
    path = write_calibration(workspace, both)
    assert read_calibration(workspace) == both
    before = path.read_bytes()
    write_calibration(workspace, both)
    assert path.read_bytes() == before


def test_a_workspace_without_the_file_is_not_calibrated(workspace):
    assert read_calibration(workspace) is None


def test_limits_hold_only_for_what_they_were_measured_by():
    known = calibration()
    assert known.limits_for("semantic", "digest of the encoder") == {
        "max_similarity": 0.97,
        "review_similarity": 0.93,
    }
    assert known.limits_for("semantic", "another encoder") is None
    assert known.limits_for("perceptual", "digest of the encoder") is None
    assert known.limits_for("exact", "digest of the encoder") is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda row: row.update(schema=2), "schema"),
        (lambda row: row.update(unknown=1), "unknown"),
        (lambda row: row.pop("tiers"), "tiers"),
        (lambda row: row["tiers"].update(exact=row["tiers"]["semantic"]), "tiers.exact"),
        (lambda row: row["tiers"]["semantic"].update(limits={"max_similarity": "x"}), "limits"),
        (lambda row: row["tiers"]["semantic"].update(identity=None), "identity"),
    ],
)
def test_an_edited_file_is_refused_in_one_line_that_names_the_place(workspace, change, said):
    path = write_calibration(workspace, calibration())
    row = json.loads(path.read_text())
    change(row)
    path.write_text(json.dumps(row))
    with pytest.raises(ChecksumError) as refused:
        read_calibration(workspace)
    assert str(path) in str(refused.value)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"schema": NaN}'])
def test_a_torn_file_is_refused(workspace, content):
    path = calibration_file(workspace)
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(ChecksumError, match="run `isekai-gen calibrate` again"):
        read_calibration(workspace)


def test_the_report_tells_limits_recalls_and_what_to_look_at():
    lines = list(calibration_lines(calibration()))
    assert any("`max_similarity` = 0.97" in line for line in lines)
    assert "| flip | 40 | 38 | 0.950 (0.835-0.986) | 40 |" in lines
    assert f"* 0.9688: {'a' * 20}, {'b' * 20}" in lines
