"""Two hundred pairs by keyboard, and decisions that outlast `dedupe` under another limit."""

import json
import logging
import time

import pytest

from isekai_gen.settings import read_settings
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.selection import select
from isekai_gen.workspace import Workspace
from tests.browser.looking import decided, ids_shown, left_in, press, until
from tests.browser.workspaces import in_this_process, pairs_for_people, status_of
from tests.small_jobs import Recorder, call

PAIRS = 200


@pytest.fixture
def server(own_server):
    """The pairs are judged again, under other limits."""
    return own_server


@pytest.mark.long
def test_two_hundred_pairs_are_cleared_by_keyboard(watch, server, workspace):
    # Every pair of kept images is in the band.
    judge_again(workspace, "0.99", "-1")
    pairs = len(pairs_for_people(workspace))
    assert pairs >= PAIRS
    page = watch.open(server)
    until(lambda: left_in(page, "duplicates") == pairs)
    page.reload()
    page.locator(".stage img").first.wait_for()
    begun = time.perf_counter()
    shown = {tuple(sorted(press(page, "dn"[place % 2]))) for place in range(PAIRS)}
    seconds = time.perf_counter() - begun
    until(lambda: left_in(page, "duplicates") == pairs - PAIRS)
    logging.getLogger(__name__).info("%.1f ms a pair", 1000 * seconds / PAIRS)
    assert {d.images for d in decided(workspace, PAIRS)} == shown
    assert len(shown) == PAIRS


@pytest.mark.slow
def test_decisions_outlast_dedupe_under_another_limit(watch, server, workspace):
    page = watch.open(server)
    same = set(press(page, "d"))
    other = tuple(sorted(press(page, "n")))
    dropped, _ = press(page, "1")
    decided(workspace, 3)
    for limits in (("0.45", "0.3"), ("0.99", "0.2")):
        judge_again(workspace, *limits)
        kept = kept_in(workspace)
        assert dropped not in kept
        assert len(kept & same) < 2
        assert set(other) not in witnesses(workspace)
        asked = [set(pair["images"]) for pair in pairs_for_people(workspace)]
        assert same not in asked
        assert set(other) not in asked
        assert not any(dropped in pair for pair in asked)
    # Nothing else is near that limit.
    assert len(kept & same) == 1
    assert status_of(workspace)["dropped"] == {"near_duplicate": 1, "person": 1}
    page.reload()
    page.locator(".stage img").first.wait_for()
    assert set(ids_shown(page)) not in (same, set(other))


def judge_again(workspace, limit: str, review: str) -> None:
    limits = ("--max-similarity", limit, "--review-similarity", review)
    with in_this_process():
        call("dedupe", "-w", workspace, "--force-stage", "--quiet", *limits)


def kept_in(workspace) -> set[str]:
    """Ids that selection keeps, as manifests and releases do."""
    settings = read_settings(workspace / "isekai.toml")
    return set(select(StageContext(Workspace(workspace), settings, Recorder())).kept)


def witnesses(workspace) -> list[set[str]]:
    """Each dropped near-duplicate with the image on whose account it is dropped."""
    lines = (
        json.loads(line)
        for part in (workspace / "verdicts" / "near_duplicate").glob("part-*.jsonl")
        for line in part.read_text().splitlines()
    )
    return [{row["image_id"], row["witness"]} for row in lines if not row["keep"]]
