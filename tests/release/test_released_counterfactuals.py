"""Counterfactual samples of a release: a config apart, whatever the profile, that verifies."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import datasets
import pytest
import yaml
from PIL import Image

from isekai_gen.errors import ChecksumError, ReleaseError
from isekai_gen.release.building.build import build_release
from isekai_gen.release.building.request import BuildPlan
from isekai_gen.release.changes.diff import diff_releases
from isekai_gen.release.counterfactual_columns import COUNTERFACTUAL_COLUMNS
from isekai_gen.release.verification.verify import verify_release
from isekai_gen.shards import read_lines
from tests.release.conftest import make_small
from tests.release.mutations import names
from tests.release.sampled import (
    PROFILES,
    ROWS,
    TABLE,
    build_with_samples,
    loose_samples,
    make_samples,
    release_each,
)

INDEX = "release.json"


class Marker:
    """Marks nothing; a build with samples must not come to asking it."""

    identity = "none"

    def mark(self, content, image):
        raise AssertionError(image)


# What mlcroissant 1.1.1 uses of rdflib and pandas is on its way out there.
CROISSANT = (
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.reset_index:Warning"),
    pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning"),
)


def reads_croissant(test):
    """Mark a test as one that has mlcroissant read a release."""
    for mark in CROISSANT:
        test = mark(test)
    return test


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    """A verified release of each profile with samples; never change one, copy it."""
    return release_each(tmp_path_factory)


@pytest.fixture(params=PROFILES)
def profile(request):
    return request.param


@pytest.fixture
def release(releases, profile, tmp_path):
    """One to break."""
    return Path(shutil.copytree(releases[profile], tmp_path / "release"))


def test_every_sample_is_told_of_with_its_answer_and_verifies(release):
    assert verify_release(release) == []
    rows = read_lines(release / ROWS)
    images = {row["id"]: row for row in read_lines(release / "metadata.jsonl")}
    assert len(rows) == 2 * len(images) == 28
    for row in rows:
        assert set(row) == {column.name for column in COUNTERFACTUAL_COLUMNS}
        source = images[row["source"]]
        assert [row[key] for key in ("concept", "label", "split")] == [
            source[key] for key in ("concept", "label", "split")
        ]
        prefix = "" if row["kept"] == "object" else "not "
        assert row["answer"] == prefix + source["lcl_label"]
        assert set(row["fillers"]) <= images.keys()
    counts = json.loads((release / INDEX).read_text())["counterfactuals"]
    assert counts == {
        "samples": 28, "kept": {"context": 14, "object": 14}, "by_split": {"test": 28},
    }  # fmt: skip


def test_no_main_list_names_a_sample(release):
    ids = {row["id"] for row in read_lines(release / ROWS)}
    main = [
        name
        for name in names(release)
        if name.startswith(("lcl/", "prompts/", "pairs/", "data/", "shards/", "preview/"))
        or name in ("metadata.jsonl", "rejected.jsonl", "concepts.jsonl")
    ]
    assert len(main) > 8
    for name in main:
        content = (release / name).read_bytes()
        assert not [each for each in ids if each.encode() in content], name


def test_pictures_travel_in_parquet_for_hubs_and_loose_elsewhere(release, profile):
    found = sorted(path.name for path in loose_samples(release))
    if profile == "hub":
        assert found == []
        assert (release / TABLE).is_file()
    else:
        rows = read_lines(release / ROWS)
        assert found == sorted(f"{row['id']}.png" for row in rows)
        assert not list(release.glob("counterfactuals/*.parquet"))


def test_datasets_loads_the_samples_beside_the_images(release, profile):
    if profile == "webdataset":
        folder = str(release / "counterfactuals")
        table = datasets.load_dataset("imagefolder", data_dir=folder, split="train")
    else:
        table = datasets.load_dataset(str(release), "counterfactuals", split="test")
    told = {row["id"]: row for row in read_lines(release / ROWS)}
    assert len(table) == len(told) == 28
    for row in table:
        assert row.pop("image").size == (24, 16)
        expected = told[row["id"]]
        assert row == {key: value for key, value in expected.items() if key in row}
        assert {"answer", "source", "fillers", "mask_rate", "sha256"} <= row.keys()
    assert len(datasets.load_dataset(str(release), split="test")) == 14


@reads_croissant
def test_croissant_reads_the_samples(release, monkeypatch):
    import mlcroissant

    monkeypatch.chdir(release)
    loaded = list(mlcroissant.Dataset(jsonld="croissant.json").records("counterfactuals"))
    told = {row["id"]: row for row in read_lines(release / ROWS)}
    assert {row["counterfactuals/id"].decode() for row in loaded} == told.keys()
    for row in loaded:
        assert row["counterfactuals/image"].size == (24, 16)
        expected = told[row["counterfactuals/id"].decode()]
        assert row["counterfactuals/answer"].decode() == expected["answer"]


def test_the_card_tells_what_samples_are_for(release, profile):
    text = (release / "README.md").read_text()
    assert "## Counterfactual samples" in text
    assert "| context | single | `relevance` | not the concept | 14 |" in text
    configs = [each["config_name"] for each in yaml.safe_load(text.split("---\n")[1])["configs"]]
    assert ("counterfactuals" in configs) == (profile != "webdataset")


def test_the_same_samples_give_the_same_bytes_in_any_order(releases, profile, tmp_path):
    small = make_small(tmp_path / "workspace")
    samples = tuple(reversed(make_samples(small)))
    request = small.request(tmp_path / "release", BuildPlan(profile=profile), samples=samples)
    again = build_release(request).folder
    assert (again / "SHA256SUMS").read_bytes() == (releases[profile] / "SHA256SUMS").read_bytes()


def test_without_samples_nothing_of_a_release_speaks_of_them(built):
    assert not [name for name in names(built) if "counterfactual" in name]
    for name in (INDEX, "README.md", "croissant.json", "DATASHEET.md"):
        assert "counterfactual" not in (built / name).read_text().lower()


def test_samples_go_with_the_split_of_their_source(tmp_path):
    splits = make_small(tmp_path / "other").divided()
    release = build_with_samples(tmp_path, BuildPlan(max_shard_bytes=3000), splits=splits)
    assert verify_release(release) == []
    rows = read_lines(release / ROWS)
    assert {row["split"] for row in rows} == {"train", "test"}
    assert all(row["split"] == splits[row["source"]] for row in rows)
    for split in ("train", "test"):
        assert len(list(release.glob(f"counterfactuals/{split}-*.parquet"))) > 1
        table = datasets.load_dataset(str(release), "counterfactuals", split=split)
        assert set(table["split"]) == {split}


def test_a_sample_with_pixels_of_two_splits_is_refused(tmp_path):
    small = make_small(tmp_path / "workspace")
    splits = small.divided()
    first, second = (
        next(each for each, split in splits.items() if split == name) for name in ("train", "test")
    )
    samples = [
        replace(each, fillers=(second,)) if each.source == first and each.fillers else each
        for each in make_samples(small)
    ]
    with pytest.raises(ReleaseError, match="is not of released images of one split"):
        build_release(small.request(tmp_path / "out", samples=samples, splits=splits))


def test_a_sample_of_an_image_that_is_not_kept_is_refused(tmp_path):
    small = make_small(tmp_path / "workspace")
    samples = (replace(make_samples(small)[0], source=next(iter(small.content.dropped))),)
    with pytest.raises(ReleaseError, match="of an image that is not released"):
        build_release(small.request(tmp_path / "out", samples=samples))


def test_a_sample_with_other_pixels_than_recorded_is_refused(tmp_path, profile):
    small = make_small(tmp_path / "workspace")
    samples = make_samples(small)
    Image.new("RGB", (24, 16)).save(samples[5].picture)
    request = small.request(tmp_path / "out", BuildPlan(profile=profile), samples=samples)
    with pytest.raises(ChecksumError, match="has other pixels than recorded"):
        build_release(request)
    samples[5].picture.unlink()
    with pytest.raises(ChecksumError, match="cannot be read"):
        build_release(request)


def test_samples_are_not_released_with_marked_images(tmp_path):
    small = make_small(tmp_path / "workspace")
    plan = BuildPlan(marker=Marker())
    with pytest.raises(ReleaseError, match="--no-counterfactuals"):
        build_release(small.request(tmp_path / "out", plan, samples=make_samples(small)))


def test_releases_with_and_without_samples_can_be_compared(releases, built):
    changes = diff_releases(built, releases["hub"])
    assert changes.to_json()["images"] == diff_releases(built, built).to_json()["images"]
