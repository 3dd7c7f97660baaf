"""`dedupe` outside a workspace, as people call it."""

import json

import numpy as np
import pytest

from isekai_gen.stages import embed_pictures
from tests.small_jobs import call, run_serially
from tests.stages.picture_jobs import painted, save, write_tar


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    monkeypatch.setattr(embed_pictures, "run_shards", run_serially)


@pytest.fixture
def folder(tmp_path):
    """Two pictures, one of them twice, and a file that is none."""
    save(tmp_path / "in/fox/1.png", painted(1))
    save(tmp_path / "in/fox/2.jpg", painted(2))
    save(tmp_path / "in/hen/3.png", painted(1))
    (tmp_path / "in/notes.txt").write_text("x")
    return tmp_path


@pytest.fixture
def matrix(tmp_path):
    rows = np.array([[1, 0], [1, 0.1], [0, 1]], dtype=np.float32)
    np.save(tmp_path / "x.npy", rows)
    return tmp_path / "x.npy"


def test_a_folder_is_told_about_in_words(folder):
    done = call(
        "dedupe", "--images", folder / "in", "--out", folder / "out", "--tiers", "exact,perceptual"
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "3 found = 2 kept + 1 dropped + 0 failed"
    assert lines[1] == "1 files are no pictures by suffix: .txt 1"
    assert "  exact: 1 dropped; 1 equal another" in lines
    assert any(line.startswith("  perceptual: 0 dropped above") for line in lines)
    assert str(folder / "out/verdicts.jsonl") in lines
    again = call(
        "dedupe", "--images", folder / "in", "--out", folder / "out", "--tiers", "exact,perceptual"
    )
    assert again.stdout.splitlines() == ["Nothing to do: the results are up to date", *lines]


def test_the_json_is_what_the_summary_holds(folder, tiny_encoder):
    given = ("--images", folder / "in", "--out", folder / "out", "--encoder", tiny_encoder)
    told = json.loads(call("dedupe", *given, "--json", "--quiet").stdout)
    summary = json.loads((folder / "out/summary.json").read_text())
    assert {key: summary[key] for key in told} == told
    assert told["found"] == told["kept"] + told["dropped"] + told["failed"] == 3
    assert told["tiers"]["semantic"]["mode"] == "exact"
    assert told["tiers"]["semantic"]["complete"]
    assert set(told["seconds"]) == {"look", "search", "decide", "group", "write"}
    assert sorted(told["files"]) == sorted(
        path.name
        for path in (folder / "out").iterdir()
        if path.is_file() and path.name not in ("request.json", ".lock")
    )


def test_pictures_that_failed_end_with_exit_code_3(folder):
    (folder / "in/broken.webp").write_bytes(b"RIFF")
    given = ("--images", folder / "in", "--out", folder / "out", "--tiers", "exact")
    done = call("dedupe", *given, expect=3)
    assert "3 found" not in done.stdout
    assert "4 found = 2 kept + 1 dropped + 1 failed" in done.stdout
    (line,) = (folder / "out/failures.jsonl").read_text().splitlines()
    assert json.loads(line)["key"] == "broken.webp"


def test_the_starter_encoder_is_said_to_know_only_its_own_pictures(folder):
    done = call("dedupe", "--images", folder / "in", "--out", folder / "out")
    assert "The starter encoder knows only pictures like its own" in done.stderr
    exact = ("--tiers", "exact", "--out", folder / "out2")
    assert not call("dedupe", "--images", folder / "in", *exact).stderr.startswith("The starter")


def test_a_tar_against_a_folder(folder):
    write_tar(folder / "0.tar", {"a.png": (folder / "in/fox/1.png").read_bytes()})
    given = ("--images", folder / "0.tar", "--against", folder / "in", "--tiers", "exact")
    done = call("dedupe", *given, "--out", folder / "out")
    assert "1 found = 0 kept + 1 dropped + 0 failed" in done.stdout
    assert "  1 dropped as duplicates of the other set" in done.stdout
    assert "  exact against: 1 dropped; 1 equal another" in done.stdout


def test_embeddings_are_told_about_in_words_and_files(matrix, tmp_path):
    out = tmp_path / "out"
    given = ("--embeddings", matrix, "--max-similarity", "0.95", "--out", out)
    done = call("dedupe", *given)
    lines = done.stdout.splitlines()
    assert lines[0] == "3 found = 2 kept + 1 dropped"
    assert lines[1].startswith("  semantic: 1 dropped above 0.95 (option/isekai.toml); 1 pairs")
    verdicts = [json.loads(line) for line in (out / "verdicts.jsonl").read_text().splitlines()]
    assert [line["keep"] for line in verdicts] == [True, False, True]


def test_limits_come_from_the_environment_too(matrix, tmp_path):
    told = call(
        *("dedupe", "--embeddings", matrix, "--out", tmp_path / "out", "--json"),
        ISEKAI_GEN_MAX_SIMILARITY="0.999",
        ISEKAI_GEN_WITHIN="concept",
    )
    report = json.loads(told.stdout)
    assert report["tiers"]["semantic"]["max_similarity"] == 0.999
    assert report["dropped"] == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--images", ".", "--embeddings", "x.npy"], "--images and --embeddings are two ways"),
        (["--images", "."], "--images needs --out"),
        (["--embeddings", "x.npy"], "--embeddings needs --out"),
        (["--out", "o"], "--out needs --images or --embeddings"),
        (["--floor", "0.5"], "--floor needs --images or --embeddings"),
        (["--against", "."], "--against needs --images or --embeddings"),
        (["--images", ".", "--out", "o", "--ids", "x.npy"], "--ids means nothing with --images"),
        (["--images", ".", "--out", "o", "--require-unit"], "--require-unit means nothing"),
        (["--images", ".", "--out", "o", "--within", "all"], "--within means nothing"),
        (["--images", ".", "--out", "o", "--dry-run"], "--dry-run means nothing with --images"),
        (["--images", ".", "--out", "o", "-w", "ws"], "--workspace means nothing with --images"),
        (["--embeddings", "x.npy", "--out", "o", "--tiers", "exact"], "--tiers means nothing"),
        (["--embeddings", "x.npy", "--out", "o", "--min-recall", "0.9"], "in --mode exact"),
        (["--mode", "exact", "--min-recall", "0.9"], "in --mode exact"),
        (["--tiers", "exact", "--max-similarity", "0.9"], "with --tiers exact"),
        (["--tiers", "exact,semantic", "--radius", "3"], "with --tiers exact,semantic"),
        (["--tiers", "perceptual", "--mode", "auto"], "with --tiers perceptual"),
        (
            ["--images", ".", "--out", "o", "--tiers", "exact", "--encoder", "x"],
            "--encoder means nothing with --tiers exact",
        ),
        (["--embeddings", "x.npy", "--out", "o", "--radius", "3"], "--radius means nothing"),
        (["--embeddings", "x.npy", "--out", "o", "--encoder", "starter"], "--encoder means"),
        (["--embeddings", "x.npy", "--out", "o", "--against", "."], "--against names a folder"),
        (["--tiers", "exact,psychic"], "'psychic' is none of exact, perceptual, semantic, extra"),
    ],
)
def test_options_that_make_no_sense_together_are_refused(
    matrix, tmp_path, monkeypatch, given, message
):
    monkeypatch.chdir(tmp_path)
    done = call("dedupe", *given, expect=2)
    assert message in " ".join(done.stderr.replace("│", " ").split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.npy"]


def test_a_workspace_that_is_none_is_still_told_so(tmp_path):
    done = call("dedupe", "-w", tmp_path / "none", expect=2)
    assert "is no workspace with images yet" in done.stderr


def test_a_second_command_on_the_same_folder_stops(matrix, tmp_path):
    from isekai_gen.workspace import Workspace

    with Workspace(tmp_path / "out").lock():
        done = call("dedupe", "--embeddings", matrix, "--out", tmp_path / "out", expect=2)
    assert "is in use by process" in done.stderr
    assert "choose another --out" in done.stderr
