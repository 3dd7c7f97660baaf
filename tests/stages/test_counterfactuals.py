"""Counterfactual samples: made, said, judged, made again, and never among the main images."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from isekai_gen.counterfactuals.records import CounterfactualRecord
from isekai_gen.errors import InputError, ModelError, StaleShardError
from isekai_gen.records import select_kept
from isekai_gen.stages.counterfactual_files import SampleFailure, read_plan
from isekai_gen.stages.counterfactual_maker import NO_OBJECT
from isekai_gen.stages.counterfactual_manifest import write_counterfactual_manifest
from isekai_gen.stages.counterfactual_read import (
    PERSON,
    SOURCE_DROPPED,
    read_counterfactuals,
    read_judged,
    read_sample_verdicts,
)
from isekai_gen.stages.counterfactual_sheet import one_of_each_concept, write_sheet
from isekai_gen.stages.counterfactual_status import read_sample_status
from isekai_gen.stages.counterfactuals import make_counterfactuals
from isekai_gen.stages.decisions import append_decisions, decide
from isekai_gen.stages.drawn import read_drawn
from isekai_gen.stages.manifest import write_manifests
from isekai_gen.stages.pictures import read_origin
from isekai_gen.stages.selection import select
from isekai_gen.stages.status import read_status
from isekai_gen.workspace import Workspace
from tests.small_jobs import digests
from tests.stages.counterfactual_jobs import Bench, samples_in_this_process
from tests.tiny_models import make_it_draw_nan

SAMPLES = ("counterfactuals",)


@pytest.fixture
def bench(drawn, tmp_path, tiny_generator, tiny_encoder):
    return Bench(drawn, tmp_path / "ws", tiny_generator, tiny_encoder)


@pytest.fixture(scope="module")
def made(drawn, tmp_path_factory, tiny_generator, tiny_encoder):
    """A bench with samples of all kinds, to be looked at only."""
    bench = Bench(drawn, tmp_path_factory.mktemp("made") / "ws", tiny_generator, tiny_encoder)
    bench.make(refills=("none", "single", "multi"), random_control=True)
    return bench


def pixels_of(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_every_kept_image_gets_one_sample_of_each_kind(made):
    workspace = made.context().workspace
    kinds = {
        (each.recipe.source, each.recipe.kept, each.recipe.refill, each.recipe.method == "random")
        for each in made.outcomes
    }
    assert len(made.outcomes) == len(kinds) == 8 * 2 * 3 * 2
    assert {kind[0] for kind in kinds} == {record.image_id for record in read_drawn(workspace)}
    counts = read_sample_status(workspace)
    assert counts.total.planned == len(kinds)
    assert sum(each.planned for each in counts.by_concept.values()) == len(kinds)


def test_what_is_kept_has_the_pixels_of_its_source_and_the_label_stands_with_the_object(made):
    path_of = {record.image_id: record.path for record in read_drawn(Workspace(made.root))}
    for record in made.outcomes:
        same = np.all(
            pixels_of(made.root / record.path)
            == pixels_of(made.root / path_of[record.recipe.source]),
            axis=2,
        )
        # A filler may have the same color at a place by chance, so more may be the same.
        assert same.mean() >= 1 - record.mask_rate - 1e-9
        assert record.label_stands == (record.recipe.kept == "object")


def test_object_and_context_of_a_picture_make_up_the_whole(made):
    rates: dict[str, float] = {}
    for record in made.outcomes:
        recipe = record.recipe
        if recipe.refill == "none" and recipe.method != "random":
            rates[recipe.source] = rates.get(recipe.source, 0) + record.mask_rate
    assert list(rates.values()) == pytest.approx([1.0] * 8)


def test_a_control_has_the_area_of_its_sample(made):
    areas: dict[tuple, set[float]] = {}
    for record in made.outcomes:
        areas.setdefault((record.recipe.source, record.recipe.kept), set()).add(record.mask_rate)
    assert {len(found) for found in areas.values()} == {1}


def test_fillers_are_of_other_concepts_and_not_of_the_counterpart(made):
    concept_of = {record.image_id: record.concept for record in read_drawn(Workspace(made.root))}
    group = {"cactihog": 0, "hedgehog": 0, "mushroom-haven": 1, "house": 1}
    for record in made.outcomes:
        fillers = [group[concept_of[filler]] for filler in record.recipe.fillers]
        assert len(fillers) == {"none": 0, "single": 1, "multi": 4}[record.recipe.refill]
        assert all(filler != group[record.recipe.concept] for filler in fillers)


def test_the_picture_says_how_it_came_to_be(made):
    record = made.outcomes[0]
    origin = read_origin(made.root / record.path)
    assert origin["counterfactual"] == json.loads(json.dumps(record.recipe.to_fields()))
    assert origin["label_stands"] is True
    (source,) = [
        each for each in read_drawn(Workspace(made.root)) if each.image_id == record.recipe.source
    ]
    assert origin["source_provenance"]["model_digest"] == source.provenance.model_digest


def test_copies_differ_and_what_would_be_the_same_is_made_once(bench):
    bench.make(per_image=3, refills=("none", "single"), kept=("context",))
    plain = [each for each in bench.outcomes if each.recipe.refill == "none"]
    single = [each for each in bench.outcomes if each.recipe.refill == "single"]
    assert len(plain) == 8
    assert len({(each.recipe.source, each.recipe.fillers) for each in single}) == 24


def test_run_again_nothing_is_done_and_a_lost_picture_is_made_again(bench):
    assert bench.make().worked
    before = digests(bench.root, SAMPLES)
    assert not bench.make().worked
    lost = bench.root / bench.outcomes[0].path
    lost.unlink()
    assert bench.make().worked
    assert digests(bench.root, SAMPLES) == before


def test_a_torn_record_and_a_missing_marker_leave_no_trace(bench):
    bench.make(refills=("single", "none"))
    before = digests(bench.root, SAMPLES)
    records = bench.root / "counterfactuals/records/part-00000.jsonl"
    records.write_bytes(records.read_bytes()[:-100])
    (bench.root / "counterfactuals/done/make/part-00000.json").unlink()
    bench.make(refills=("single", "none"))
    assert digests(bench.root, SAMPLES) == before


def test_settings_changed_under_samples_are_refused_until_forced(bench):
    bench.make(limit=0.4)
    before = digests(bench.root, SAMPLES)
    with pytest.raises(StaleShardError, match="--force-stage"):
        bench.make(limit=0.5)
    assert digests(bench.root, SAMPLES) == before
    bench.make(limit=0.5, force=True)
    assert {each.recipe.limit for each in bench.outcomes} == {0.5}


def test_forced_back_the_first_samples_come_back_to_the_byte(bench):
    bench.make(limit=0.4)
    before = digests(bench.root, SAMPLES)
    bench.make(limit=0.5, force=True)
    bench.make(limit=0.4, force=True)
    after = digests(bench.root, SAMPLES)
    assert {name: after[name] for name in before} == before


def test_the_encoder_without_a_measured_limit_gets_the_papers(made):
    assert {each.recipe.limit for each in made.outcomes} == {0.3}


def test_a_mask_of_nothing_is_skipped_with_its_reason_and_numbers_add_up(bench):
    # Between the middles of patches a map is below its peak, but for peaks at the edge.
    total = bench.make(limit=0.99999).status.total
    skipped = [each for each in bench.outcomes if isinstance(each, SampleFailure)]
    assert skipped
    assert total.skipped == {NO_OBJECT: len(skipped)}
    assert total.planned == total.made + len(skipped) == 16
    assert total.made == total.kept + sum(total.dropped.values())
    assert all(each.skipped for each in skipped)
    assert not bench.make(limit=0.99999).worked  # trying again is no use


def test_a_damaged_source_fails_its_samples_until_it_is_restored(bench):
    record = read_drawn(Workspace(bench.root))[0]
    picture = bench.root / record.path
    content = picture.read_bytes()
    picture.write_bytes(content[:-1] + b"x")
    total = bench.make().status.total
    fillers = sum(record.image_id in each.recipe.fillers for each in bench.outcomes)
    assert total.failed == 2 + fillers
    assert total.planned == total.made + total.failed
    picture.write_bytes(content)
    again = bench.make()
    assert again.worked
    assert again.status.total.failed == 0


def test_a_sample_that_looks_like_its_source_is_dropped_with_its_witness(bench):
    # All but the very peak of each map is context, so nearly nothing is taken away.
    bench.make(limit=0.97, kept=("context",), refills=("none",))
    verdicts = read_sample_verdicts(Workspace(bench.root))["near_duplicate"]
    source_of = {each.id: each.recipe.source for each in bench.outcomes if hasattr(each, "path")}
    dropped = {key: verdict for key, verdict in verdicts.items() if not verdict.keep}
    assert dropped
    assert all(verdict.witness == source_of[key] for key, verdict in dropped.items())
    kept = {sample.record.id for sample in read_counterfactuals(Workspace(bench.root))}
    assert kept == verdicts.keys() - dropped.keys()


def test_a_damaged_sample_is_made_again_with_its_shard(bench):
    bench.make()
    before = digests(bench.root, SAMPLES)
    (bench.root / bench.outcomes[0].path).write_bytes(b"no picture")
    (bench.root / "counterfactuals/done/make/part-00000.json").unlink()
    bench.make()
    assert digests(bench.root, SAMPLES) == before


def test_samples_of_images_that_are_no_longer_kept_are_not_kept_either(bench):
    bench.make()
    workspace = Workspace(bench.root)
    gone = read_drawn(workspace)[0].image_id
    append_decisions(workspace, [decide([gone], "drop", "a person")])
    judged = read_judged(workspace)
    named = {
        each.id for each in judged.records if gone in (each.recipe.source, *each.recipe.fillers)
    }
    assert named
    assert {key for key, by in judged.dropped.items() if by == SOURCE_DROPPED} == named
    assert named.isdisjoint(sample.record.id for sample in read_counterfactuals(workspace))


def test_a_person_outranks_the_filters(bench):
    bench.make(limit=0.97, kept=("context",), refills=("none",))
    workspace = Workspace(bench.root)
    (sample, *_) = read_judged(workspace).dropped
    append_decisions(workspace, [decide([sample], "keep", "a person")])
    assert sample in {each.record.id for each in read_counterfactuals(workspace)}
    append_decisions(workspace, [decide([sample], "drop", "a person")])
    assert read_judged(workspace).dropped[sample] == PERSON
    assert sample not in {each.record.id for each in read_counterfactuals(workspace)}


def test_too_few_fillers_are_said_before_anything_is_made(bench):
    with pytest.raises(InputError, match="needs 5 fillers"):
        bench.make(per_image=5, filler_sources=("same",))
    assert not (bench.root / "counterfactuals").exists()


def test_a_method_that_the_tower_does_not_allow_is_said_at_once(bench, tiny_encoder):
    config_file = tiny_encoder / "open_clip_config.json"
    copy = bench.root.parent / "pooled"
    shutil.copytree(tiny_encoder, copy)
    config = json.loads(config_file.read_text())
    config["model_cfg"]["vision_cfg"] |= {"timm_model_name": "no_such_model"}
    (copy / "open_clip_config.json").write_text(json.dumps(config))
    context = bench.context()
    embed = context.settings.embed.model_copy(update={"encoder": str(copy)})
    changed = context.settings.model_copy(update={"embed": embed})
    with pytest.raises(ModelError), samples_in_this_process():
        make_counterfactuals(replace(context, settings=changed))


def test_before_samples_were_made_reading_says_how_to_make_them(bench):
    with pytest.raises(InputError, match="isekai-gen counterfactuals"):
        read_counterfactuals(Workspace(bench.root))


def test_the_generator_draws_what_was_masked(bench):
    bench.make(refills=("inpaint",), kept=("context",))
    record = bench.outcomes[0]
    assert isinstance(record, CounterfactualRecord)
    assert record.recipe.inpainting["prompt"] == ""
    assert record.recipe.fillers == ()
    assert len(np.unique(pixels_of(bench.root / record.path).reshape(-1, 3), axis=0)) > 16


def test_a_drawing_that_is_not_a_number_fails_its_sample_alone(
    drawn, tmp_path, tiny_generator, tiny_encoder
):
    broken = shutil.copytree(tiny_generator, tmp_path / "broken")
    make_it_draw_nan(broken)
    bench = Bench(drawn, tmp_path / "ws", broken, tiny_encoder)
    report = bench.make(refills=("none", "inpaint"), kept=("context",))
    failed = [each for each in bench.outcomes if isinstance(each, SampleFailure)]
    assert {each.recipe.refill for each in failed} == {"inpaint"}
    assert {each.failure for each in failed} == {
        "the model drew what is not a number; use another dtype or refill"
    }
    assert len(failed) == len(bench.outcomes) / 2 == report.status.total.failed
    assert not any(each.skipped for each in failed)  # another run tries again


def test_the_manifest_says_what_is_right_now(bench):
    bench.make()
    with samples_in_this_process():
        report = write_counterfactual_manifest(bench.context())
    rows = [json.loads(line) for line in report.path.read_text().splitlines()]
    assert [row["id"] for row in rows] == [
        sample.record.id for sample in read_counterfactuals(Workspace(bench.root))
    ]
    for row in rows:
        assert row["answer"] == (row["label"] if row["kept"] == "object" else f"not {row['label']}")
        assert (bench.root / row["image"]).is_file()
        assert (bench.root / row["source_image"]).is_file()
    assert report.path.parent.name == "counterfactuals"


def test_the_sheet_has_a_row_for_each_concept(made, tmp_path):
    write_sheet(Workspace(made.root), tmp_path / "sheet.png")
    assert len(pixels_of(tmp_path / "sheet.png")) == 4 * 132 + 4


def test_the_sheet_chooses_evenly_among_many_concepts(made):
    image = read_drawn(Workspace(made.root))[0]
    many = [
        replace(image, planned=replace(image.planned, concept=f"concept-{number:02}"))
        for number in range(20)
    ]
    chosen = [each.concept for each in one_of_each_concept(many)]
    assert len(chosen) == 16
    assert chosen[0] == "concept-00"
    assert chosen[-1] == "concept-18"


@settings(max_examples=6, deadline=None)
@given(
    st.fixed_dictionaries(
        {
            "kept": st.sampled_from([("object",), ("context",), ("object", "context")]),
            "refills": st.sampled_from([("none",), ("single",), ("multi", "none")]),
            "filler_sources": st.sampled_from([("same",), ("other", "counterpart")]),
            "per_image": st.just(1),
            "random_control": st.booleans(),
            "seed": st.integers(0, 3),
        }
    )
)
def test_no_sample_is_ever_among_the_images(
    tmp_path_factory, drawn, tiny_generator, tiny_encoder, chosen
):
    if chosen["refills"][0] == "multi" and chosen["filler_sources"] == ("same",):
        chosen = {**chosen, "filler_sources": ("other",)}  # two images cannot fill each other
    bench = Bench(drawn, tmp_path_factory.mktemp("apart") / "ws", tiny_generator, tiny_encoder)
    workspace = Workspace(bench.root)
    before, counted = (
        digests(bench.root, ("images", "records", "plan", "done")),
        read_status(workspace),
    )
    bench.make(**chosen)
    assert digests(bench.root, ("images", "records", "plan")).items() <= before.items()
    with samples_in_this_process():
        write_manifests(bench.context(), ("isekai-10",))
        selection = select(bench.context())
    ids = {each.recipe.sample_id for part in (0, 1) for each in read_plan(workspace, part)}
    assert ids
    assert ids.isdisjoint(record.image_id for record in selection.records)
    assert select_kept(selection.records, {}, [])[0] == list(selection.kept)
    assert read_status(workspace).to_json() == counted.to_json()
    for path in bench.root.rglob("*"):
        if path.is_file() and "counterfactuals" not in path.parts:
            content = path.read_bytes()
            assert b"counterfactuals/" not in content, path
            assert not any(sample_id.encode() in content for sample_id in ids), path
