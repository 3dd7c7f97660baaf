"""Whole evaluations with models that answer by rules; the same code asks real ones."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from isekai_gen.errors import InputError, LockedError, MissingDependencyError, ModelError
from isekai_gen.evaluation import models
from isekai_gen.evaluation.conditions import Ablations
from isekai_gen.evaluation.metrics import ANSWER
from isekai_gen.evaluation.models import TransformersOptions
from isekai_gen.evaluation.protocols import Answer
from isekai_gen.records import Episode, NamedImage
from isekai_gen.settings import Settings
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.evaluate import EvaluateRequest, evaluate
from isekai_gen.stages.evaluate_files import locked_answers
from isekai_gen.workspace import Workspace
from tests.evaluation.small_sets import (
    RuleAnswerer,
    answer_rightly,
    draw_images,
    isekai_rows,
    lcl_test_rows,
    register,
    write_lines,
)
from tests.models.tiny_vision_language import build_tiny_llava
from tests.small_jobs import Recorder, environment

FILES = ("results.json", "results.md", "accuracy.png")


@pytest.fixture
def images(tmp_path):
    return draw_images(tmp_path / "in")


@pytest.fixture
def manifest(tmp_path):
    return write_lines(tmp_path / "ISEKAI-10.json", isekai_rows())


def run(manifest, images, models, out="out", **changes):
    root = manifest.parent / out
    recorder = Recorder()
    request = EvaluateRequest(manifest, images, root, models, **{"plot": False, **changes})
    return evaluate(StageContext(Workspace(root), Settings(), recorder), request), recorder


def results(report):
    return json.loads(report.files[0].read_text())


def accuracies(row, metric="strict"):
    return [each["metrics"][metric]["accuracy"] for each in row["conditions"]]


def test_a_perfect_model_is_always_right_and_a_constant_one_as_good_as_chance(
    monkeypatch, manifest, images
):
    constant = RuleAnswerer(lambda _: ANSWER.format("wug"), "rule:constant", "constant")
    names = register(monkeypatch, RuleAnswerer(answer_rightly), constant)
    report, _ = run(manifest, images, names)
    found = results(report)
    perfect, same = found["models"]
    for metric in ("lcl", "strict"):
        assert accuracies(perfect, metric) == [1.0, 1.0, 1.0]
        assert accuracies(same, metric) == [0.5, 0.5, 0.5]
    assert found["chance"] == {"guess": 0.5, "majority": 0.5}
    assert [each["shots"] for each in perfect["conditions"]] == [0, 2, 4]
    assert [each["shots_per_label"] for each in perfect["conditions"]] == [0, 1, 2]
    sides = same["conditions"][1]["metrics"]["strict"]["by_side"]
    assert (sides["negative"]["accuracy"], sides["positive"]["accuracy"]) == (1.0, 0.0)
    assert [count.questions for count in report.counts] == [18, 18]


def test_a_rerun_asks_nothing_and_gives_the_same_bytes(monkeypatch, manifest, images):
    answerer = RuleAnswerer(answer_rightly)
    names = register(monkeypatch, answerer)
    ablations = Ablations((0.0, 0.5), positions=True)
    first, _ = run(manifest, images, names, ablations=ablations, plot=True)
    before = {path.name: path.read_bytes() for path in first.files}
    asked = len(answerer.asked)
    second, _ = run(manifest, images, names, ablations=ablations, plot=True)
    assert {path.name: path.read_bytes() for path in second.files} == before
    assert tuple(before) == FILES
    assert len(answerer.asked) == asked == first.counts[0].asked
    assert (second.counts[0].asked, second.counts[0].cached) == (0, first.counts[0].questions)
    # Questions with no label changed are those of the plain condition: known already.
    assert first.counts[0].cached >= 6


def test_labels_that_are_changed_mislead_a_model_that_believes_them(monkeypatch, manifest, images):
    def believe(question):
        """Names what an image of the query's folder was called last."""
        query = question.images[question.episode.query.image].parent
        called = [
            shown.label
            for shown in question.episode.support
            if question.images[shown.image].parent == query
        ]
        return ANSWER.format(called[-1])

    names = register(monkeypatch, RuleAnswerer(believe))
    shares = Ablations((0.0, 1.0), positions=True)
    report, _ = run(manifest, images, names, shots=(4,), ablations=shares)
    (model,) = results(report)["models"]
    plain, none, every, *places = accuracies(model)
    assert (plain, none, every) == (1.0, 1.0, 0.0)
    # Of the four positions, one is the last of the query's kind in each question.
    assert len(places) == 4
    assert sum(1 - accuracy for accuracy in places) == pytest.approx(1.0)


def test_failures_are_counted_apart_by_reason_and_those_that_may_pass_asked_again(
    monkeypatch, manifest, images
):
    def fail_at_first(question):
        place = len(answerer.asked)
        return (
            Answer(question.key, "", {1: "refused", 2: "timed out"}.get(place, ""))
            if (place < 3)
            else answer_rightly(question)
        )

    answerer = RuleAnswerer(fail_at_first)
    names = register(monkeypatch, answerer)
    first, _ = run(manifest, images, names, shots=(2,))
    (count,) = first.counts
    assert (count.questions, count.asked, count.failed, count.may_pass) == (6, 6, 2, 1)
    assert first.partly_failed
    (condition,) = results(first)["models"][0]["conditions"]
    assert condition["failures"] == {"refused": 1, "timed out": 1}
    tally = condition["metrics"]["strict"]
    assert (tally["right"], tally["wrong"], tally["failed"]) == (4, 0, 2)
    second, _ = run(manifest, images, names, shots=(2,))
    assert (second.counts[0].asked, second.counts[0].failed) == (1, 1)
    assert not second.partly_failed


def test_the_table_is_laid_out_like_the_papers_with_its_rows_beside(monkeypatch, manifest, images):
    names = register(monkeypatch, RuleAnswerer(answer_rightly))
    report, _ = run(manifest, images, names)
    text = report.files[1].read_text()
    assert "| model | 0 | 2 | 4 |" in text
    assert "| rule:test | 1.00 | 1.00 | 1.00 |" in text
    assert "| *LCL mix (paper)* | - | 0.68 | 0.70 |" in text
    assert "not comparable" in text
    assert text.count("(paper)") == 5  # once, for the metric that the paper used


@pytest.mark.parametrize(
    ("name", "rows", "published"),
    [
        ("ISEKAI-pair.json", isekai_rows(), "ISEKAI-pair"),
        ("ISEKAI-10_mine.json", isekai_rows(), "ISEKAI-10"),
        ("ISEKAI-100.json", isekai_rows(), None),
        ("mine.json", isekai_rows(), None),
        ("test2_pairs.jsonl", lcl_test_rows(), "ImageNet-100"),
    ],
)
def test_reference_rows_are_those_of_the_same_set(
    monkeypatch, tmp_path, images, name, rows, published
):
    names = register(monkeypatch, RuleAnswerer(lambda _: "no idea"))
    report, _ = run(write_lines(tmp_path / name, rows), images, names, limit=2)
    found = results(report)["published"]
    assert (found and found["name"]) == published
    assert results(report)["manifest"]["rows_asked"] == 2


def episode_rows():
    """Three-way episodes with one support image each, and a two-way one with two."""
    support = [NamedImage("dax/3.png", "dax", "toma"), NamedImage("wug/3.png", "wug", "blick")]
    third = NamedImage("wug/4.png", "wug", "fep")
    three = ("toma", "blick", "fep")
    query = NamedImage("dax/0.png", "dax", "toma")
    episodes = [
        Episode("e0", (*support, third), query, three),
        Episode("e1", tuple(support), query, three[:2]),
        Episode("e2", (third, *support), NamedImage("wug/1.png", "wug", "fep"), three),
    ]
    return [json.loads(json.dumps(episode.to_json())) for episode in episodes]


def test_episodes_are_asked_with_their_own_shots(monkeypatch, tmp_path, images):
    names = register(monkeypatch, RuleAnswerer(lambda _: "a Toma"))
    manifest = write_lines(tmp_path / "episodes.jsonl", episode_rows())
    report, _ = run(manifest, images, names, ablations=Ablations(positions=True))
    (model,) = results(report)["models"]
    asked = [
        (each["shots"], each["shots_per_label"], each["metrics"]["strict"]["asked"])
        for each in model["conditions"][:2]
    ]
    assert asked == [(2, 1, 1), (3, 1, 2)]
    assert accuracies(model)[:2] == [1.0, 0.5]
    assert [each["false_position"] for each in model["conditions"][2:]] == [1, 2, 3]
    assert results(report)["chance"]["guess"] == pytest.approx((1 / 3 + 1 / 2 + 1 / 3) / 3)
    fewer, _ = run(manifest, images, names, limit=1, seed=1)
    assert len(results(fewer)["models"][0]["conditions"]) == 1
    with pytest.raises(InputError, match="omit --shots"):
        run(manifest, images, names, shots=(2,))


@pytest.mark.slow
def test_a_transformers_model_is_asked_with_images_and_words(tmp_path, manifest, images):
    model = build_tiny_llava(tmp_path / "tiny-llava")
    options = {"shots": (0, 2), "transformers": TransformersOptions(max_tokens=4)}
    report, _ = run(manifest, images, [f"hf:{model}"], limit=2, **options)
    (count,) = report.counts
    assert (count.name, count.questions, count.asked) == ("hf:tiny-llava", 4, 4)
    again, _ = run(manifest, images, [f"hf:{model}"], limit=2, **options)
    assert again.counts[0].cached == 4


def test_a_model_that_cannot_be_asked_takes_no_other_with_it(monkeypatch, manifest, images):
    def dead(_):
        raise ModelError("rule:dead: nobody answers")

    names = register(
        monkeypatch,
        RuleAnswerer(dead, "rule:dead", "dead"),
        RuleAnswerer(answer_rightly),
    )
    with pytest.raises(
        ModelError, match=r"nobody answers \(the results of the other models are in"
    ):
        run(manifest, images, names)
    found = json.loads((manifest.parent / "out/isekai-10/results.json").read_text())
    assert [row["name"] for row in found["models"]] == [RuleAnswerer(answer_rightly).name]
    with pytest.raises(ModelError, match=r"nobody answers$"):
        run(manifest, images, names[:1], out="alone")
    assert not (manifest.parent / "alone/isekai-10").exists()


def test_names_of_concepts_cannot_break_a_table(monkeypatch, tmp_path, images):
    rows = [{**row, "class_name": row["class_name"] + " | x"} for row in lcl_test_rows()]
    names = register(monkeypatch, RuleAnswerer(lambda _: "no idea"))
    report, _ = run(write_lines(tmp_path / "t.jsonl", rows), images, names, shots=(2,))
    assert "| Wug \\| x | 0.00 |" in report.files[1].read_text()


@pytest.mark.parametrize("name", [r"rule:$\frac$", "rule:\u5c71"])
def test_any_name_can_be_drawn(monkeypatch, manifest, images, name):
    names = register(monkeypatch, RuleAnswerer(answer_rightly, name))
    report, _ = run(manifest, images, names, limit=2, plot=True)
    assert report.files[2].read_bytes().startswith(b"\x89PNG")


def test_what_an_interrupted_write_left_is_removed_and_nothing_else(monkeypatch, manifest, images):
    names = register(monkeypatch, RuleAnswerer(answer_rightly))
    out = manifest.parent / "out"
    for folder in (out / "isekai-10", out / "other"):
        folder.mkdir(parents=True)
        (folder / ".tmp-1-results.json").write_text("{")
    run(manifest, images, names)
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob(".tmp-*")) == [
        "other/.tmp-1-results.json"
    ]


def test_a_model_is_let_go_before_the_next_is_asked(monkeypatch, manifest, images):
    gone = []

    class Large(RuleAnswerer):
        def __del__(self):
            gone.append(self.name)

    def second(question):
        assert gone == ["rule:large"]
        return answer_rightly(question)

    openers = {
        **models._OPENERS,
        "large": lambda *_: Large(answer_rightly, "rule:large"),
        "small": lambda *_: RuleAnswerer(second, "rule:small", "small"),
    }
    monkeypatch.setattr(models, "_OPENERS", openers)
    report, _ = run(manifest, images, ["large:x", "small:x"], shots=(2,))
    assert [count.asked for count in report.counts] == [6, 6]


def test_a_plot_of_an_earlier_run_does_not_stay(monkeypatch, manifest, images):
    names = register(monkeypatch, RuleAnswerer(answer_rightly))
    first, _ = run(manifest, images, names, plot=True)
    assert first.files[2].read_bytes().startswith(b"\x89PNG")
    run(manifest, images, names)
    assert not first.files[2].exists()


def test_without_matplotlib_a_plot_is_left_out_and_said_or_refused(monkeypatch, manifest, images):
    answerer = RuleAnswerer(answer_rightly)
    names = register(monkeypatch, answerer)
    # As if it were not installed: Python itself then finds no such module.
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    finders = [_Without(finder, "matplotlib") for finder in sys.meta_path]
    monkeypatch.setattr(sys, "meta_path", finders)
    with pytest.raises(MissingDependencyError, match=r"isekai-gen\[plots\]"):
        run(manifest, images, names, plot=True)
    assert not answerer.asked
    report, recorder = run(manifest, images, names, plot=None)
    assert len(report.files) == 2
    assert recorder.notes == [
        "No plot: matplotlib is not installed; run: pip install 'isekai-gen[plots]'"
    ]


class _Without:
    """A finder of modules that does not find those of one package."""

    def __init__(self, finder, package):
        self._finder = finder
        self._package = package

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == self._package:
            return None
        return self._finder.find_spec(name, path, target)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"models": ["rule:0", "rule:0"]}, "twice"),
        ({"models": ["rule:0", "rule:1"]}, "one name"),
        ({"models": ["gpt"]}, "openai:BASE_URL#MODEL"),
        ({"models": ["clip:"]}, "openai:BASE_URL#MODEL"),
        ({"name": "answers"}, "--name"),
        ({"name": "\u5c71"}, "--name"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is(
    monkeypatch, manifest, images, changes, said
):
    answerers = [RuleAnswerer(answer_rightly), RuleAnswerer(answer_rightly)]
    register(monkeypatch, *answerers)
    with pytest.raises(InputError, match=said):
        run(manifest, images, **{"models": ["rule:0"], **changes})
    assert not answerers[0].asked


def test_a_second_run_at_once_is_refused(monkeypatch, manifest, images):
    names = register(monkeypatch, RuleAnswerer(answer_rightly))
    out = manifest.parent / "out"
    with locked_answers(out), pytest.raises(LockedError, match=f"process {os.getpid()}.*--out"):
        run(manifest, images, names)


STUCK_RUN = """
import sys, time
from pathlib import Path
import pytest
from tests.evaluation.small_sets import RuleAnswerer, answer_rightly, register
from tests.stages.test_evaluate import has_answers, run
answers = Path(sys.argv[1]).parent / "killed/answers"
def slowly_and_none_once_some_are_kept(question):
    while has_answers(answers):
        time.sleep(1)
    time.sleep(0.25)
    return answer_rightly(question)
names = register(pytest.MonkeyPatch(), RuleAnswerer(slowly_and_none_once_some_are_kept))
run(Path(sys.argv[1]), Path(sys.argv[2]), names, out="killed")
"""


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_and_ends_with_the_same_bytes(monkeypatch, manifest, images):
    with subprocess.Popen(
        [sys.executable, "-c", STUCK_RUN, manifest, images], env=environment()
    ) as killed:
        _wait_for_answers(manifest.parent / "killed/answers", killed)
        os.kill(killed.pid, signal.SIGKILL)
    assert not (manifest.parent / "killed/isekai-10").exists()
    answerer = RuleAnswerer(answer_rightly)
    names = register(monkeypatch, answerer)
    went_on, _ = run(manifest, images, names, out="killed")
    assert 0 < len(answerer.asked) < 18
    through, _ = run(manifest, images, names, out="through")
    assert [path.read_bytes() for path in went_on.files] == [
        path.read_bytes() for path in through.files
    ]


def _wait_for_answers(folder: Path, process: subprocess.Popen) -> None:
    while not has_answers(folder):
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.05)


def has_answers(folder: Path) -> bool:
    return any(path.stat().st_size for path in folder.glob("*.jsonl"))
