"""Options of the shortcut gap that cannot be honored are refused in one line."""

import pytest

from tests.small_jobs import call


@pytest.mark.parametrize("option", ["--images", "--out"])
def test_samples_are_asked_for_in_a_workspace_only(tmp_path, option):
    manifest = tmp_path / "ISEKAI-10.json"
    manifest.write_text("{}\n")
    given = ("--manifest", manifest, "--model", "clip:starter", "--counterfactuals")
    result = call("evaluate", *given, option, tmp_path, expect=2)
    assert f"leave out {option}" in result.output


def test_a_share_without_diversify_is_refused(tmp_path):
    given = ("-w", tmp_path / "ws", "--kept", 4, "--max-value-share", 0.3)
    result = call("topup", *given, expect=2)
    assert "--max-value-share is for --diversify" in result.output


def test_a_share_in_the_environment_waits_for_diversify(tmp_path):
    given = ("-w", tmp_path / "ws", "--kept", 4)
    result = call("topup", *given, expect=2, ISEKAI_GEN_MAX_VALUE_SHARE="0.3")
    assert "--concepts" in result.stderr
    assert "--max-value-share" not in result.stderr


@pytest.mark.parametrize("share", [0, 1])
def test_a_share_lies_between_nothing_and_everything(tmp_path, share):
    given = ("-w", tmp_path / "ws", "--kept", 4, "--diversify", "--max-value-share", share)
    assert "is not in the range" in call("topup", *given, expect=2).output
