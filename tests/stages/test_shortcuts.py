"""A concept that is always drawn in one place is flagged; with other words its gap falls.

Pictures are noise of a tiny model; the model that is asked goes by where prompts say they are.
"""

import json
import shutil
from dataclasses import replace

import pytest
from PIL import Image

from isekai_gen.errors import ChecksumError, InputError
from isekai_gen.evaluation.rows import read_evaluation_set
from isekai_gen.stages.counterfactual_read import read_counterfactuals
from isekai_gen.stages.diversified import DIVERSIFIED, read_diversified
from isekai_gen.stages.overlap import judge_overlap
from isekai_gen.stages.report import write_report
from isekai_gen.stages.shortcut_rows import read_kinds
from isekai_gen.stages.shortcuts import read_shortcuts, shortcuts_file
from tests.small_jobs import digests, read_plan
from tests.stages.shortcut_jobs import (
    IMAGES,
    PLACE,
    PLANTED,
    SHOTS,
    PlantedJob,
    planted_job,
    workers_here,
)

FOLDERS = ("images", "records", "plan", "verdicts", "reports")


@pytest.fixture(scope="module")
def measured(tmp_path_factory, tiny_generator, tiny_encoder):
    """Made once, for tests that change nothing."""
    job = planted_job(tmp_path_factory.mktemp("planted"), tiny_generator, tiny_encoder)
    job.draw()
    with pytest.MonkeyPatch.context() as patch:
        report, notes = job.measure(patch)
    return job, report, notes


@pytest.fixture
def own_copy(measured, tmp_path) -> PlantedJob:
    job = measured[0]
    shutil.copytree(job.root, tmp_path / "ws")
    return replace(job, root=tmp_path / "ws")


@pytest.fixture(scope="module")
def with_names(measured, tmp_path_factory) -> PlantedJob:
    """With ImageNet's names embedded, which takes longer than all else that `topup` does."""
    job = measured[0]
    root = shutil.copytree(job.root, tmp_path_factory.mktemp("with-names") / "ws")
    named = replace(job, root=root)
    with workers_here():
        judge_overlap(named.context())
    return named


@pytest.fixture
def own_named(with_names, tmp_path) -> PlantedJob:
    return replace(with_names, root=shutil.copytree(with_names.root, tmp_path / "ws"))


def gap_of(job, concept=PLANTED):
    report = json.loads(shortcuts_file(job.workspace).read_text())
    (row,) = [row for row in report["concepts"] if row["concept"] == concept]
    return row["models"]["rule:test"]["shortcut_gap"]["estimate"]


def test_the_planted_concept_is_flagged_with_its_place(measured):
    job, report, notes = measured
    assert PLANTED in read_shortcuts(job.workspace).flagged
    (over_used,) = read_shortcuts(job.workspace).over_used
    assert (over_used.concept, over_used.slot, over_used.value) == (PLANTED, "place", PLACE)
    assert gap_of(job) == 0.5
    assert any(PLANTED in note and "100 % of its images" in note for note in notes)
    assert shortcuts_file(job.workspace) in report.files


def test_results_tell_the_three_kinds_apart(measured):
    results = json.loads(measured[1].files[0].read_text())
    (model,) = results["shortcuts"]["models"]
    (table,) = measured[1].shortcuts()
    assert table[0][0] == "rule:test (lcl and strict agree)"
    assert model["metrics"].keys() == {"lcl", "strict"}
    planted = model["metrics"]["strict"]["by_concept"][PLANTED]
    assert planted["untouched"]["estimate"] == planted["named_without_object"]["estimate"] == 1
    assert planted["object_kept"]["estimate"] < 1
    kept = [sample.record.recipe for sample in read_counterfactuals(measured[0].workspace)]
    sources = {each.source for each in kept if (each.concept, each.kept) == (PLANTED, "context")}
    assert planted["counts"]["context"]["source_images"] == len(sources) > 0
    assert results["shortcuts"]["shots"] == 2 * SHOTS
    assert "still named (low is good)" in measured[1].files[1].read_text()


def test_untouched_queries_are_not_asked_twice(measured):
    (count,) = measured[1].counts
    kinds = json.loads(measured[1].files[0].read_text())["shortcuts"]["models"][0]["metrics"]
    untouched = kinds["strict"]["counts"]["untouched"]["questions"]
    assert count.cached == untouched
    assert count.questions == count.cached + count.asked


def test_other_words_make_the_gap_fall(own_copy, monkeypatch):
    before = {image.image_id: image for image in read_plan(own_copy.workspace)}
    notes = own_copy.diversify()
    assert notes[-1].startswith(f"{PLANTED}: {IMAGES} further images without place = {PLACE!r}")
    own_copy.draw({PLANTED: 2 * IMAGES})
    plan = read_plan(own_copy.workspace)
    assert all(image == before[image.image_id] for image in plan if image.image_id in before)
    new = [image for image in plan if image.image_id not in before]
    assert {image.concept for image in new} == {PLANTED}
    assert len(new) == IMAGES
    assert all(image.slots[DIVERSIFIED] == "place" for image in new)
    assert {image.slots["place"] for image in new} == {"in the snow", "on a beach", "at night"}
    assert not any(PLACE in image.prompt for image in new)
    gap = gap_of(own_copy)
    own_copy.measure(monkeypatch)
    assert gap_of(own_copy) < gap - 0.1
    assert PLANTED not in read_shortcuts(own_copy.workspace).flagged


@pytest.mark.long
def test_a_report_is_acted_on_once(own_named):
    own_named.top_up(max_value_share=0.5)
    before = digests(own_named.root, FOLDERS)
    notes = own_named.top_up(max_value_share=0.5)
    assert any("acted on before" in note for note in notes)
    assert digests(own_named.root, FOLDERS) == before
    # Later commands plan with the same words, and change nothing either.
    assert not any("words changed" in note for note in own_named.top_up())
    assert digests(own_named.root, FOLDERS) == before


@pytest.mark.long
def test_killed_before_the_plan_grew_it_comes_to_the_same_end(own_named, tmp_path):
    root = shutil.copytree(own_named.root, tmp_path / "undisturbed")
    undisturbed = replace(own_named, root=root)
    undisturbed.top_up(max_value_share=0.5)
    own_named.diversify()
    own_named.top_up(max_value_share=0.5)
    assert digests(own_named.root, FOLDERS) == digests(undisturbed.root, FOLDERS)


@pytest.mark.long
def test_the_budget_of_images_holds(own_named):
    notes = own_named.top_up(max_value_share=0.1)
    (line,) = read_diversified(own_named.workspace)
    assert line.count == 9 * IMAGES
    plan = read_plan(own_named.workspace)
    assert sum(image.concept == PLANTED for image in plan) == 4 * IMAGES
    assert any("--max-attempts" in note for note in notes)


def test_without_a_report_it_says_what_to_run(own_copy):
    shortcuts_file(own_copy.workspace).unlink()
    with pytest.raises(InputError, match="evaluate --counterfactuals"):
        own_copy.diversify()


def test_a_damaged_report_is_no_reason_to_draw(own_copy):
    shortcuts_file(own_copy.workspace).write_text('{"concepts": [{"flagged": true}]}')
    with pytest.raises(InputError, match="not as it was written"):
        own_copy.diversify()


def test_a_manifest_of_other_images_has_no_samples(own_copy, tmp_path):
    asked = read_evaluation_set(own_copy.workspace.manifests / "ISEKAI-pair.json")
    rows = [
        replace(row, query=replace(row.query, image="images/elsewhere.png")) for row in asked.rows
    ]
    with pytest.raises(InputError, match=f"none of {len(rows)} queries"):
        read_kinds(own_copy.workspace, rows, 2)


def test_a_workspace_without_samples_says_what_to_run(own_copy):
    shutil.rmtree(own_copy.root / "counterfactuals")
    asked = read_evaluation_set(own_copy.workspace.manifests / "ISEKAI-pair.json")
    with pytest.raises(InputError, match="isekai-gen counterfactuals"):
        read_kinds(own_copy.workspace, asked.rows, 2)


def test_the_report_shows_gaps_and_the_words_that_go_with_them(measured, tmp_path):
    job = measured[0]
    written = write_report(job.context(), tmp_path / "report.html")
    page = written.page.read_text()
    assert written.tree["shortcuts"] == json.loads(shortcuts_file(job.workspace).read_text())
    row = page.partition("<caption>Shortcut gap of rule:test</caption>")[2]
    row = row.partition(f'<th scope="row">{PLANTED}</th>')[2].partition("</tr>")[0]
    gap = written.tree["shortcuts"]["concepts"][0]["models"]["rule:test"]["shortcut_gap"]
    assert f"+50.0% ({100 * gap['low']:+.1f} to {100 * gap['high']:+.1f})" in row
    assert row.endswith("<td>flagged</td>")
    words = page.partition("<caption>Words that go with flagged concepts</caption>")[2]
    assert f"<td>place = {PLACE}</td>" in words.partition("</table>")[0]
    assert '<a href="#shortcuts">' in page


def test_without_an_evaluation_of_samples_the_report_does_not_speak_of_shortcuts(own_copy):
    shortcuts_file(own_copy.workspace).unlink()
    written = write_report(own_copy.context())
    assert "shortcuts" not in written.tree
    assert "hortcut" not in written.page.read_text()


@pytest.mark.parametrize("content", ["{", "[]", '{"concepts": [{}]}', "[" * 100_000])
def test_a_damaged_report_of_shortcuts_is_said(own_copy, content):
    shortcuts_file(own_copy.workspace).write_text(content)
    with pytest.raises(ChecksumError, match=r"shortcuts\.json: .*evaluate --counterfactuals"):
        write_report(own_copy.context())
    with pytest.raises(InputError, match=r"shortcuts\.json is not as it was written"):
        own_copy.diversify()


def test_a_report_of_shortcuts_that_cannot_be_read_is_said(own_copy):
    shortcuts_file(own_copy.workspace).unlink()
    shortcuts_file(own_copy.workspace).mkdir()
    with pytest.raises(InputError, match=r"shortcuts\.json cannot be read .*evaluate --counterf"):
        own_copy.diversify()


def test_a_damaged_sample_is_asked_of_no_model(own_copy):
    (sample, *_) = read_counterfactuals(own_copy.workspace)
    Image.new("RGB", (64, 64)).save(sample.picture)
    asked = read_evaluation_set(own_copy.workspace.manifests / "ISEKAI-pair.json")
    with pytest.raises(ChecksumError, match=f"{sample.picture}: its pixels are not those"):
        read_kinds(own_copy.workspace, asked.rows, 2)


def test_a_forced_plan_keeps_to_the_words_of_diversification(own_copy):
    """They are words of the workspace, as its catalog is: images go, words stay."""
    own_copy.diversify()
    own_copy.draw({PLANTED: 2 * IMAGES})
    plan, lines = read_plan(own_copy.workspace), read_diversified(own_copy.workspace)
    own_copy.draw({PLANTED: 2 * IMAGES}, seed=5, force=True)
    again = read_plan(own_copy.workspace)
    assert read_diversified(own_copy.workspace) == lines
    assert not {image.image_id for image in plan} & {image.image_id for image in again}
    told = [image.slots.get(DIVERSIFIED, "") for image in again if image.concept == PLANTED]
    assert told == [""] * IMAGES + ["place"] * IMAGES
