"""However large a dataset is, its report stays a file that can be sent."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from isekai_gen.intervals import Interval
from isekai_gen.prompts.catalog import Catalog, Group
from isekai_gen.records import Concept, ImageRecord, PlannedImage
from isekai_gen.stages.calibration_files import (
    RocPoint,
    TierCalibration,
    TransformationRecall,
)
from isekai_gen.stages.report_images import evenly_spaced
from isekai_gen.stages.report_numbers import DecisionCounts, ReportNumbers
from isekai_gen.stages.report_page.calibration import limit_of
from isekai_gen.stages.report_page.contact import ContactPictures
from isekai_gen.stages.report_page.duplicates import GroupPictures
from isekai_gen.stages.report_page.page import report_page
from isekai_gen.stages.report_page.plots import plot
from isekai_gen.stages.report_pictures import MAX_BYTES, SIDE, small_jpeg
from isekai_gen.stages.report_sources import DuplicateFindings
from isekai_gen.stages.report_wanted import MAX_PICTURES, wanted_pictures
from isekai_gen.stages.status import Counts, Status
from isekai_gen.stages.yields import Yield, YieldReport
from tests.stages.test_yields import PROVENANCE

MAX_PAGE_BYTES = 8_000_000
LONG = "ü" * 80


def concept(slug, kind):
    said = {field.name: () for field in dataclasses.fields(Concept)}
    texts = {"slug": slug, "name": f"{slug} {LONG}"[:80], "kind": kind, "short": "s"}
    return Concept(**{**said, **texts, "description": "d", "negative_prompt": ""})


def catalog_of(groups):
    pairs = [(f"f{n}", f"r{n}") for n in range(groups)]
    return Catalog(
        LONG, tuple(Group(f, concept(f, "fictional"), concept(r, "real")) for f, r in pairs)
    )


def status_of(catalog, each=1000):
    counts = Counts(each, each, 0, 0, each - 1, {"near_duplicate": 1})
    by_concept = {one.slug: counts for one in catalog.concepts}
    many = len(by_concept)
    total = Counts(each * many, each * many, 0, 0, (each - 1) * many, {"near_duplicate": many})
    return Status(total, by_concept, {})


def groups_of(number):
    members = [f"{n:020x}" for n in range(40)]
    row = {"representative": members[3], "members": members, "diameter": 0.5}
    return [{**row, "diameter_is_exact": False} for _ in range(number)]


def record_of(slug, number):
    image_id = f"{number:020x}"
    planned = PlannedImage(image_id, slug, number, "t", {}, "p", "", 0, 0)
    return ImageRecord(planned, PROVENANCE, "", f"images/{slug}/{image_id}.png", "", "", None)


def test_a_thumbnail_of_noise_keeps_its_limit():
    noise = np.random.default_rng(0).integers(0, 256, (700, 500, 3), dtype=np.uint8)
    content = small_jpeg(Image.fromarray(noise))
    assert len(content) <= MAX_BYTES


def test_a_thumbnail_of_a_calm_picture_has_its_full_size(tmp_path):
    path = tmp_path / "small.jpg"
    path.write_bytes(small_jpeg(Image.linear_gradient("L").resize((640, 320))))
    with Image.open(path) as small:
        assert small.size == (SIDE, SIDE // 2)


@pytest.mark.parametrize("groups", [1, 20, 100, 3000])
def test_pictures_are_bounded_and_every_group_is_shown_while_there_is_room(groups):
    catalog = catalog_of(groups)
    found = DuplicateFindings({}, groups_of(50), [])
    wanted = wanted_pictures(catalog, status_of(catalog), found)
    shown = sum(wanted.per_concept.values()) + 8 * len(wanted.duplicates)
    assert shown <= MAX_PICTURES
    assert len(wanted.groups) == min(groups, 252)
    assert all(wanted.per_concept[group.fictional.slug] >= 1 for group in wanted.groups)
    assert all(wanted.per_concept[group.real.slug] >= 1 for group in wanted.groups)


def test_evenly_spaced_begins_at_the_first_and_repeats_none():
    assert list(evenly_spaced(10, 4)) == [0, 2, 5, 7]
    assert list(evenly_spaced(2, 4)) == [0, 1]
    assert list(evenly_spaced(0, 4)) == []


def shortcuts_of(concepts):
    share = {"estimate": 0.5, "low": 0.25, "high": 0.75}
    found = {
        "counts": {"untouched": {"source_images": 1000}},
        "untouched": share,
        "named_without_object": share,
        "chance": 0.5,
        "shortcut_gap": share,
        "flagged": True,
    }
    slot = {"slot": "place", "value": LONG * 5, "share_within": 1.0, "share_elsewhere": 0.0}
    rows = [
        {"concept": f"f{n}", "flagged": True, "models": {"m": found}, "slots": [slot] * 3}
        for n in range(concepts)
    ]
    said = {"manifest": {"name": LONG}, "shots": 12, "metric": "strict", "margin": 0.1}
    return {**said, "total": {"m": found}, "concepts": rows}


def test_a_page_of_three_thousand_groups_keeps_the_bound():
    catalog = catalog_of(3000)
    status = status_of(catalog)
    words = tuple(
        Yield("slot", f"slot {n}", LONG * 5, 1000, 900, {"near_duplicate": 100})
        for n in range(5000)
    )
    total = Yield("total", "", "", 1000, 900, {"near_duplicate": 100})
    numbers = ReportNumbers(
        catalog=catalog,
        tool="1",
        status=status,
        quota=999,
        released=None,
        yields=YieldReport(total, (), (), words, {"near_duplicate": 1000}),
        duplicates=None,
        pairs={},
        fictionality=None,
        calibration=None,
        audit=None,
        shortcuts=shortcuts_of(3000),
        decisions=DecisionCounts(
            9, {"keep": 9}, {LONG * 9: 9}, {f"{LONG} {n}": 1 for n in range(5000)}
        ),
        notes=[],
    )
    wanted = wanted_pictures(catalog, status, None)
    worst = "data:image/jpeg;base64," + "A" * (4 * MAX_BYTES // 3)
    images = {
        slug: [record_of(slug, n) for n in range(count)]
        for slug, count in wanted.per_concept.items()
    }
    html = report_page(
        numbers,
        GroupPictures([], {}, lambda _: worst),
        ContactPictures(wanted.groups, images, lambda _: worst),
    )
    assert html.count(worst) > 400
    assert len(html.encode()) <= MAX_PAGE_BYTES
    assert "and 4,500 more in the JSON file" in html
    assert "and 2,501 more in the JSON file" in html
    assert LONG * 2 not in html


def test_a_plot_keeps_the_words_of_a_dataset_as_words_and_its_colors_to_the_page():
    def draw(axes):
        axes.set_title("$x_1$ <b> #010203 貓")
        axes.plot([0, 1], [0, 1])

    svg = plot("p", 'says "<this>"', 1.0, draw)
    assert "$x_1$ &lt;b&gt; #010203 貓</text>" in svg
    assert 'aria-label="says &quot;&lt;this&gt;&quot;"' in svg
    assert "var(--ink)" in svg
    assert "<metadata" not in svg
    assert "<style" not in svg


def test_calibrated_limits_are_shown_as_similarities():
    def tier(**limits):
        return TierCalibration(
            identity="",
            label="",
            limits=limits,
            basis="counted",
            images_needed=1,
            anchors=1,
            wrong_drops_high=0.5,
            transformations={
                "flip": TransformationRecall(
                    copies=2, found=1, found_or_reviewed=1, recall=Interval(0.5, 0.1, 0.9)
                )
            },
            roc=(RocPoint(limit=0.9, recall=0.5, wrong_drops=0.0, wrong_drops_high=0.5),),
            nearest_misses=(),
        )

    # Pairs that differ in 16 of 64 bits are within a radius of 16; the limit lies below them.
    assert 1 - 17 / 64 <= limit_of("perceptual", tier(radius=16.0, review_radius=18.0)) < 0.75
    assert limit_of("semantic", tier(max_similarity=0.9)) == 0.9
    assert limit_of("extra", tier(extra_max_similarity=0.8)) == 0.8
