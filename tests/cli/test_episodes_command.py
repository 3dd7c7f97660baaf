"""`isekai-gen episodes` as people call it."""

import json

import pytest

from isekai_gen.records import Episode
from isekai_gen.shards import read_records
from tests.manifests.test_episode_source import row, write
from tests.small_jobs import call


@pytest.fixture
def source(tmp_path):
    return write(tmp_path / "train.jsonl", [row(1, 3, 2), row(2, 1, 3), row(3, 1)])


def run(tmp_path, source, *more, **expected):
    out = tmp_path / "episodes.jsonl"
    args = ("-w", tmp_path / "ws", "--from", source, "--n", 20, "--shots", 3, "--out", out)
    return call("episodes", *args, *more, **expected)


def test_the_result_is_told_in_words_and_in_json(tmp_path, source):
    shown = run(tmp_path, source).stdout
    assert "episodes.jsonl: 20 lines = 20 episodes (2-way) + 0 lines of other tasks" in shown
    assert "shots per label: 20 with 3" in shown
    assert "3 of 3 classes" in shown
    told = json.loads(run(tmp_path, source, "--json").stdout)
    assert (told["lines"], told["shots"], told["classes"]) == (20, {"3": 20}, 3)
    assert len(read_records(tmp_path / "episodes.jsonl", Episode)) == 20


def test_every_option_reaches_the_file(tmp_path, source):
    (tmp_path / "other.jsonl").write_text('{"id": 1}\n')
    run(tmp_path, source, "--strategy", "mix", "--mix", tmp_path / "other.jsonl", "--seed", 5,
        "--ways", 2, "--relabel", "none", "--false-labels", 0.5)  # fmt: skip
    summary = json.loads((tmp_path / "episodes.summary.json").read_text())
    assert (summary["episodes"], summary["others"], summary["labels_made_false"]) == (10, 10, 30)
    plan = summary["plan"]
    assert (plan["strategy"], plan["seed"], plan["relabel"]) == ("mix", 5, "none")
    assert list(summary["mix"]) == [str(tmp_path / "other.jsonl")]
    run(tmp_path, source, "--strategy", "2-way-random", "--fixed-epochs", 0, "--varied-epochs", 3)
    plan = json.loads((tmp_path / "episodes.summary.json").read_text())["plan"]
    assert (plan["fixed_epochs"], plan["varied_epochs"]) == (0, 3)


def test_the_environment_stands_in_for_options(tmp_path, source):
    told = json.loads(run(tmp_path, source, "--json", ISEKAI_GEN_STRATEGY="2-way-random").stdout)
    assert set(told["shots"]) == {"2", "3"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--shots", 4], "--shots 3"),
        (["--ways", 4], "lower --ways"),
        (["--flip-position", 7], "--flip-position 7 is not in every support set"),
        (["--fixed-epochs", 2], "has no epochs"),
        (["--strategy", "mix"], "go together"),
        (["--similarity", "lcl"], "--similarity is for --imagenet"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(tmp_path, source, more, said):
    failed = run(tmp_path, source, *more, expect=2)
    assert said in failed.output
    assert failed.output.strip().count("\n") == 0
    assert not (tmp_path / "episodes.jsonl").exists()


def test_what_is_no_file_of_episodes_stays_as_it_is(tmp_path, source):
    before = source.read_bytes()
    failed = run(tmp_path, source, "--out", source, expect=2)
    assert "holds something else than episodes; remove it" in failed.output
    assert source.read_bytes() == before


def test_a_broken_row_is_named_with_its_line(tmp_path, source):
    source.write_text(source.read_text() + "{}\n")
    assert "train.jsonl:4: a row must be" in run(tmp_path, source, expect=2).output


def test_kept_images_need_a_workspace(tmp_path):
    out = tmp_path / "e.jsonl"
    failed = call("episodes", "-w", tmp_path / "none", "--out", out, expect=2)
    assert "no workspace with images yet" in failed.output
    assert not (tmp_path / "none").exists()
