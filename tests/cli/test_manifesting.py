"""`manifest`: which options go with which formats, and lcl-* in a folder that is no workspace."""

import json

import pytest

from isekai_gen.cli.manifesting import INSTRUCTION_CHOICES, ISEKAI_CHOICES, LCL_CHOICES
from isekai_gen.records import Decision
from isekai_gen.shards import append_records
from isekai_gen.stages.instructions import INSTRUCTION_FORMATS
from isekai_gen.stages.lcl_manifests import LCL_FORMATS
from isekai_gen.stages.manifest import BUILDERS
from tests.small_jobs import call, digests
from tests.stages.class_jobs import in_this_process, write_dataset
from tests.stages.curated_jobs import draw_workspace
from tests.upstream_reader import measure_test, read_train

NUMBERS = ("--samples", 3, "--neighbors", 1, "--context", 2, "--test-classes", 2)


def test_the_choices_are_the_formats_there_are():
    assert tuple(BUILDERS) == ISEKAI_CHOICES
    assert LCL_FORMATS == LCL_CHOICES
    assert INSTRUCTION_FORMATS == INSTRUCTION_CHOICES


def test_training_and_test_classes_of_any_folder(tmp_path, tiny_encoder):
    dataset = write_dataset(tmp_path / "set", images=4)
    formats = ("--format", "lcl-train", "--format", "lcl-test")
    where = ("-w", tmp_path / "ws", "--imagenet", dataset, "--encoder", tiny_encoder)
    with in_this_process():
        done = call("manifest", *where, *formats, *NUMBERS, "--json", "--devices", "cpu")
    train, test = json.loads(done.stdout)
    read_train(tmp_path / "ws/manifests/lcl/train3_pairs.jsonl", dataset)
    measure_test(tmp_path / "ws/manifests/lcl/test2_pairs.jsonl", dataset, per_class=2, most=2)
    assert (train["name"], train["rows"]) == ("train3_pairs", 3)
    assert (test["name"], test["rows"], test["shots"]) == ("test2_pairs", 2, 2)
    shown = call("manifest", *where[:4], *formats[2:]).stdout  # the numbers are remembered
    assert "test2_pairs.jsonl: 2 rows, 2 shots per side" in shown


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--format", "lcl-test"), "--imagenet: name the folder"),
        (("--imagenet", "."), "needs --format lcl-train or lcl-test"),
        (("--format", "isekai-10", "--samples", "3"), "needs --format lcl-train or lcl-test"),
        (("--format", "lcl-test", "--imagenet", ".", "--neighbors", "3"), "--format lcl-train"),
        (("--format", "lcl-test", "--imagenet", ".", "--shots", "3"), "--format isekai-10"),
        (("--format", "lcl-test", "--imagenet", ".", "--encoder", "starter"), "lcl-train or one"),
        (("--format", "llava", "--strict"), "an isekai or lcl format"),
        (("--images-as", "data-url"), "--format one of llava"),
    ],
)
def test_an_option_that_no_format_reads_is_refused(tmp_path, options, words):
    done = call("manifest", "-w", tmp_path / "ws", *options, expect=2)
    assert words in " ".join(done.stderr.split())
    assert not (tmp_path / "ws").exists()


def test_when_nothing_can_be_written_that_is_an_error_and_what_was_there_stays(
    tmp_path, tiny_generator, tiny_encoder
):
    root = draw_workspace(tmp_path, tiny_generator, 3)
    where = ("-w", root, "--encoder", tiny_encoder, "--devices", "cpu", "--quiet")
    with in_this_process():
        call("manifest", *where)
        before = digests(root, ["manifests"])
        assert any("ISEKAI-10.json" in str(name) for name in before)
        done = call("manifest", *where, "--shots", 10**11, expect=2)
    assert "neither isekai-10 nor isekai-pair can be written" in done.stderr
    assert digests(root, ["manifests"]) == before


def test_who_has_few_images_is_told_by_the_shots_that_were_asked_for(
    tmp_path, tiny_generator, tiny_encoder
):
    root = draw_workspace(tmp_path, tiny_generator, 4)
    (spare,) = sorted((root / "images/house").iterdir())[:1]
    append_records(root / "decisions.jsonl", [Decision((spare.stem,), "drop", "ada")])
    where = ("-w", root, "--encoder", tiny_encoder, "--devices", "cpu", "--quiet")
    with in_this_process():
        assert (
            "house: 3 kept images, at most 2 shots (16 need 17)" in call("manifest", *where).stdout
        )
        asked = call("manifest", *where, "--shots", 3).stdout
    assert "house: 3 kept images, at most 2 shots (3 need 4)" in asked
    assert "hedgehog: 4" not in asked


@pytest.mark.parametrize("name", ["isekai-10", "llava"])
def test_formats_of_kept_images_need_a_workspace(tmp_path, name):
    done = call("manifest", "-w", tmp_path / "ws", "--format", name, expect=2)
    assert "is no workspace with images yet" in done.stderr
    assert not (tmp_path / "ws").exists()
