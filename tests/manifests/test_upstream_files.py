"""Configs and READMEs for upstream's code: they name what is there, and say what was not done."""

import ast
import re

import pytest

from isekai_gen.manifests.upstream_config import (
    ISEKAI_CONFIG,
    TEST_CONFIG,
    TRAIN_CONFIG,
    isekai_config,
    lcl_test_config,
    lcl_train_config,
)
from isekai_gen.manifests.upstream_readme import isekai_readme, lcl_readme

CONFIGS = {
    "isekai": isekai_config(["ISEKAI-10", "ISEKAI-pair"]),
    "test": lcl_test_config("test100_pairs.jsonl", 1200),
    "train": lcl_train_config("train900_pairs.jsonl"),
}


def values_of(text):
    """A config as mmengine reads it: environment variables and its own are filled in."""
    filled = text.replace("{{$ISEKAI_GEN_FILES:.}}", "/files").replace(
        "{{$ISEKAI_GEN_IMAGES:.}}", "/images"
    )
    filled = filled.replace("{{fileDirname}}", "/config")
    filled = filled.replace("{{fileBasenameNoExtension}}", "name")
    assert "{{" not in filled
    values = {}
    exec(filled, {}, values)  # noqa: S102
    return values


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_has_no_import_which_mmengine_would_take_for_its_other_kind(name):
    nodes = list(ast.walk(ast.parse(CONFIGS[name])))
    assert not any(isinstance(node, ast.Import | ast.ImportFrom) for node in nodes)
    assert values_of(CONFIGS[name])["_base_"][0] == "_base_/model/lcl_7b.py"


def test_the_isekai_config_evaluates_every_manifest_by_its_own_metric():
    values = values_of(CONFIGS["isekai"])
    tests = values["data_args"]["multitest"]
    assert list(tests) == ["ISEKAI_10", "ISEKAI_pair"]
    assert tests["ISEKAI_10"] == {
        "cfg": {
            "type": "ISEKAIEval2Way",
            "filename": "/files/ISEKAI-10.json",
            "image_folder": "/images",
            "template_file": "/config/_base_/dataset/template/ICL.json",
            "policy": "policy_2way",
        },
        "compute_metric": {"type": "ISEKAIMetrics", "filename": "/files/ISEKAI-10.json"},
    }
    assert values["training_args"]["do_multi_predict"] is True
    assert values["data_args"]["use_icl"] is True


@pytest.mark.parametrize(("fewest", "per_class"), [(1200, 50), (50, 50), (7, 7)])
def test_as_many_images_of_each_test_class_are_asked_about(fewest, per_class):
    tests = values_of(lcl_test_config("test4_pairs.jsonl", fewest))["data_args"]["multitest"]
    (test,) = tests.values()
    assert test["cfg"]["type"] == "ImageNetTest100Eval2Way"
    assert test["cfg"]["sample_per_class"] == per_class
    assert test["cfg"]["filename"] == test["compute_metric"]["filename"]
    assert test["compute_metric"]["type"] == "ImageNetTest100Metrics"


def test_the_training_config_trains_with_at_least_one_shot():
    values = values_of(CONFIGS["train"])
    assert values["data_args"]["train"]["type"] == "ImageNet1kDatasetTrain"
    assert values["data_args"]["train"]["filename"] == "/files/train900_pairs.jsonl"
    assert values["data_args"]["shot"] >= 1


def test_a_readme_gives_the_command_for_every_shot_count_and_says_what_was_not_run():
    text = isekai_readme({"ISEKAI-10": 3})
    assert "support lists of 3 images" in text
    # One option with all values: a second one may replace the first.
    assert text.count("--cfg-options") == 1
    assert "for shot in 0 1 2 3; do" in text
    assert f"config/{ISEKAI_CONFIG}" in text
    assert "`ISEKAI-10.json`" in text
    assert "ISEKAI-pair" not in text
    for each in (text, lcl_readme("train900_pairs.jsonl", "test100_pairs.jsonl", 32)):
        assert re.search(r"were not run", each)


def test_a_readme_of_manifests_of_different_shots_runs_those_that_all_have():
    text = isekai_readme({"ISEKAI-pair": 5, "ISEKAI-10": 2})
    assert "`ISEKAI-10.json` and `ISEKAI-pair.json`" in text
    assert "support lists of at least 2 images" in text
    assert "for shot in 0 1 2; do" in text


def test_a_readme_speaks_of_the_files_that_are_there_only():
    both = lcl_readme("train900_pairs.jsonl", "test100_pairs.jsonl", 32)
    assert TRAIN_CONFIG in both
    assert f"config/{TEST_CONFIG}" in both
    assert "for shot in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do" in both
    alone = lcl_readme(None, "test4_pairs.jsonl", 2)
    assert TRAIN_CONFIG not in alone
    assert "train.jsonl" not in alone
    assert "for shot in 0 1 2; do" in alone
