"""In which order findings are told, and how many of them."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from isekai_gen.cli import command_line
from isekai_gen.release.verification.findings import few_of_each, findings_in_brief, in_order
from isekai_gen.release.verification.received import Finding, ReceivedTree
from isekai_gen.release.verification.verify import verify_release
from tests.release.mutations import edit_rows

ORDERED = [
    Finding("release.json", "checksum", "its bytes differ"),
    Finding("z.png", "extra", "nobody lists it"),
    Finding("metadata.jsonl", "metadata", "line 9: no"),
    Finding("metadata.jsonl", "metadata", "line 11: no"),
    Finding("metadata.jsonl", "metadata", "line 100: no"),
    Finding("a.json", "report", "counts otherwise"),
    Finding("data/test-00002.parquet", "container", "another row"),
    Finding("data/test-00010.parquet", "container", "another row"),
]


def test_causes_come_before_what_follows_and_numbers_go_up():
    mixed = random.Random(0).sample(ORDERED * 2, 2 * len(ORDERED))
    assert in_order(mixed) == ORDERED


def test_what_stands_for_the_rest_of_a_kind_comes_after_it(tmp_path):
    tree = ReceivedTree(tmp_path)
    tree.report_some("a.json", "manifest", [f"row {number}: no" for number in range(1, 120)])
    told = [each.message for each in in_order(tree.findings)]
    assert told == [*(f"row {n}: no" for n in range(1, 101)), "19 more faults of this kind"]


def test_whatever_a_release_says_is_told_in_one_printable_line(tmp_path):
    tree = ReceivedTree(tmp_path)
    tree.report("a\nb", "splits", "group 'é' is in \x1b[2J\u202e\n and test")
    (found,) = tree.findings
    assert (found.file, found.message) == (
        r"'a\nb'",
        r"group '\xe9' is in \x1b[2J\u202e\n and test",
    )


def test_a_long_value_is_not_repeated_whole(tmp_path):
    tree = ReceivedTree(tmp_path)
    tree.report("metadata.jsonl", "splits", f"group '{'a' * 10**6}' is in two splits")
    assert len(tree.findings[0].message) < 2000


def test_numbers_of_any_length_are_put_in_order():
    long = [Finding(f"{'9' * digits}.png", "extra", "") for digits in (4299, 5000, 9000)]
    assert in_order(reversed(long)) == long


def test_a_few_of_each_kind_are_shown_and_the_others_counted():
    shown = [(each.message, left) for each, left in few_of_each(ORDERED[2:6], 2)]
    assert shown == [("line 9: no", 0), ("line 11: no", 1), ("counts otherwise", 0)]


def test_in_brief_the_first_are_told_and_all_counted():
    told = findings_in_brief(ORDERED)
    assert told.startswith("(8 findings): release.json: its bytes differ; z.png: nobody")
    assert "line 9" in told
    assert "line 11" not in told


@pytest.fixture
def one_label_changed(built, tmp_path) -> Path:
    release = Path(shutil.copytree(built, tmp_path / "release"))
    edit_rows(release, "concepts.jsonl", lambda rows: rows[0].update(lcl_label="someone else"))
    return release


def test_one_changed_label_is_told_from_its_cause_in_a_screenful(one_label_changed):
    findings = verify_release(one_label_changed)
    assert (findings[0].file, findings[0].rule) == ("concepts.jsonl", "checksum")
    arguments = ["release", "verify", str(one_label_changed), "--quiet"]
    brief = CliRunner().invoke(command_line, arguments).stdout.splitlines()
    whole = CliRunner().invoke(command_line, [*arguments, "--all"]).stdout.splitlines()
    assert brief[0] == whole[0] == f"concepts.jsonl: checksum: {findings[0].message}"
    assert len(whole) == len(findings) + 1
    assert len(brief) < len(whole)
    assert any(line.endswith(" more (--all shows them)") for line in brief)
    assert brief[-1] == whole[-1] == f"{one_label_changed}: {len(findings)} finding(s)"
    listed = json.loads(CliRunner().invoke(command_line, [*arguments, "--json"]).stdout)
    assert len(listed["findings"]) == len(findings)
