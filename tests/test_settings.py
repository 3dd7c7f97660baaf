"""isekai.toml: what was used is written; what is wrong is said with its line."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.errors import InputError
from isekai_gen.settings import Settings, read_settings


def test_what_is_written_is_read_again(tmp_path):
    used = Settings().with_overrides(
        {
            "generate": {"model": "a/b", "model_config": "/c", "seed": 7, "guidance_scale": 0.0},
            "near_duplicate": {"max_similarity": 0.9},
        }
    )
    path = tmp_path / "isekai.toml"
    path.write_bytes(used.to_toml())
    assert read_settings(path) == used
    assert b"model_config" in path.read_bytes()


def test_a_pipe_in_its_place_is_refused(tmp_path):
    path = tmp_path / "isekai.toml"
    os.mkfifo(path)
    with pytest.raises(InputError, match=r"isekai\.toml: is no regular file; remove it"):
        read_settings(path)


@given(
    st.integers(0, 2**63 - 1),
    st.floats(0, 100, allow_nan=False),
    st.text(min_size=1, max_size=40).filter(lambda text: "\r" not in text),
)
def test_any_settings_survive_the_file(tmp_path_factory, seed, guidance, name):
    used = Settings().with_overrides(
        {"generate": {"seed": seed, "guidance_scale": guidance}, "release": {"name": name}}
    )
    path = tmp_path_factory.mktemp("toml") / "isekai.toml"
    path.write_bytes(used.to_toml())
    assert read_settings(path) == used


def test_without_a_file_the_defaults_hold(tmp_path):
    assert read_settings(tmp_path / "isekai.toml") == Settings()


def test_an_option_that_was_not_given_leaves_a_setting_alone():
    settings = Settings().with_overrides({"generate": {"seed": 3}})
    assert settings.with_overrides({"generate": {"seed": None}}).generate.seed == 3


def test_every_fault_is_said_with_its_line_and_a_suggestion(tmp_path):
    path = tmp_path / "isekai.toml"
    path.write_text("[generate]\nsede = 1\nshard_size = 0\n\n[realease]\nname = 'x'\n")
    with pytest.raises(InputError) as caught:
        read_settings(path)
    lines = str(caught.value).splitlines()
    assert any(":2: unknown key 'generate.sede'; did you mean 'seed'?" in line for line in lines)
    assert any(":3: generate.shard_size:" in line for line in lines)
    assert any(":5: unknown key 'realease'; did you mean 'release'?" in line for line in lines)


@pytest.mark.parametrize(
    "text",
    ["[generate", "generate = 3", "a = " + "[" * 9999, "\udcff".encode(errors="surrogateescape")],
)
def test_a_file_that_is_no_settings_is_one_clear_error(tmp_path, text):
    path = tmp_path / "isekai.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=r"isekai\.toml"):
        read_settings(path)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("class_overlap", "max_margin"),
        ("class_overlap", "own_quantile"),
        ("near_duplicate", "max_similarity"),
        ("generate", "guidance_scale"),
    ],
)
def test_a_limit_that_is_no_number_is_refused(tmp_path, section, key, value):
    path = tmp_path / "isekai.toml"
    path.write_text(f"[{section}]\n{key} = {value}\n")
    with pytest.raises(InputError, match=rf"isekai\.toml:2: {section}\.{key}: .*finite number"):
        read_settings(path)
    with pytest.raises(InputError, match="finite number"):
        Settings().with_overrides({section: {key: float(value)}})


def test_a_value_out_of_range_names_its_key():
    with pytest.raises(InputError, match=r"near_duplicate\.max_similarity"):
        Settings().with_overrides({"near_duplicate": {"max_similarity": 1.5}})


def test_choices_are_distinct_and_their_order_says_nothing():
    said = {"refills": ["multi", "none"], "kept": ["context", "object"]}
    chosen = Settings().with_overrides({"counterfactuals": said}).counterfactuals
    assert chosen.refills == ("none", "multi")
    assert chosen.kept == Settings().counterfactuals.kept
    for wrong in ([], ["none", "none"]):
        with pytest.raises(InputError, match=r"counterfactuals\.refills: name at least one"):
            Settings().with_overrides({"counterfactuals": {"refills": wrong}})
