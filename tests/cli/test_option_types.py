"""An option whose default is a rule can be taken back."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from isekai_gen.cli.curation_options import overlap_options, release_options
from isekai_gen.cli.options import overrides_from
from isekai_gen.settings import Settings


def settings_after(*calls: list[str]) -> Settings:
    """What is remembered after commands with these options, one after the other."""
    kept = Settings()

    @click.command()
    @release_options
    @overlap_options
    def command(**options: object) -> None:
        nonlocal kept
        kept = kept.with_overrides(overrides_from(options))

    for call in calls:
        done = CliRunner().invoke(command, call)
        assert done.exit_code == 0, done.output
    return kept


def test_the_word_default_takes_a_remembered_value_back():
    said = ["--pair-shots", "3", "--max-copy-similarity", "0.8", "--min-margin", "0.1"]
    once = settings_after(said)
    assert (once.release.pair_shots, once.reference_copy.max_similarity) == (3, 0.8)
    words = [word if word.startswith("--") else "default" for word in said]
    assert settings_after(said, words) == Settings()


def test_a_value_that_equals_the_default_is_remembered_like_any_other():
    changed = ["--profile", "files", "--no-loose-images", "--split-seed", "4"]
    back = ["--profile", "hub", "--loose-images", "--split-seed", "0"]
    assert settings_after(changed).release.profile == "files"
    assert settings_after(changed, back) == Settings()


@pytest.mark.parametrize("value", ["-1", "none", "Default"])
def test_other_words_and_values_out_of_range_are_refused(value):
    command = release_options(click.Command("any", callback=lambda **_options: None))
    done = CliRunner().invoke(command, ["--pair-shots", value])
    assert done.exit_code == 2
    assert "--pair-shots" in done.output
