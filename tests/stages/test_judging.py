"""Filters that need records only run by themselves wherever images are curated."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from isekai_gen.filters import FilterContext, all_filters, base, register_filter
from isekai_gen.filters.base import NOTHING_TO_JUDGE
from isekai_gen.hashing import file_sha256
from isekai_gen.records import Decision, ImageRecord, Verdict
from isekai_gen.shards import (
    append_records,
    read_marker,
    read_records,
    write_marker,
    write_records,
)
from isekai_gen.stages import embed, generate, looks
from isekai_gen.stages.curate import gather_records, make_filter, read_verdicts
from isekai_gen.stages.dedupe import dedupe
from isekai_gen.stages.drawn import STAGE, read_drawn
from isekai_gen.stages.judging import judge
from isekai_gen.stages.release import write_current_release
from isekai_gen.stages.selection import select
from isekai_gen.stages.status import read_status
from isekai_gen.workspace import Workspace
from tests.release_answers import answer_all
from tests.small_jobs import digests, make_context, run_serially, write_job

CHECK = "safety_check"


@pytest.fixture(scope="module")
def drawn(tiny_generator, tmp_path_factory):
    """Sixteen images in two shards, by a model without a safety checker."""
    folder = tmp_path_factory.mktemp("drawn")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "run_shards", run_serially)
        context = make_context(folder / "ws", tiny_generator, images_per_concept=4, shard_size=8)
        generate.generate(context, write_job(folder).request)
    return folder / "ws"


@pytest.fixture
def root(drawn, tmp_path):
    shutil.copytree(drawn, tmp_path / "ws")
    return tmp_path / "ws"


@pytest.fixture
def context(root, tiny_generator, tiny_encoder, monkeypatch):
    for stage in (embed, looks):
        monkeypatch.setattr(stage, "run_shards", run_serially)
    made = make_context(root, tiny_generator)
    settings = made.settings.with_overrides({"embed": {"encoder": str(tiny_encoder)}})
    return replace(made, settings=settings)


def flag(root, flags):
    """Record flags (id to flag; others: not flagged) as drawing with a checker does."""
    workspace = Workspace(root)
    for part in workspace.parts("records"):
        path = workspace.part("records", part)
        write_records(
            path,
            [
                replace(record, safety_flagged=flags.get(record.image_id, False))
                for record in read_records(path, ImageRecord)
            ],
        )
        marker = read_marker(workspace, STAGE, part)
        write_marker(workspace, replace(marker, digest=file_sha256(path)))


def ids_of(root):
    return [record.image_id for record in read_drawn(Workspace(root))]


def test_a_flagged_image_is_not_selected_though_no_stage_has_judged(root, context):
    first, *others = ids_of(root)
    flag(root, {first: True})
    selection = select(context)
    assert list(selection.kept) == others
    assert selection.dropped[first].reason == "flagged_by_safety_checker"
    assert any("safety_check drops 1 of 16 images" in note for note in context.reporter.notes)
    assert read_status(context.workspace).total.dropped == {CHECK: 1}


def test_a_model_without_a_checker_leaves_no_trace(root, context):
    before = digests(root, ("verdicts", "done"))
    selection = select(context)
    assert len(selection.kept) == 16
    assert digests(root, ("verdicts", "done")) == before
    assert not (root / "verdicts").exists()
    assert context.reporter.tasks == {}


def test_a_filter_with_nothing_to_judge_by_is_not_spoken_of_and_others_are(root, context):
    judge(context, gather_records(context.workspace), make_filter(CHECK, {}), {})
    assert context.reporter.tasks == {}
    first, *_ = ids_of(root)
    flag(root, {first: True})
    judge(context, gather_records(context.workspace), make_filter(CHECK, {}), {})
    assert context.reporter.tasks == {f"Judging: {CHECK}": 16}


def test_a_second_look_decides_nothing_anew_and_another_flag_does(root, context):
    first, second, *_ = ids_of(root)
    flag(root, {first: True})
    select(context)
    before = digests(root, ("verdicts", "done"))
    select(context)
    assert digests(root, ("verdicts", "done")) == before
    flag(root, {second: True})
    assert list(select(context).dropped) == [second]


def test_verdicts_follow_when_the_images_are_drawn_again_without_a_checker(root, context):
    first, *_ = ids_of(root)
    flag(root, {first: True})
    select(context)
    flag(root, dict.fromkeys(ids_of(root)))
    assert len(select(context).kept) == 16
    reasons = {verdict.reason for verdict in read_verdicts(context.workspace)[CHECK].values()}
    assert reasons == {NOTHING_TO_JUDGE}


def test_a_person_keeps_what_a_checker_flagged(root, context):
    first, *_ = ids_of(root)
    flag(root, {first: True})
    append_records(context.workspace.decisions_file, [Decision((first,), "keep", "ada")])
    assert len(select(context).kept) == 16


def test_a_flagged_image_is_nobodys_witness(root, context):
    """All images are duplicates here: only one is kept, and it is not the flagged one."""
    flagged = ids_of(root)[:4]
    flag(root, dict.fromkeys(flagged, True))
    near = {"near_duplicate": {"max_similarity": -1.0}}
    context = replace(context, settings=context.settings.with_overrides(near))
    dedupe(context)
    verdicts = read_verdicts(context.workspace)
    assert [image for image, verdict in verdicts[CHECK].items() if not verdict.keep] == flagged
    witnesses = {verdict.witness for verdict in verdicts["near_duplicate"].values()} - {""}
    assert witnesses
    assert not witnesses & set(flagged)
    total = read_status(context.workspace).total
    assert (total.kept, total.dropped) == (1, {CHECK: 4, "near_duplicate": 11})


def test_a_release_lists_what_a_checker_flagged(root, context, tmp_path):
    first, *_ = ids_of(root)
    flag(root, {first: True})
    answer_all(root)
    write_current_release(context, tmp_path / "release")  # verifies what it wrote
    rejected = (tmp_path / "release" / "rejected.jsonl").read_text().splitlines()
    assert len(rejected) == 1
    assert first in rejected[0]
    assert "flagged_by_safety_checker" in rejected[0]


@pytest.fixture
def odd_seed_filter(monkeypatch):
    """A filter of records only, registered for one test: all that a new file would hold."""
    monkeypatch.setattr(base, "_FILTERS", dict(all_filters()))

    @register_filter
    @dataclass(frozen=True)
    class OddSeedFilter:
        """Drop images with an odd seed."""

        name: ClassVar[str] = "odd_seed"
        order: ClassVar[int] = 4
        needs: ClassVar[frozenset[base.Need]] = frozenset()

        def judge(self, images: Sequence[ImageRecord], context: FilterContext) -> Iterator[Verdict]:
            for image in images:
                odd = image.planned.seed % 2 == 1
                reason = "odd_seed" if odd else "even_seed"
                yield Verdict(image.image_id, by=self.name, keep=not odd, reason=reason)

    return OddSeedFilter


def test_a_new_filter_of_records_only_is_one_file(root, context, odd_seed_filter):
    odd = {r.image_id for r in read_drawn(context.workspace) if r.planned.seed % 2 == 1}
    assert odd
    assert set(select(context).dropped) == odd
    assert read_status(context.workspace).total.dropped == {odd_seed_filter.name: len(odd)}
