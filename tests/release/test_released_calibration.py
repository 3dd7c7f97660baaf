"""A release carries the calibration of its limits, and verifies it."""

import json

import pytest

from isekai_gen.release.build import build_release
from isekai_gen.release.verify import verify_release
from isekai_gen.release.verify_tables import CALIBRATION_FILE
from tests.release.conftest import OPTIONS

CONTENT = b'{"schema": 1, "tiers": {}}\n'


@pytest.fixture
def released(small, tmp_path):
    path = small.workspace.reports / "calibration.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(CONTENT)
    return build_release(small.workspace, tmp_path / "release", OPTIONS, small.content).folder


def test_the_calibration_is_copied_byte_for_byte_and_named_in_the_card(released):
    assert (released / CALIBRATION_FILE).read_bytes() == CONTENT
    assert CALIBRATION_FILE in (released / "README.md").read_text()
    listed = json.loads((released / "release.json").read_text())["files"]
    assert {"path": CALIBRATION_FILE, "role": "report"}.items() <= next(
        each.items() for each in listed if each["path"] == CALIBRATION_FILE
    )
    assert not verify_release(released)


def test_a_release_without_calibration_is_whole(built):
    assert not (built / CALIBRATION_FILE).exists()
    assert CALIBRATION_FILE not in (built / "README.md").read_text()
    assert not verify_release(built)


def test_a_changed_calibration_is_found(released):
    (released / CALIBRATION_FILE).write_bytes(CONTENT.replace(b"{}", b'{"x": 1}'))
    assert {(found.file, found.rule) for found in verify_release(released)} >= {
        (CALIBRATION_FILE, "checksum")
    }


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"schema": 9, "tiers": {}}', b'{"schema": 1}'])
def test_a_file_that_is_no_calibration_is_found(released, content):
    (released / CALIBRATION_FILE).write_bytes(content)
    assert {(found.file, found.rule) for found in verify_release(released)} >= {
        (CALIBRATION_FILE, "json")
    }
