"""A concept that the starter model always draws in one place: flagged, then diversified."""

import json

import pytest
import yaml

from isekai_gen.prompts import shipped_catalog_path
from tests.small_jobs import call
from tests.stages.shortcut_jobs import workers_here

PLANTED = "cactihog"
PLACE = "in a meadow"
TEMPLATES = """schema: 1
lists:
  place: [in the desert, at night, in the snow, under the sea, in a room, on a beach]
  size: ["", big, small]
  color: [red, orange, yellow, pink, blue, purple, brown]
templates:
  - id: natural-in-place
    weight: 2
    text: "{a} {size} {short} {place}"
  - id: colored-in-place
    text: "{a} {size} {color} {short} {place}"
"""
GROUPS = 4
KEPT = 14
SHOTS = 6


@pytest.fixture
def words(tmp_path):
    catalog = yaml.safe_load(shipped_catalog_path().read_text())
    catalog["groups"] = catalog["groups"][:GROUPS]
    planted = catalog["groups"][0]["fictional"]
    planted["attributes"] = {**planted["attributes"], "place": [PLACE]}
    (tmp_path / "concepts.yaml").write_text(yaml.safe_dump(catalog, sort_keys=False))
    (tmp_path / "templates.yaml").write_text(TEMPLATES)
    return tmp_path


def measure(workspace):
    """The planted concept's line of the report, after new samples and a new manifest."""
    made = ("counterfactuals", "-w", workspace, "--refill", "none", "--refill", "single")
    call(*made, "--force-stage", "--devices", "cpu")
    call("manifest", "-w", workspace, "--format", "isekai-pair", "--shots", SHOTS)
    manifest = workspace / "manifests" / "ISEKAI-pair.json"
    asked = ("--manifest", manifest, "--model", "clip:starter", "--shots", 2 * SHOTS)
    call("evaluate", "-w", workspace, *asked, "--counterfactuals", "--devices", "cpu", "--no-plot")
    report = json.loads((workspace / "reports" / "shortcuts.json").read_text())
    return {row["concept"]: row for row in report["concepts"]}


@pytest.mark.long
def test_diversification_takes_away_the_shortcut(words):
    workspace = words / "ws"
    topup = ("topup", "-w", workspace, "--kept", KEPT, "--devices", "cpu")
    given = ("--concepts", words / "concepts.yaml", "--templates", words / "templates.yaml")
    with workers_here():
        call(*topup, *given)
        before = measure(workspace)
    assert [slug for slug, row in before.items() if row["flagged"]] == [PLANTED]
    (first, *_) = before[PLANTED]["slots"]
    assert (first["slot"], first["value"], first["over_used"]) == ("place", PLACE, True)
    with workers_here():
        call(*topup, "--diversify")
        after = measure(workspace)
    gaps = [
        rows[PLANTED]["models"]["clip:starter"]["shortcut_gap"]["estimate"]
        for rows in (before, after)
    ]
    assert gaps[1] < gaps[0] - 0.2
    assert not after[PLANTED]["flagged"]
