"""croissant.json as mlcroissant reads it: that validator and loader, not our own check."""

import shutil
from collections import Counter

import pytest
from PIL import Image

from isekai_gen.hashing import pixel_sha256
from isekai_gen.release.building.build import build_release
from isekai_gen.release.building.request import BuildPlan
from isekai_gen.release.columns import METADATA_COLUMNS
from tests.release.conftest import make_small

# What mlcroissant 1.1.1 uses of rdflib and pandas is on its way out there.
pytestmark = [
    # It leaves closing the pictures it reads to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.reset_index:Warning"),
    pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning"),
]
PROFILES = ("hub", "files", "webdataset")
ALL = (*PROFILES, "undivided")


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    """Profile to a release, with two splits where the profile can tell them apart.

    Also "undivided", of the hub profile with one split, whose tables are one file each.
    """
    folder = tmp_path_factory.mktemp("croissant")
    built = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1767225600")
        for profile in PROFILES:
            small = make_small(folder / profile / "workspace")
            splits = {} if profile == "files" else {"splits": small.divided()}
            plan = BuildPlan(profile=profile)
            built[profile] = build_release(
                small.request(folder / profile / "release", plan, **splits)
            ).folder
            if profile == "hub":
                request = small.request(folder / "undivided", plan)
                built["undivided"] = build_release(request).folder
    return built


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    """Shards are unpacked to a cache under the hash of their path: another release's would do."""
    from mlcroissant._src.operation_graph.operations import extract

    monkeypatch.setattr(extract, "EXTRACT_PATH", type(extract.EXTRACT_PATH)(tmp_path / "cache"))


def opened(release):
    # Heavy: a process that collects this file but runs none of its tests need not import it.
    import mlcroissant

    return mlcroissant.Dataset(str(release / "croissant.json"))


def records(release, record_set, **filters):
    return list(opened(release).records(record_set, **filters))


def picture_sha256(image):
    import numpy as np

    return pixel_sha256(np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("profile", ALL)
def test_it_is_valid_without_a_warning(releases, profile):
    issues = opened(releases[profile]).metadata.ctx.issues
    assert (issues.errors, issues.warnings) == (set(), set())


def test_without_a_date_the_only_warning_is_that(tmp_path, monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    request = make_small(tmp_path / "workspace").request(
        tmp_path / "release", BuildPlan(profile="webdataset")
    )
    issues = opened(build_release(request).folder).metadata.ctx.issues
    assert issues.errors == set()
    assert [warning for warning in issues.warnings if "datePublished" not in warning] == []


@pytest.mark.parametrize("profile", ALL)
def test_every_image_loads_with_its_pixels_and_all_that_is_known(releases, profile):
    loaded = records(releases[profile], "images")
    assert len(loaded) == 14
    for row in loaded:
        pixels = row["images/pixel_sha256"].decode()
        assert picture_sha256(row["images/image"]) == pixels
        assert {f"images/{column.name}" for column in METADATA_COLUMNS} <= row.keys()
    assert {row["images/seed"] for row in loaded} == {0, 1, 2, 3}
    assert {row["images/label"] for row in loaded} == {0, 1, 2, 3}


@pytest.mark.parametrize("profile", ALL)
def test_concepts_and_splits_load(releases, profile):
    concepts = records(releases[profile], "concepts")
    assert [row["concepts/slug"] for row in concepts] == [
        b"cactihog", b"hedgehog", b"icemic", b"teapot",
    ]  # fmt: skip
    images = Counter(row["images/split"] for row in records(releases[profile], "images"))
    splits = records(releases[profile], "splits")
    assert {row["splits/name"].encode(): row["splits/images"] for row in splits} == images


@pytest.mark.parametrize("release", ["hub", "undivided"])
def test_pairs_and_neighbors_load_from_the_hub_profile(releases, release):
    pairs = records(releases[release], "pairs")
    assert len(pairs) == 12
    for row in pairs:
        pictures = [row["pairs/query"], *row["pairs/positive_images"]]
        assert all(isinstance(picture, Image.Image) for picture in pictures)
        assert len(row["pairs/positive_file_names"]) >= len(row["pairs/positive_images"]) > 0
    neighbors = records(releases[release], "neighbors")
    assert {row["neighbors/concept"] for row in neighbors} == {
        b"cactihog", b"hedgehog", b"icemic", b"teapot",
    }  # fmt: skip


@pytest.mark.parametrize("record_set", ["images", "pairs"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_one_split_can_be_loaded_alone(releases, record_set, split):
    loaded = records(releases["hub"], record_set, filters={f"{record_set}/split": split})
    assert loaded
    assert {row[f"{record_set}/split"] for row in loaded} == {split.encode()}


@pytest.mark.parametrize(
    ("profile", "path"),
    [
        ("undivided", "data/test-00000-of-00001.parquet"),
        ("files", "metadata.jsonl"),
        ("webdataset", "shards/*-test-0*.tar"),
    ],
)
def test_a_changed_file_is_not_loaded(releases, profile, path, tmp_path):
    broken = shutil.copytree(releases[profile], tmp_path / "release")
    (file,) = broken.glob(path)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(Exception, match="Download") as caught:
        records(broken, "images")
    assert "is not identical" in str(caught.value.__cause__)
