"""A release is held against limits; what was never measured meets none."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from isekai_gen.cli import command_line
from isekai_gen.errors import InputError, ReleaseError
from isekai_gen.release.layout import (
    CALIBRATION_FILE,
    CONCEPTS_FILE,
    DUPLICATES_FILE,
    METADATA_FILE,
    OVERLAP_FILE,
)
from isekai_gen.release.verification.gate import Allowance, GateLimits, check_gate, parse_allowance
from tests.release.mutations import edit_rows

NONE, HALF_PERCENT = Allowance(0, percent=False), Allowance(0.5, percent=True)


@pytest.fixture
def release(built, tmp_path):
    return Path(shutil.copytree(built, tmp_path / "release"))


def write_overlap(folder, *, like_class=(0, 0), copies_measured=True):
    """reports/overlap.json of two fictional concepts with three images each."""
    kept = [{"like_class": {"images": number, "of": 3}} for number in like_class]
    report = {
        "schema": 1,
        "measured": True,
        "copies_measured": copies_measured,
        "limits": {
            "class_overlap": {"max_margin": 0.0},
            "reference_copy": {"max_similarity": 0.95, "review_similarity": 0.9},
        },
        "concepts": [
            {"concept": slug, "kept": each}
            for slug, each in zip(("cactihog", "icemic"), kept, strict=True)
        ],
    }
    (folder / OVERLAP_FILE).write_text(json.dumps(report))


def compare_all(folder, *similarities):
    """Give every image a similarity to real ones: those given, the rest 0.5."""

    def edit(rows):
        for number, row in enumerate(rows):
            row["reference_similarity"] = (
                similarities[number] if number < len(similarities) else 0.5
            )

    edit_rows(folder, METADATA_FILE, edit)


def rules(folder, **limits):
    return [(each.file, each.rule) for each in check_gate(folder, GateLimits(**limits))]


def test_copies_are_counted_from_the_rows_and_named(release):
    write_overlap(release)
    compare_all(release, 0.99, 0.95)
    (finding,) = check_gate(release, GateLimits(max_copies=NONE))
    assert (finding.file, finding.rule) == (METADATA_FILE, "max-copy")
    assert finding.message.startswith("1 of 6 images")
    assert finding.message.endswith("images/cactihog/cactihog-0001.png")
    assert rules(release, max_copies=Allowance(1, percent=False)) == []
    assert rules(release, max_copies=Allowance(20, percent=True)) == []


@pytest.mark.parametrize("limits", [{"max_copies": NONE}, {"copies_measured": True}])
def test_copies_that_were_never_looked_for_do_not_pass(release, limits):
    assert rules(release, **limits) == [(OVERLAP_FILE, "not-measured")]
    write_overlap(release, copies_measured=False)
    assert rules(release, **limits) == [(OVERLAP_FILE, "not-measured")]
    write_overlap(release)
    compare_all(release)
    assert rules(release, **limits) == []


def test_one_image_that_was_not_compared_does_not_pass(release):
    write_overlap(release)
    compare_all(release, None)
    assert rules(release, max_copies=NONE) == [(METADATA_FILE, "not-measured")]


def test_class_overlap_is_held_against_a_share_and_names_concepts(release):
    write_overlap(release, like_class=(0, 1))
    (finding,) = check_gate(release, GateLimits(max_class_overlap=HALF_PERCENT))
    assert finding.rule == "max-class-overlap"
    assert "1 of 6 images" in finding.message
    assert "icemic (1 of 3)" in finding.message
    assert rules(release, max_class_overlap=Allowance(17, percent=True)) == []


def test_class_overlap_that_was_never_measured_does_not_pass(release):
    assert rules(release, max_class_overlap=HALF_PERCENT) == [(OVERLAP_FILE, "not-measured")]


def test_concepts_with_too_few_images_are_named(release):
    assert rules(release, min_kept=3) == []
    (finding,) = check_gate(release, GateLimits(min_kept=4))
    assert (finding.file, finding.rule) == (CONCEPTS_FILE, "min-kept")
    assert "cactihog (3), icemic (3)" in finding.message


def test_similarity_needs_pairs_listed_down_to_the_limit(release):
    def listed_from(floor):
        report = {"schema": 1, "measured": True, "tiers": {"semantic": {"floor": floor}}}
        (release / DUPLICATES_FILE).write_text(json.dumps(report))

    assert rules(release, max_similarity=0.8) == [(DUPLICATES_FILE, "not-measured")]
    listed_from(0.85)
    assert rules(release, max_similarity=0.8) == [(DUPLICATES_FILE, "not-measured")]
    listed_from(0.6)
    assert rules(release, max_similarity=0.8) == []
    assert rules(release, max_similarity=0.7) == [(METADATA_FILE, "max-similarity")]


def test_a_calibration_must_be_there_if_it_is_asked_for(release):
    assert rules(release, calibrated=True) == [(CALIBRATION_FILE, "not-measured")]
    (release / CALIBRATION_FILE).write_text(json.dumps({"schema": 1, "tiers": {"semantic": {}}}))
    assert rules(release, calibrated=True) == []


def test_a_release_that_cannot_be_read_does_not_pass(release, tmp_path):
    edit_rows(release, METADATA_FILE, lambda rows: rows[0].update(seed="x"))
    assert rules(release, min_kept=1) == [(METADATA_FILE, "metadata")]
    with pytest.raises(ReleaseError, match="no folder"):
        check_gate(tmp_path / "none", GateLimits(min_kept=1))


@pytest.mark.parametrize("document", ["[]", "null", '{"tiers": 1}', '{"measured": true}', "{"])
def test_any_report_is_judged_without_a_crash(release, document):
    for name in (OVERLAP_FILE, DUPLICATES_FILE, CALIBRATION_FILE):
        (release / name).write_text(document)
    asked = {"max_copies": NONE, "max_class_overlap": NONE, "max_similarity": 0.5}
    assert len(rules(release, calibrated=True, copies_measured=True, **asked)) == 4


@pytest.mark.parametrize(
    ("text", "allowance"),
    [("0", NONE), ("0.5%", HALF_PERCENT), (" 3 ", Allowance(3, percent=False))],
)
def test_allowances_are_numbers_or_shares(text, allowance):
    assert parse_allowance(text) == allowance


@pytest.mark.parametrize("text", ["", "-1", "1.5", "101%", "many", "1%%"])
def test_other_words_are_no_allowances(text):
    with pytest.raises(InputError, match="neither a number of images nor a share"):
        parse_allowance(text)


def run(*arguments):
    return CliRunner().invoke(command_line, ["release", *map(str, arguments)])


def test_the_command_verifies_first_and_ends_with_one(release):
    assert run("gate", release, "--min-kept", 3, "--quiet").exit_code == 0
    done = run("gate", release, "--min-kept", 4, "--json", "--quiet")
    assert done.exit_code == 1
    assert [each["rule"] for each in json.loads(done.stdout)["findings"]] == ["min-kept"]
    (release / "LICENSE").write_text("Do what you like.\n")
    assert "LICENSE: checksum" in run("gate", release, "--min-kept", 3, "--quiet").stdout
    assert run("gate", release, "--min-kept", 3, "--no-verify", "--quiet").exit_code == 0


def test_the_command_asks_for_a_limit(release):
    done = run("gate", release)
    assert done.exit_code == 2
    assert "name at least one limit" in done.stderr


def test_verify_prints_findings_and_what_it_could_not_check(release):
    done = run("verify", release, "--json", "--quiet")
    assert (done.exit_code, json.loads(done.stdout)) == (
        0,
        {"findings": [], "folder": str(release), "not_checked": []},
    )
    (release / "LICENSE").write_text("Do what you like.\n")
    done = run("verify", release, "--no-pixels", "--quiet")
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1].endswith("finding(s)")
    assert "LICENSE: checksum: " in done.stdout
