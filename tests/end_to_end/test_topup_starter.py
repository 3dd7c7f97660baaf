"""topup with the starter models on two groups of the shipped catalog."""

import json

import pytest
import yaml

from isekai_gen.prompts import shipped_catalog_path
from tests.small_jobs import call
from tests.stages.curated_jobs import in_this_process


@pytest.mark.slow
def test_the_starter_models_keep_what_was_asked_for(tmp_path):
    shipped = yaml.safe_load(shipped_catalog_path().read_text(encoding="utf-8"))
    catalog = tmp_path / "concepts.yaml"
    catalog.write_text(yaml.safe_dump({**shipped, "groups": shipped["groups"][:2]}))
    args = ["topup", "-w", tmp_path / "ws", "--concepts", catalog, "--kept", 5, "--json"]
    with in_this_process():
        # A little below the default limit, so that a part of these few images is alike.
        done = call(*args, "--max-similarity", "0.87")
    found = json.loads(done.stdout)
    assert [entry["state"] for entry in found["concepts"]] == ["reached"] * 4
    assert all(entry["kept"] >= 5 for entry in found["concepts"])
    assert found["rounds"] > 1
    dropped = found["yields"]["total"]["dropped"]
    assert sum(dropped.values()) > 0
    assert found["yields"]["total"]["generated"] == sum(e["drawn"] for e in found["concepts"])
    status = json.loads(call("status", "-w", tmp_path / "ws", "--json").stdout)
    assert {slug: counts["kept"] for slug, counts in status["by_concept"].items()} == {
        entry["concept"]: entry["kept"] for entry in found["concepts"]
    }
