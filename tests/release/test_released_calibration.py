"""A release carries the calibration of its limits, and verifies it."""

import json

import pytest

from isekai_gen.release.building.build import build_release
from isekai_gen.release.layout import CALIBRATION_FILE
from isekai_gen.release.verification.verify import verify_release

CALIBRATION = {
    "schema": 1,
    "false_merges": 1.0,
    "confidence": 0.95,
    "within": "all",
    "images": 16,
    "sampled": 8,
    "seed": 0,
    "tiers": {},
}


@pytest.fixture
def released(small, tmp_path):
    reports = {**small.content.reports, CALIBRATION_FILE: CALIBRATION}
    return build_release(small.request(tmp_path / "release", reports=reports)).folder


def test_the_calibration_is_a_report_that_the_card_tells(released):
    assert json.loads((released / CALIBRATION_FILE).read_text()) == CALIBRATION
    assert "calibrated on 16 images" in (released / "README.md").read_text()
    listed = json.loads((released / "release.json").read_text())["files"]
    assert {"path": CALIBRATION_FILE, "role": "report"}.items() <= next(
        each.items() for each in listed if each["path"] == CALIBRATION_FILE
    )
    assert not verify_release(released)


def test_a_release_without_calibration_is_whole(built):
    assert not (built / CALIBRATION_FILE).exists()
    assert "**not calibrated**" in (built / "README.md").read_text()
    assert not verify_release(built)


def test_a_changed_calibration_is_found(released):
    path = released / CALIBRATION_FILE
    path.write_bytes(path.read_bytes().replace(b"{}", b'{"x": 1}'))
    assert {(found.file, found.rule) for found in verify_release(released)} >= {
        (CALIBRATION_FILE, "checksum")
    }


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"{", "json"),
        (b"[]", "report"),
        (b'{"schema": 9, "tiers": {}}', "report"),
        (b'{"schema": 1}', "report"),
    ],
)
def test_a_file_that_is_no_calibration_is_found(released, content, rule):
    (released / CALIBRATION_FILE).write_bytes(content)
    assert {(found.file, found.rule) for found in verify_release(released)} >= {
        (CALIBRATION_FILE, rule)
    }
