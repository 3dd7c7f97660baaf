"""YAML of others: plain values, or one error, at once."""

from __future__ import annotations

import pytest
import yaml

from isekai_gen.release.verification.received_yaml import MAX_CHARACTERS, read_plain_yaml


def test_plain_values_are_read_as_safe_yaml_reads_them():
    text = "a: 1\nb: [x, {c: 2026-01-31}]\nd: |\n  two\n  lines\ne: null\n"
    assert read_plain_yaml(text) == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x [1]\nb: *x\n", "anchors"),
        ("[" * 500_000, "deep"),
        ("- " * 200_000, "deep"),
        ("[" * 60 + "]" * 60, "deep"),
        ("a: " + "x" * MAX_CHARACTERS, "longer than"),
        ("!!timestamp x", "tag does not fit"),
        ("!!python/object/apply:os.getcwd []", "could not determine a constructor"),
        ("\x00", "not allowed"),
        ("a: [", "expected"),
    ],
    ids=["anchor", "lists", "items", "closed", "long", "tag", "object", "zero", "torn"],
)
def test_what_could_unfold_or_run_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        read_plain_yaml(text)
