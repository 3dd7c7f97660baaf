"""The review page's counters are those of `status`, whatever people and programs do."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.review.source import ImageQuery
from isekai_gen.stages.decisions import append_decisions, decide
from isekai_gen.stages.review_index import review_folder
from isekai_gen.stages.status import read_status
from tests.small_jobs import catalog_text
from tests.stages.review_jobs import ANIMALS, open_at, said
from tests.stages.test_status import workspaces

CHOICES = ["keep", "drop", "undecided"]


def counted(workspace):
    """What `status --json` says, in the form of the summary."""
    status = read_status(workspace).to_json()
    by_concept = {
        slug: (counts["generated"], counts["kept"], sum(counts["dropped"].values()))
        for slug, counts in status.pop("by_concept").items()
    }
    return status, by_concept


def shown(summary):
    by_concept = {
        entry["slug"]: (entry["generated"], entry["kept"], entry["dropped"])
        for entry in summary["concepts"]
    }
    return summary["counts"], by_concept


def assert_adds_up(workspace, summary):
    (totals, by_concept), (shown_totals, shown_by_concept) = counted(workspace), shown(summary)
    assert shown_totals == totals
    assert {slug: shown_by_concept[slug] for slug in by_concept} == by_concept
    assert all(counts == (0, 0, 0) for s, counts in shown_by_concept.items() if s not in by_concept)


@settings(max_examples=25, deadline=None)
@given(
    workspaces(), st.lists(st.tuples(st.integers(0, 30), st.sampled_from(CHOICES), st.booleans()))
)
def test_counters_equal_status_after_every_decision(fill, steps):
    with tempfile.TemporaryDirectory() as folder:
        workspace = fill(Path(folder) / "ws")
        workspace.catalog_file.write_text(catalog_text(ANIMALS))
        review = open_at(workspace.root)
        assert_adds_up(workspace, review.summary())
        drawn = [row["id"] for row in review.images(ImageQuery(limit=500))["images"]]
        for number, choice, elsewhere in steps if drawn else ():
            image_id = drawn[number % len(drawn)]
            if elsewhere:
                append_decisions(workspace, [decide([image_id], choice, "bo")])
                summary = review.summary()
            else:
                summary = review.say([said(choice, image_id)])
            assert_adds_up(workspace, summary)
            kept = review.images(ImageQuery(verdicts=("kept",)))["total"]
            assert kept == summary["counts"]["kept"]
        while review.undo()["undone"]:
            assert_adds_up(workspace, review.summary())
        review.close()
        assert_adds_up(workspace, open_at(workspace.root).summary())


@settings(max_examples=10, deadline=None)
@given(workspaces())
def test_an_index_is_made_once_and_a_damaged_one_anew(fill):
    with tempfile.TemporaryDirectory() as folder:
        workspace = fill(Path(folder) / "ws")
        workspace.catalog_file.write_text(catalog_text(ANIMALS))
        index = review_folder(workspace) / "index.sqlite"
        listed, made = [], []
        for damage in (False, False, True):
            if damage:
                index.write_bytes(b"damaged")
            review = open_at(workspace.root)
            listed.append(review.images(ImageQuery(limit=500)))
            made.append(index.stat().st_mtime_ns)
            review.close()
        assert listed[0] == listed[1] == listed[2]
        assert made[0] == made[1] < made[2]
