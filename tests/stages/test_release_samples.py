"""Counterfactual samples of a real workspace, as its release has them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from isekai_gen.errors import InputError
from isekai_gen.release.verification.verify import verify_release
from isekai_gen.shards import read_lines
from isekai_gen.stages.counterfactual_files import samples_workspace
from isekai_gen.stages.counterfactual_read import read_counterfactuals
from isekai_gen.stages.release import write_current_release, write_release
from isekai_gen.stages.release_samples import released_samples
from tests.release_answers import answer_all
from tests.small_jobs import digests
from tests.stages.counterfactual_jobs import Bench

ROWS = "counterfactuals/metadata.jsonl"


@pytest.fixture(scope="module")
def made(drawn, tmp_path_factory, tiny_generator, tiny_encoder):
    """A bench with judged samples; releases are built beside it."""
    bench = Bench(drawn, tmp_path_factory.mktemp("made") / "ws", tiny_generator, tiny_encoder)
    bench.make(refills=("none", "multi"))
    answer_all(bench.root)
    return bench


def context_of(bench, **release):
    made = bench.context()
    return replace(made, settings=made.settings.with_overrides({"release": release}))


def test_kept_samples_are_released_and_verify(made, tmp_path):
    write_release(context_of(made), tmp_path / "out")
    kept = {sample.record.id: sample.record for sample in read_counterfactuals(_workspace(made))}
    rows = read_lines(tmp_path / "out" / ROWS)
    assert {row["id"] for row in rows} == kept.keys()
    assert kept
    for row in rows:
        record = kept[row["id"]]
        assert row["pixel_sha256"] == record.pixel_sha256
        assert row["source"] == record.recipe.source
        assert row["label_stands"] == record.label_stands
    assert verify_release(tmp_path / "out") == []


def test_without_samples_a_release_is_as_if_there_were_none(made, drawn, tmp_path, request):
    models = [request.getfixturevalue(name) for name in ("tiny_generator", "tiny_encoder")]
    never = Bench(drawn, tmp_path / "never", *models)
    answer_all(never.root)
    write_release(context_of(never), tmp_path / "before")
    write_release(context_of(made, counterfactuals=False), tmp_path / "without")
    assert digests(tmp_path / "without") == digests(tmp_path / "before")


def test_a_sample_with_pixels_of_two_splits_stays_behind(made):
    context = context_of(made)
    kept = [sample.record for sample in read_counterfactuals(_workspace(made))]
    images = {each for record in kept for each in (record.recipe.source, *record.recipe.fillers)}
    alone = dict(zip(sorted(images), map(str, range(len(images))), strict=True))
    found = {sample.id for sample in released_samples(context, alone)}
    assert found == {record.id for record in kept if not record.recipe.fillers}
    assert 0 < len(found) < len(kept)


def test_samples_that_were_not_judged_stop_a_release_that_wants_them(made, tmp_path):
    samples = samples_workspace(_workspace(made))
    verdicts = samples.root / samples.verdicts("near_duplicate")
    verdicts.rename(tmp_path / "verdicts")
    try:
        with pytest.raises(InputError, match=r"not judged yet.*--no-counterfactuals"):
            write_release(context_of(made), tmp_path / "out")
        write_release(context_of(made, counterfactuals=False), tmp_path / "out")
    finally:
        (tmp_path / "verdicts").rename(verdicts)


def test_a_current_release_is_built_again_when_samples_are_no_longer_wanted(made, tmp_path):
    out = tmp_path / "out"
    assert write_current_release(context_of(made), out)
    assert not write_current_release(context_of(made), out)
    assert write_current_release(context_of(made, counterfactuals=False), out)
    assert not (out / ROWS).exists()


def _workspace(bench):
    return bench.context().workspace
