"""Counterfactual samples of a release: a config apart, whatever the profile, that verifies."""

import io
import json
import struct
from dataclasses import replace
from zlib import crc32

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
    ROWS,
    TABLE,
    build_with_samples,
    loose_samples,
    make_samples,
)
from tests.small_jobs import call

INDEX = "release.json"


def png_of(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


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


def test_every_sample_is_told_of_with_its_answer_and_verifies(sampled):
    assert verify_release(sampled) == []
    rows = read_lines(sampled / ROWS)
    images = {row["id"]: row for row in read_lines(sampled / "metadata.jsonl")}
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
    counts = json.loads((sampled / INDEX).read_text())["counterfactuals"]
    assert counts == {
        "samples": 28, "kept": {"context": 14, "object": 14}, "by_split": {"test": 28},
    }  # fmt: skip


def test_no_main_list_names_a_sample(sampled):
    ids = {row["id"] for row in read_lines(sampled / ROWS)}
    main = [
        name
        for name in names(sampled)
        if name.startswith(("lcl/", "prompts/", "pairs/", "data/", "shards/", "preview/"))
        or name in ("metadata.jsonl", "rejected.jsonl", "concepts.jsonl")
    ]
    assert len(main) > 8
    for name in main:
        content = (sampled / name).read_bytes()
        assert not [each for each in ids if each.encode() in content], name


def test_pictures_travel_in_parquet_for_hubs_and_loose_elsewhere(sampled, profile):
    found = sorted(path.name for path in loose_samples(sampled))
    if profile == "hub":
        assert found == []
        assert (sampled / TABLE).is_file()
    else:
        rows = read_lines(sampled / ROWS)
        assert found == sorted(f"{row['id']}.png" for row in rows)
        assert not list(sampled.glob("counterfactuals/*.parquet"))


def test_datasets_loads_the_samples_beside_the_images(sampled, profile):
    if profile == "webdataset":
        folder = str(sampled / "counterfactuals")
        table = datasets.load_dataset("imagefolder", data_dir=folder, split="train")
    else:
        table = datasets.load_dataset(str(sampled), "counterfactuals", split="test")
    told = {row["id"]: row for row in read_lines(sampled / ROWS)}
    assert len(table) == len(told) == 28
    for row in table:
        assert row.pop("image").size == (24, 16)
        expected = told[row["id"]]
        assert row == {key: value for key, value in expected.items() if key in row}
        assert {"answer", "source", "fillers", "mask_rate", "sha256"} <= row.keys()
    assert len(datasets.load_dataset(str(sampled), split="test")) == 14


@reads_croissant
def test_croissant_reads_the_samples(sampled, monkeypatch):
    import mlcroissant

    monkeypatch.chdir(sampled)
    loaded = list(mlcroissant.Dataset(jsonld="croissant.json").records("counterfactuals"))
    told = {row["id"]: row for row in read_lines(sampled / ROWS)}
    assert {row["counterfactuals/id"].decode() for row in loaded} == told.keys()
    for row in loaded:
        assert row["counterfactuals/image"].size == (24, 16)
        expected = told[row["counterfactuals/id"].decode()]
        assert row["counterfactuals/answer"].decode() == expected["answer"]


def test_the_card_tells_what_samples_are_for(sampled, profile):
    text = (sampled / "README.md").read_text()
    assert "## Counterfactual samples" in text
    assert "| context | single | `relevance` | not the concept | 14 |" in text
    configs = [each["config_name"] for each in yaml.safe_load(text.split("---\n")[1])["configs"]]
    assert ("counterfactuals" in configs) == (profile != "webdataset")


def test_the_datasheet_says_that_they_lie_apart(sampled):
    text = (sampled / "DATASHEET.md").read_text()
    assert "28 counterfactual samples: images of this dataset with the object" in text


@pytest.mark.parametrize("profile", ["hub", "webdataset"])
def test_unpacking_says_where_the_samples_stay(sampled_releases, tmp_path, profile):
    release, out = sampled_releases[profile], tmp_path / "out"
    result = call("release", "unpack", release, "--out", out)
    assert f"Left out: the counterfactual samples, which are in {release}/counter" in result.output
    assert len(list(out.rglob("*.png"))) == 14
    said = json.loads(call("release", "unpack", release, "--out", tmp_path / "b", "--json").output)
    assert said["samples_left_out"] == str(release / "counterfactuals")


def test_the_same_samples_give_the_same_bytes_in_any_order(sampled_releases, profile, tmp_path):
    small = make_small(tmp_path / "workspace")
    samples = tuple(reversed(make_samples(small)))
    request = small.request(tmp_path / "release", BuildPlan(profile=profile), samples=samples)
    again = build_release(request).folder
    assert (again / "SHA256SUMS").read_bytes() == (
        sampled_releases[profile] / "SHA256SUMS"
    ).read_bytes()


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


def huge_picture():
    """A few bytes that claim more pixels than there is memory."""
    size = struct.pack(">II", 60_000, 60_000)
    header = b"IHDR" + size + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", crc32(header))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (png_of(Image.new("RGB", (24, 16))), "has other pixels than recorded"),
        (huge_picture(), "is no readable PNG"),
        (b"", "is no readable PNG"),
        (None, "cannot be read"),
    ],
    ids=["other pixels", "huge", "empty", "missing"],
)
def test_a_sample_that_is_not_what_was_recorded_is_refused_with_the_remedy(
    tmp_path, profile, content, fault
):
    small = make_small(tmp_path / "workspace")
    samples = make_samples(small)
    samples[5].picture.unlink()
    if content is not None:
        samples[5].picture.write_bytes(content)
    request = small.request(tmp_path / "out", BuildPlan(profile=profile), samples=samples)
    with pytest.raises(ChecksumError, match=f"{samples[5].picture} {fault}") as raised:
        build_release(request)
    assert "delete what is left of it and run `isekai-gen counterfactuals`" in str(raised.value)
    assert not (tmp_path / "out").exists()


def test_releases_with_and_without_samples_can_be_compared(sampled_releases, built):
    changes = diff_releases(built, sampled_releases["hub"])
    assert changes.to_json()["images"] == diff_releases(built, built).to_json()["images"]
