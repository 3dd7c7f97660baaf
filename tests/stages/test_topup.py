"""topup on tiny real models, in this process: rounds until enough images are kept.

The tiny generator draws noise, and the starter encoder finds all noise alike.
"""

import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from isekai_gen.errors import InputError
from isekai_gen.stages import embed as embed_stage
from isekai_gen.stages import generate as generate_stage
from isekai_gen.stages import looks as looks_stage
from isekai_gen.stages.drawn import read_drawn
from isekai_gen.stages.generate import generate
from isekai_gen.stages.status import read_status
from isekai_gen.stages.topup import TopupRequest, topup
from isekai_gen.stages.topup_report import TopupReport
from isekai_gen.workspace import Workspace
from tests.small_jobs import (
    GROUPS,
    Job,
    catalog_text,
    digests,
    make_context,
    read_plan,
    run_serially,
    write_job,
)

FOLDERS = ("images", "records", "plan", "done", "verdicts", "embeddings", "edges", "reports")
# Limits of similarity at which all, some or almost none of the tiny generator's images are kept.
ALL, SOME, FEW = 1.0, 0.955, 0.9
WEIGHTED = """schema: 1
lists:
  place: [in the snow, on a beach, at night, in a box, on a roof, in the fog]
  size: [small, big, huge]
templates:
  - id: plain
    weight: 3
    text: "a {size} {short} {place}"
  - id: drawing
    weight: 2
    text: "a drawing of a {size} {short} {place}"
  - id: toy
    text: "a toy {short} {place}"
"""


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    for stage in (generate_stage, embed_stage, looks_stage):
        monkeypatch.setattr(stage, "run_shards", run_serially)


def context_of(model, root, max_similarity, force=False, **generate):
    context = make_context(root, model, force, **{"images_per_concept": 1, **generate})
    limits = {
        "near_duplicate": {"max_similarity": max_similarity},
        "class_overlap": {"max_margin": 2.0},  # noise has no class
    }
    return replace(context, settings=context.settings.with_overrides(limits))


def request_of(job, kept=4, max_attempts=20, **changes):
    return TopupRequest(
        **{"catalog": job.catalog, "templates": job.templates, **changes},
        kept=kept,
        max_attempts=max_attempts,
    )


@dataclass(frozen=True)
class Topped:
    """A workspace that was topped up."""

    root: Path
    job: Job
    report: TopupReport
    notes: list[str]

    @property
    def workspace(self):
        return Workspace(self.root)


@pytest.fixture(scope="module")
def topped(tiny_generator, tmp_path_factory) -> Topped:
    """Made once, for tests that change nothing."""
    folder = tmp_path_factory.mktemp("topped")
    job = write_job(folder)
    context = context_of(tiny_generator, folder / "ws", SOME)
    with pytest.MonkeyPatch.context() as patch:
        for stage in (generate_stage, embed_stage, looks_stage):
            patch.setattr(stage, "run_shards", run_serially)
        report = topup(context, request_of(job))
    return Topped(folder / "ws", job, report, context.reporter.notes)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "ws"


@pytest.fixture
def top_up(tiny_generator, job, root):
    """Top up with changed settings; returns (report, notes)."""

    def run(max_similarity=ALL, force=False, generate=None, **request):
        context = context_of(tiny_generator, root, max_similarity, force, **(generate or {}))
        return topup(context, request_of(job, **request)), context.reporter.notes

    return run


def assert_adds_up(report, root):
    status = read_status(Workspace(root))
    for entry in report.concepts:
        assert entry.drawn == entry.kept + sum(entry.dropped.values()) + entry.failed
        counts = status.by_concept[entry.concept]
        assert (entry.kept, entry.failed, dict(entry.dropped)) == (
            counts.kept,
            counts.failed,
            counts.dropped,
        )
        assert (entry.drawn, counts.pending) == (counts.planned, 0)
    yields = report.yields
    assert yields.total.kept == status.total.kept == sum(y.kept for y in yields.by_concept)
    assert sum(entry.generated for entry in yields.by_slot_value if entry.name == "size") == (
        status.total.generated
    )


def test_it_goes_on_until_every_concept_keeps_enough(topped):
    report, notes = topped.report, topped.notes
    assert {entry.state for entry in report.concepts} == {"reached"}
    assert all(entry.kept >= 4 for entry in report.concepts)
    assert not report.short
    assert sum(sum(entry.dropped.values()) for entry in report.concepts) > 0
    assert report.rounds == max(entry.rounds for entry in report.concepts) > 1
    assert notes[0] == "Round 1: 16 images for 4 concept(s)"
    assert any(note.startswith("Round 2: ") and "more images" in note for note in notes)
    assert_adds_up(report, topped.root)


def test_only_concepts_that_keep_too_few_get_more(topped):
    report = topped.report
    lines = (topped.root / "reports/topup.jsonl").read_text().splitlines()
    rounds = [json.loads(line)["counts"] for line in lines]
    assert rounds[0] == dict.fromkeys((entry.concept for entry in report.concepts), 4)
    assert 0 < len(rounds[-1]) < 4
    for entry in report.concepts:
        counts = [counts[entry.concept] for counts in rounds if entry.concept in counts]
        assert counts == sorted(set(counts))
        assert (len(counts), counts[-1]) == (entry.rounds, entry.drawn)
    planned = Counter(image.concept for image in read_plan(topped.workspace))
    assert planned == {entry.concept: entry.drawn for entry in report.concepts}


def test_a_second_run_has_nothing_to_do_and_changes_no_file(topped, tiny_generator):
    before = digests(topped.root, FOLDERS)
    context = context_of(tiny_generator, topped.root, SOME)
    again = topup(context, request_of(topped.job))
    assert (topped.report.worked, again.worked) == (True, False)
    assert again.to_json() == topped.report.to_json()
    assert digests(topped.root, FOLDERS) == before


def test_asking_for_more_adds_to_what_there_is(top_up, root):
    top_up(kept=2)
    before = digests(root, ("images", "plan"))
    report, _ = top_up(kept=3)
    assert before.items() < digests(root, ("images", "plan")).items()
    assert {(entry.kept, entry.rounds) for entry in report.concepts} == {(3, 2)}
    less, _ = top_up(kept=1)
    assert not less.worked
    assert {(entry.wanted, entry.drawn) for entry in less.concepts} == {(1, 3)}


def test_it_builds_on_images_that_were_drawn_before(top_up, tiny_generator, job, root):
    generate(context_of(tiny_generator, root, ALL, images_per_concept=3), job.request)
    before = digests(root, ("images", "records", "plan"))
    report, notes = top_up(kept=3)
    assert (report.rounds, {entry.rounds for entry in report.concepts}) == (0, {0})
    assert not any(note.startswith("Round") for note in notes)
    assert digests(root, ("images", "records", "plan")) == before


def test_new_images_continue_the_prompts_and_seeds_of_a_concept(topped):
    for entry in topped.report.concepts:
        images = [i for i in read_plan(topped.workspace) if i.concept == entry.concept]
        assert sorted(image.index for image in images) == list(range(entry.drawn))
        assert len({image.seed for image in images}) == entry.drawn
        words = {(image.template, *sorted(image.slots.items())) for image in images}
        assert len(words) == min(entry.drawn, entry.prompts)


def test_no_template_dominates_whatever_the_rounds_were(top_up, root, tmp_path):
    path = tmp_path / "weighted.yaml"
    path.write_text(WEIGHTED)
    report, _ = top_up(SOME, templates=path)
    assert report.rounds > 2
    weights = {"plain": 3, "drawing": 2, "toy": 1}
    for entry in report.concepts:
        images = [i for i in read_plan(Workspace(root)) if i.concept == entry.concept]
        drawn = Counter(image.template for image in images)
        for template, weight in weights.items():
            # Templates take turns in rounds of 6, in which each has as many as it weighs.
            assert abs(drawn[template] - entry.drawn * weight / 6) <= weight


def test_a_concept_that_cannot_keep_enough_spends_its_budget(top_up, root):
    report, _ = top_up(FEW, max_attempts=9)
    assert {entry.state for entry in report.concepts} == {"budget spent"}
    assert {entry.drawn for entry in report.concepts} == {9}
    assert report.short == list(report.concepts)
    assert_adds_up(report, root)
    more, _ = top_up(FEW, max_attempts=11)
    assert {entry.drawn for entry in more.concepts} == {11}


def test_prompts_that_repeat_are_said(top_up):
    report, notes = top_up(FEW, max_attempts=18)
    assert {entry.prompts for entry in report.concepts} == {16}
    assert any("16 for 18" in note and "repeat with other seeds" in note for note in notes)


def test_the_budget_holds_at_least_the_first_round(top_up, root):
    with pytest.raises(InputError, match="--max-attempts 5 is less than the 6 images"):
        top_up(kept=6, max_attempts=5)
    with pytest.raises(InputError, match="less than the 8 images that the first round"):
        top_up(kept=2, max_attempts=5, generate={"images_per_concept": 8})
    assert not root.exists()


def test_without_a_budget_it_is_four_times_the_first_round(top_up):
    report, _ = top_up(kept=1, max_attempts=None, generate={"images_per_concept": 3})
    assert report.aim.budget == 12


def test_a_wrong_limit_is_refused_before_anything_is_drawn(tiny_generator, job, root):
    context = context_of(tiny_generator, root, ALL)
    limits = {"class_overlap": {"own_quantile": 0.3}}
    context = replace(context, settings=context.settings.with_overrides(limits))
    with pytest.raises(InputError, match="own_quantile"):
        topup(context, request_of(job))
    assert not root.exists()


def test_the_catalog_may_grow_between_runs(top_up, job):
    top_up(kept=2)
    job.catalog.write_text(catalog_text([*GROUPS, ("owl cup", "cup with an owl", "cup", "owl")]))
    report, _ = top_up(kept=2)
    assert {entry.concept: entry.rounds for entry in report.concepts} == {
        "cactihog": 1,
        "hedgehog": 1,
        "mushroom-haven": 1,
        "house": 1,
        "owl-cup": 1,
        "cup": 1,
    }
    assert (report.rounds, {entry.kept for entry in report.concepts}) == (2, {2})


def test_another_plan_begins_its_own_rounds(top_up, root):
    top_up(kept=1)
    first, _ = top_up(kept=2)
    forced, _ = top_up(kept=2, force=True, generate={"seed": 1})
    assert (first.rounds, forced.rounds) == (2, 1)
    (line,) = (root / "reports/topup.jsonl").read_text().splitlines()
    assert json.loads(line)["number"] == 1
    assert {entry.drawn for entry in forced.concepts} == {2}


def spoil(monkeypatch, rows):
    """Have the real generator draw pictures that are not finite in these rows of each batch."""
    from isekai_gen.models.drawing import DiffusersGenerator

    run = DiffusersGenerator._run

    def spoiled(self, *arguments):
        pictures = run(self, *arguments).clone()
        pictures[rows] = float("nan")
        return pictures

    monkeypatch.setattr(DiffusersGenerator, "_run", spoiled)


def test_failed_images_count_as_attempts_and_are_replaced(top_up, root, monkeypatch):
    spoil(monkeypatch, [1])
    report, _ = top_up()
    # Of 4 images 1 fails, so 2 more are planned: 4 / 3 for the one that is missing, rounded up.
    assert {entry.drawn for entry in report.concepts} == {6}
    assert all(entry.kept >= 4 for entry in report.concepts)
    assert report.failed >= 4
    assert_adds_up(report, root)


def test_failed_images_can_be_tried_again(top_up, root, monkeypatch):
    with monkeypatch.context() as patch:
        spoil(patch, [1])
        top_up()
    report, _ = top_up(retry_failed=True)
    assert report.failed == 0
    assert_adds_up(report, root)


def test_if_nothing_at_all_can_be_drawn_it_stops_at_once(top_up, root, monkeypatch):
    spoil(monkeypatch, slice(None))
    with pytest.raises(InputError, match="not one of 16 images could be drawn"):
        top_up()
    assert len(read_drawn(Workspace(root))) == 16


def test_reports_say_what_was_reached_and_which_words_lose_images(topped):
    report, root = topped.report, topped.root
    found = json.loads((root / "reports/yield.json").read_text())
    assert found["topup"] == report.to_json()
    assert found["yields"]["total"]["kept"] == sum(e["kept"] for e in found["topup"]["concepts"])
    words = found["yields"]["by_slot_value"]
    assert {word["name"] for word in words} == {"place", "size"}
    assert [word["yield_high"] for word in words] == sorted(word["yield_high"] for word in words)
    lines = (root / "reports/yield.csv").read_text().splitlines()
    assert lines[0].endswith(",yield_high,dropped_by_near_duplicate")
    assert len(lines) == 1 + 1 + 4 + 2 + 6
