"""What the demo leaves: pictures that a judge recognizes, in a release that proves itself."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.starter_quality import judge_images
from isekai_gen.prompts import shipped_catalog_path
from isekai_gen.prompts.catalog import load_catalog
from tests.demo_jobs import IMAGES_PER_CONCEPT
from tests.small_jobs import run_cli


@pytest.fixture(scope="module")
def drawn(demo_run) -> dict[str, list[Image.Image]]:
    """Every image of the demo, dropped ones too, by concept slug."""
    return {
        folder.name: [Image.open(path).convert("RGB") for path in sorted(folder.glob("*.png"))]
        for folder in sorted((demo_run.root / "images").iterdir())
    }


@pytest.mark.slow
def test_a_judge_that_saw_only_renders_recognizes_what_was_drawn(drawn):
    """The fictional ones were never shown to the models: they are put together from words."""
    catalog = load_catalog(shipped_catalog_path())
    assert drawn.keys() == {concept.slug for concept in catalog.concepts}
    shares = judge_images(drawn, catalog)
    assert shares["images"] == len(catalog.concepts) * IMAGES_PER_CONCEPT
    assert shares["fictional"] >= 0.6
    assert shares["real"] >= 0.85


@pytest.mark.slow
def test_the_judge_does_not_say_yes_to_anything(drawn):
    """Given the pictures of its counterpart, it recognizes hardly any concept."""
    catalog = load_catalog(shipped_catalog_path())
    swapped = {}
    for group in catalog.groups:
        swapped[group.fictional.slug] = drawn[group.real.slug]
        swapped[group.real.slug] = drawn[group.fictional.slug]
    shares = judge_images(swapped, catalog)
    assert shares["fictional"] <= 0.15
    assert shares["real"] <= 0.15


@pytest.mark.slow
def test_the_contact_sheet_opens_and_shows_a_row_for_every_group(demo_run):
    file = demo_run.release / "preview" / "contact_sheet.jpg"
    assert file.stat().st_size < 2_000_000
    with Image.open(file) as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    height, width, _ = pixels.shape
    assert width >= 4 * 128
    # Blank paper varies nowhere; every twentieth of the page holds pictures.
    bands = np.array_split(pixels, 20)
    assert min(band.std() for band in bands) > 10
    assert height >= 20 * 64


@pytest.mark.slow
def test_manifests_ask_about_every_concept_with_images_that_are_there(demo_run):
    there = {row["file_name"] for row in rows_of(demo_run.release / "metadata.jsonl")}
    manifests = {path.stem: rows_of(path) for path in demo_run.release.glob("lcl/*.json")}
    assert manifests.keys() == {"ISEKAI-10", "ISEKAI-pair"}
    for rows in manifests.values():
        for row in rows:
            support = [*row["positive_list"], *row["negative_list"]]
            assert {row["image_name"], *support} <= there
            assert row["image_name"] not in support
    names = {row["label_name"] for row in manifests["ISEKAI-10"]}
    # A group that lost an image may be left out, but not half of the catalog.
    assert len(names) > len(load_catalog(shipped_catalog_path()).concepts) / 2


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.slow
def test_the_release_verifies_wherever_it_is_copied(demo_run, tmp_path):
    copy = tmp_path / "received"
    shutil.copytree(demo_run.release, copy)
    done = run_cli(["release", "verify", copy])
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("where", ["first", "middle", "last"])
def test_one_flipped_byte_of_an_image_fails_the_check_and_names_the_file(demo_run, tmp_path, where):
    copy = tmp_path / "received"
    shutil.copytree(demo_run.release, copy)
    image = sorted(copy.glob("images/**/*.png"))[-1]
    content = bytearray(image.read_bytes())
    place = {"first": 0, "middle": len(content) // 2, "last": len(content) - 1}[where]
    content[place] ^= 1
    image.write_bytes(content)
    done = run_cli(["release", "verify", copy])
    assert done.returncode == 1
    assert image.relative_to(copy).as_posix() in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
