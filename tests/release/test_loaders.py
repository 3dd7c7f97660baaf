"""Releases are read by the libraries that people have, offline: `datasets` and `webdataset`."""

import json
from dataclasses import replace
from pathlib import PurePosixPath

import datasets
import pytest
import webdataset
import yaml
from PIL import Image

from isekai_gen.release.building.build import build_release
from isekai_gen.release.building.request import BuildPlan
from isekai_gen.shards import read_lines
from tests.release.conftest import make_small

SLUGS = ["cactihog", "hedgehog", "icemic", "teapot"]
PLAIN_AND_STREAMED = pytest.mark.parametrize("streaming", [False, True], ids=["plain", "streamed"])


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def rows_of(release):
    """The rows of metadata.jsonl by id."""
    return {row["id"]: row for row in read_lines(release / "metadata.jsonl")}


def loaded(release, config, streaming):
    """The features and rows of a config's one split."""
    table = datasets.load_dataset(str(release), config, streaming=streaming, split="test")
    return table.features, list(table)


def assert_same_picture(shown, content, tmp_path):
    """The picture has the pixels of the file with these bytes."""
    path = tmp_path / "picture"
    path.write_bytes(content)
    with Image.open(path) as expected:
        assert shown.size == expected.size
        assert shown.convert("RGB").tobytes() == expected.convert("RGB").tobytes()


@PLAIN_AND_STREAMED
def test_images_of_the_hub_profile(built, tmp_path, streaming):
    features, rows = loaded(built, "images", streaming)
    assert features["image"] == datasets.Image()
    assert features["label"] == datasets.ClassLabel(names=SLUGS)
    assert features["adapters"] == datasets.List(datasets.Value("string"))
    assert features["alignment"] == datasets.Value("float64")
    told = rows_of(built)
    assert len(rows) == len(told) == 14
    for row in rows:
        content = (built / row["file_name"]).read_bytes()
        assert_same_picture(row.pop("image"), content, tmp_path)
        assert row == told[row["id"]]
        assert SLUGS[row["label"]] == row["concept"]


def test_images_are_what_is_loaded_by_default(built):
    assert datasets.load_dataset(str(built))["test"].features["image"] == datasets.Image()


@PLAIN_AND_STREAMED
def test_pairs_of_the_hub_profile(built, tmp_path, streaming):
    features, rows = loaded(built, "pairs", streaming)
    assert features["query"] == datasets.Image()
    assert features["positive_images"] == datasets.List(datasets.Image())
    assert features["negative_images"] == datasets.List(datasets.Image())
    lines = (built / "lcl/ISEKAI-10.json").read_text().splitlines()
    assert len(rows) == len(lines)
    for row, line in zip(rows, map(json.loads, lines), strict=True):
        assert row["query_file_name"] == line["image_name"]
        assert row["label"] == line["label_name"]
        assert_same_picture(row["query"], (built / line["image_name"]).read_bytes(), tmp_path)
        for side in ("positive", "negative"):
            assert row[side] == line[f"{side}_promt"]
            assert row[f"{side}_file_names"] == line[f"{side}_list"]
            for shown, name in zip(row[f"{side}_images"], line[f"{side}_list"][:2], strict=True):
                assert_same_picture(shown, (built / name).read_bytes(), tmp_path)


@PLAIN_AND_STREAMED
def test_neighbors_of_the_hub_profile(built, streaming):
    features, rows = loaded(built, "neighbors", streaming)
    assert features["ilsvrc_id"] == datasets.Value("int64")
    tables = ("neighbors/nearest.jsonl", "neighbors/rank-stratified.jsonl")
    assert rows == [row for name in tables for row in read_lines(built / name)]


@PLAIN_AND_STREAMED
def test_images_of_the_files_profile(built_files, tmp_path, streaming):
    features, rows = loaded(built_files, "images", streaming)
    assert features["image"] == datasets.Image()
    told = rows_of(built_files)
    assert len(rows) == len(told) == 14
    for row in rows:
        name = told[row["id"]].pop("file_name")
        assert_same_picture(row.pop("image"), (built_files / name).read_bytes(), tmp_path)
        assert row == told[row["id"]]


@PLAIN_AND_STREAMED
def test_shards_of_the_webdataset_profile_in_datasets(built, built_tars, tmp_path, streaming):
    features, rows = loaded(built_tars, "images", streaming)
    assert features["png"] == datasets.Image()
    assert features["cls"] == datasets.ClassLabel(names=SLUGS)
    told = rows_of(built_tars)
    assert len(rows) == len(told) == 14
    for row in rows:
        name = row["json"]["file_name"]
        assert row["json"] == told[row["json"]["id"]]
        assert row["cls"] == row["json"]["label"]
        assert row["__key__"] == PurePosixPath(name).stem
        # The hub profile of the same images has them as files.
        assert_same_picture(row["png"], (built / name).read_bytes(), tmp_path)


# It leaves closing its files to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_shards_of_the_webdataset_profile_in_webdataset(built, built_tars, tmp_path):
    index = json.loads((built_tars / "shards/shards.json").read_text())
    shards = [str(built_tars / "shards" / shard["url"]) for shard in index["shardlist"]]
    samples = webdataset.WebDataset(shards, shardshuffle=False).decode("pil")
    samples = list(samples.to_tuple("png", "cls", "json", "__key__"))
    told = rows_of(built_tars)
    assert len(samples) == len(told) == sum(shard["nsamples"] for shard in index["shardlist"])
    for picture, label, row, key in samples:
        assert row == told[row["id"]]
        assert label == row["label"]
        assert key == PurePosixPath(row["file_name"]).stem
        assert_same_picture(picture, (built / row["file_name"]).read_bytes(), tmp_path)


@pytest.mark.parametrize("release", ["built", "built_files", "built_tars"])
def test_every_config_of_the_card_loads_without_a_word(request, caplog, release):
    folder = request.getfixturevalue(release)
    header = yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])
    names = [config["config_name"] for config in header["configs"]]
    assert names == (["images", "pairs", "neighbors"] if release == "built" else ["images"])
    for name in names:
        assert loaded(folder, name, streaming=False)[1]
    # `datasets` only warns of parts of the header that it cannot use.
    assert caplog.text == ""


@pytest.mark.parametrize("profile", ["hub", "webdataset"])
def test_every_split_loads_its_own_images(small, tmp_path, profile):
    request = small.request(
        tmp_path / "release", BuildPlan(profile=profile), splits=small.divided()
    )
    splits = datasets.load_dataset(str(build_release(request).folder))
    for name in ("train", "test"):
        found = [row.get("json", row)["id"] for row in splits[name]]
        assert sorted(found) == sorted(
            image for image, split in small.divided().items() if split == name
        )


@pytest.mark.parametrize("profile", ["hub", "files", "webdataset"])
def test_what_only_the_last_image_has_loads_as_well(tmp_path, profile):
    small = make_small(tmp_path / "workspace", ".webp")
    images = small.content.released_images()
    measures = {
        image.record.image_id: replace(image.measures, max_similarity=None) for image in images
    }
    last = images[-1].record.image_id
    measures[last] = replace(measures[last], max_similarity=0.5)
    request = small.request(tmp_path / "out", BuildPlan(profile=profile), measures=measures)
    _, rows = loaded(build_release(request).folder, "images", streaming=False)
    assert {row.get("json", row)["id"]: row.get("json", row)["max_similarity"] for row in rows} == {
        image: measure.max_similarity for image, measure in measures.items()
    }
