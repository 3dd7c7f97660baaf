"""What people decided holds under other limits and encoders, from selection to release."""

from __future__ import annotations

import json
import shutil

import pytest

from isekai_gen.stages.curate import verdicts_of
from isekai_gen.stages.decisions import append_decisions, decide
from isekai_gen.stages.dedupe import FILTER, dedupe
from isekai_gen.stages.manifest import write_manifests
from isekai_gen.stages.release_content import gather_content
from isekai_gen.stages.selection import select
from tests.stages.curated_jobs import curation_context, draw_workspace, in_this_process
from tests.tiny_models import build_tiny_openclip

LIMITS = {"tiers": ("semantic",), "review_similarity": 0.1}


@pytest.fixture(scope="module")
def drawn(tiny_generator, tmp_path_factory):
    return draw_workspace(tmp_path_factory.mktemp("drawn"), tiny_generator, 4)


@pytest.fixture(scope="module")
def other_encoder(tmp_path_factory):
    return build_tiny_openclip(tmp_path_factory.mktemp("other") / "other-clip", dim=24)


@pytest.mark.slow
def test_decisions_hold_under_another_limit_and_another_encoder(
    drawn, tiny_generator, tiny_encoder, other_encoder, tmp_path
):
    root = tmp_path / "ws"
    shutil.copytree(drawn, root)
    with in_this_process():
        first = curation_context(root, tiny_generator, tiny_encoder, max_similarity=0.5, **LIMITS)
        dedupe(first)
        workspace = first.workspace
        dropped = [v for v in verdicts_of(workspace, FILTER).values() if not v.keep]
        # Random networks find nearly everything alike, so that only a few images are left.
        assert len(dropped) >= 3
        pair = tuple(sorted((dropped[0].image_id, dropped[0].witness)))
        saved, gone = [v.image_id for v in dropped if v.image_id not in pair][:2]
        append_decisions(
            workspace,
            [
                decide(pair, "not_duplicate", "ada"),
                decide([saved], "keep", "ada"),
                decide([gone], "drop", "ada"),
            ],
        )
        for encoder, limit in (
            (tiny_encoder, 0.5),
            (tiny_encoder, 0.3),
            (other_encoder, 0.3),
            (other_encoder, 0.9),
        ):
            context = curation_context(
                root, tiny_generator, encoder, max_similarity=limit, **LIMITS
            )
            dedupe(context)
            selection = select(context)
            assert saved in selection.kept
            assert gone not in selection.kept
            assert selection.dropped[gone].by == "person"
            verdicts = verdicts_of(workspace, FILTER)
            assert all({v.image_id, v.witness} != set(pair) for v in verdicts.values())

        write_manifests(context, ())
        named = {
            path
            for file in workspace.manifests.glob("ISEKAI-*.json")
            for line in file.read_text().splitlines()
            for row in [json.loads(line)]
            for path in [row["image_name"], *row["positive_list"], *row["negative_list"]]
        }
        kept_paths = {r.path for r in selection.records if r.image_id in set(selection.kept)}
        assert named <= kept_paths
        content = gather_content(context, select(context))
    assert saved in content.kept
    assert gone not in content.kept
