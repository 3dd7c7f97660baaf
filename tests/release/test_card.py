import re
from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.release.columns import METADATA_COLUMNS
from isekai_gen.release.documents.answers import Author, GeneratorTerms
from isekai_gen.release.documents.card import write_card
from isekai_gen.release.documents.card_header import size_category
from isekai_gen.release.documents.card_markdown import paragraphs, plain, size_in_words, table
from isekai_gen.release.documents.datasheet import write_datasheet
from isekai_gen.release.documents.notices import write_notices
from isekai_gen.release.layout import (
    AUDIT_FILE,
    CALIBRATION_FILE,
    DUPLICATES_FILE,
    OVERLAP_FILE,
)
from tests.release.conftest import ANSWERS
from tests.release.facts import small_facts

HOSTILE = (
    "# Not a title\n\nTitle\n=====\n\n---\n\n<script>alert(1)</script> <b>x</b>\n\n| a | b |\n\n"
    "```\n# code"
)
PROFILES = pytest.mark.parametrize("profile", ["hub", "files", "webdataset"])


def share(images, of):
    return {"images": images, "of": of, "share": images / of, "low": 0.0, "high": 0.5}


def interval(estimate):
    return {"estimate": estimate, "low": estimate - 0.1, "high": estimate}


OVERLAP = {
    "measured": True,
    "copies_measured": False,
    "encoder": "tiny",
    "reference": {"name": "three", "classes": 3},
    "compared": [],
    "limits": {
        "class_overlap": {"max_margin": 0.0, "own_quantile": 0.25},
        "reference_copy": {"max_similarity": 0.95, "review_similarity": 0.9},
    },
    "kept": {
        "like_class": share(0, 6),
        "over_margin": share(1, 6),
        "copies": None,
        "near_copies": None,
    },
    "concepts": [
        {"name": "icemic", "same_name": {"reason": "within_limit", "reference": "three/1"}},
        {"name": "cactihog", "same_name": {"reason": "name_near_class", "reference": "three/2"}},
        {"name": "unseen", "same_name": {}},
    ],
    "nearest_classes": {"cactihog": [{"class_name": "hedge|hog"}]},
}
DUPLICATES = {
    "measured": True,
    "within": "all",
    "review_pairs": 2,
    "relative_quantile": 0.99,
    "tiers": {
        "exact": {
            "max_similarity": None, "floor": None, "complete": True, "recall": None, "dropped": 0,
        },
        "semantic": {
            "max_similarity": 0.95, "floor": 0.85, "complete": False, "recall": interval(0.99),
            "dropped": 1, "encoder": "tiny", "pairs_above_limit": {"generated": 1, "kept": 0},
        },
    },
}  # fmt: skip


def told(facts, **reports):
    content = replace(facts.content, reports={**facts.content.reports, **reports})
    return replace(facts, content=content)


def header_of(card):
    return yaml.safe_load(card.split("---\n")[1])


def section(card, title):
    return card.split(f"\n## {title}\n")[1].split("\n## ")[0]


def outside_code(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def headings(text):
    return re.findall(r"^#+ .*$", outside_code(text), re.M)


@PROFILES
def test_a_card_has_every_part_once(small, profile):
    card = write_card(small_facts(small, profile))
    assert [line for line in headings(card) if line.startswith(("# ", "## "))] == [
        "# Isekai test",
        "## Load it",
        "## Concepts",
        "## How it was made",
        "## How images were selected",
        "## Overlap with the real world",
        "## Splits",
        "## Files and columns",
        "## Provenance and marks",
        "## Check what you received",
        "## Purpose and uses",
        "## Limits and biases",
        "## Changes in 1.0.0",
        "## Licenses",
        "## Citation",
        "## Contact and maintenance",
    ]


def test_the_header_has_measured_rows_and_the_license(small):
    header = header_of(write_card(small_facts(small)))
    assert header["license"] == "cc0-1.0"
    assert header["size_categories"] == ["n<1K"]
    assert {"synthetic", "croissant"} <= set(header["tags"])
    assert [config["config_name"] for config in header["configs"]] == [
        "images",
        "pairs",
        "neighbors",
    ]
    assert [config.get("default") for config in header["configs"]] == [True, None, None]
    (images, *_) = header["dataset_info"]
    assert {split["name"]: split["num_examples"] for split in images["splits"]} == {
        "test": 7,
        "train": 7,
    }


def test_a_license_that_the_hub_does_not_know_is_named(small):
    facts = small_facts(small)
    own = replace(facts.options, license_id="our-own", license_text="You may.")
    header = header_of(write_card(replace(facts, options=own)))
    assert header["license"] == "other"
    assert (header["license_name"], header["license_link"]) == ("our-own", "LICENSE")


def test_a_license_that_the_hub_knows_is_not_called_other(small):
    facts = small_facts(small)
    own = replace(facts.options, license_id="cc-by-4.0")
    assert header_of(write_card(replace(facts, options=own)))["license"] == "cc-by-4.0"


@pytest.mark.parametrize(
    ("images", "category"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (10**6, "1M<n<10M"), (10**7, "n>10M")],
)
def test_size_categories(images, category):
    assert size_category(images) == category


def test_what_was_not_measured_is_said(small):
    card = write_card(small_facts(small))
    assert "**Not measured.**" in section(card, "Overlap with the real world")
    selection = section(card, "How images were selected")
    assert "**Not looked for.**" in selection
    assert "**not calibrated**" in selection
    assert "**No person audited**" in selection
    assert "**Near-duplicates were not searched for**" in section(card, "Splits")


def test_what_was_measured_is_told_with_its_interval(small):
    card = write_card(
        told(small_facts(small), **{OVERLAP_FILE: OVERLAP, DUPLICATES_FILE: DUPLICATES})
    )
    overlap = section(card, "Overlap with the real world")
    assert "**Like a real class**: 0 of 6 (0.0 %; 95 % interval 0.0 % to 50.0 %)" in overlap
    assert "**Copies of real images**: **not looked for**" in overlap
    assert "no fictional concept has one" in overlap
    assert "left to people: cactihog (class three/2)" in overlap
    selection = section(card, "How images were selected")
    assert "| semantic (`tiny`) | 0.95 | 1 | 0 | no: 99.0 % (89.0 % to 99.0 %) of them" in selection
    assert "(`relative_quantile` 0.99)" in selection
    assert "2 pairs of kept images just below a limit were left to people." in selection
    assert "hedge\\|hog |" in section(card, "Concepts")
    assert "Near-duplicates were not searched" not in card


def test_copies_that_were_looked_for_are_counted(small):
    kept = {**OVERLAP["kept"], "copies": share(0, 6), "near_copies": share(2, 6)}
    compared = [{"name": "photos", "images": 1000}]
    report = {**OVERLAP, "copies_measured": True, "compared": compared, "kept": kept}
    overlap = section(
        write_card(told(small_facts(small), **{OVERLAP_FILE: report})),
        "Overlap with the real world",
    )
    assert "real images of photos (1,000 images)" in overlap
    assert "**Copies of real images**: 0 of 6" in overlap
    assert "near it, from 0.9 on: 2 of 6" in overlap


def test_calibration_and_audit_are_told(small):
    calibration = {
        "images": 300, "sampled": 50, "false_merges": 1.0, "confidence": 0.95,
        "tiers": {
            "semantic": {
                "limits": {"max_similarity": 0.97}, "wrong_drops_high": 0.5,
                "transformations": {
                    "jpeg": {"recall": interval(0.9)}, "crop": {"recall": interval(0.5)},
                },
            }
        },
    }  # fmt: skip
    audit = {"questions": 20, "answered": 18, "all": {"precision": interval(1.0), "recall": None}}
    card = write_card(
        told(small_facts(small), **{CALIBRATION_FILE: calibration, AUDIT_FILE: audit})
    )
    selection = section(card, "How images were selected")
    assert "`max_similarity` = 0.97; found 50.0 % to 90.0 % of planted copies" in selection
    assert "People answered 18 of 20 questions" in selection
    assert "right drops 100.0 % (90.0 % to 100.0 %)" in selection
    assert "found of what should be dropped not measured" in selection


def test_the_funnel_adds_up(small):
    selection = section(write_card(small_facts(small)), "How images were selected")
    rows = re.findall(r"^\| ([^|]+) \| \**(-?[\d,]+)\** \|", selection, re.M)
    numbers = {name: int(number) for name, number in rows}
    assert numbers["planned"] + numbers["not drawn yet"] + numbers["failed"] == numbers["generated"]
    dropped = sum(number for name, number in numbers.items() if name.startswith("dropped by"))
    assert numbers["generated"] + dropped == numbers["**kept**"] == 14


def test_every_column_is_explained(small):
    columns = section(write_card(small_facts(small)), "Files and columns")
    assert all(f"| `{column.name}` | " in columns for column in METADATA_COLUMNS)


def test_signed_pictures_are_told(small):
    assert "signed [C2PA]" in write_card(small_facts(small, signed_pictures=True))
    assert "no signed C2PA" in write_card(small_facts(small))


def test_answers_cannot_break_the_structure(small):
    honest = small_facts(small)
    texts = dict.fromkeys(
        ("description", "contact", "purpose", "uses", "out_of_scope", "selection", "limitations",
         "biases", "personal_information", "social_impact", "maintenance", "funding"),
        HOSTILE,
    )  # fmt: skip
    answers = replace(
        ANSWERS,
        **texts,
        authors=(Author("<b>| Bob |\n# x", "`a`"),),
        generators={"tiny": GeneratorTerms("[x](y)|", "https://example.org", HOSTILE)},
    )
    for write in (write_card, write_datasheet, write_notices):
        text = write(replace(honest, answers=answers))
        assert headings(text) == headings(write(honest))
        assert "<script" not in outside_code(text)
        assert "<b>" not in outside_code(text)
        assert text.count("```") % 2 == 0


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=60))
def test_a_name_stays_in_its_cell(name):
    row = table(("a", "b"), [(plain(name), "x")]).split("\n")
    assert len(row) == 3
    assert len(re.findall(r"(?<!\\)\|", row[2].replace("\\\\", ""))) == 3


@given(st.text(alphabet="#=-_*`~<>! \n\tab|", max_size=60))
def test_no_text_makes_a_heading_or_leaves_code_open(text):
    shown = paragraphs(text)
    fence = ""
    for line in shown.split("\n"):
        mark = re.match(r" {0,3}(```+|~~~+)", line)
        if fence:
            fence = (
                ""
                if mark and mark[1].startswith(fence) and not line[mark.end() :].strip()
                else fence
            )
        elif mark:
            fence = mark[1]
        else:
            assert not re.match(r" {0,3}#{1,6}([ \t]|$)", line)
            assert not re.match(r" {0,3}(=+|-+)[ \t]*$", line)
    assert not fence


def test_lists_links_and_code_of_authors_stay():
    text = "* one\n* two\n\n**bold** <https://example.org> `x < y`\n\n```\n<b># code</b>\n```"
    assert paragraphs(text) == text.replace("x < y", "x &lt; y")


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (1, "1 byte"),
        (999, "999 bytes"),
        (6_390_000, "6.39 MB"),
        (999_600, "999 kB"),
        (2 * 10**12, "2 TB"),
    ],
)
def test_sizes_are_told_for_people(size, words):
    assert size_in_words(size) == words


def test_a_datasheet_answers_under_every_heading(small):
    sheet = write_datasheet(small_facts(small))
    assert re.findall(r"^## (.*)$", sheet, re.M) == [
        "Motivation",
        "Composition",
        "Collection process",
        "Preprocessing, cleaning, labeling",
        "Uses",
        "Distribution",
        "Maintenance",
    ]
    parts = re.split(r"^\*\*(.*\?)\*\*$", sheet, flags=re.M)[1:]
    answered = dict(zip(parts[::2], parts[1::2], strict=True))
    assert len(answered) == 28
    assert all(answer.partition("\n##")[0].strip() for answer in answered.values())
    for text in (ANSWERS.purpose, ANSWERS.biases, ANSWERS.maintenance, ANSWERS.contact):
        assert text in sheet
    assert "1 planned image could not be drawn and 1 planned image had not been drawn yet" in sheet


def test_notices_name_license_digest_and_restrictions(small):
    notices = write_notices(small_facts(small))
    assert "### tiny" in notices
    assert "* License: CC0-1.0, <https://example.org/tiny>" in notices
    assert "* Used for 14 images of this release" in notices
    assert "d" * 64 in notices
    assert "There are none." in notices
