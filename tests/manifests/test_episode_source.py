"""Sources of episodes are checked at birth, and upstream's files are read strictly."""

import json

import pytest

from isekai_gen.errors import ManifestError
from isekai_gen.manifests.episode_plan import EpisodePlan
from isekai_gen.manifests.episode_source import ClassPool, EpisodeSource, barred_by_groups
from isekai_gen.manifests.episode_source_file import read_episode_source
from isekai_gen.manifests.episodes import EpisodeSampler
from tests.manifests.episode_sources import ring


def row(number: int, *neighbors: int) -> dict:
    return {
        "class_id": str(number),
        "class_name": f"kind_{number}",
        "samples": [f"train/n{number}/{image}.JPEG" for image in range(4)],
        "neighbors": [[str(n), f"kind {n}", f"train/n{n}/9.JPEG"] for n in neighbors],
    }


def write(path, rows):
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    return path


@pytest.fixture
def rows():
    return [row(1, 3, 2), row(2, 1, 3), row(3, 1)]


def test_a_train900_style_file_is_a_source(tmp_path, rows):
    source = read_episode_source(write(tmp_path / "train.jsonl", rows))
    assert source.ranked_neighbors == {"1": ("3", "2"), "2": ("1", "3"), "3": ("1",)}
    assert source.pools["2"] == ClassPool("2", "kind 2", tuple(rows[1]["samples"]))
    assert len(list(EpisodeSampler(source, EpisodePlan("2-way", 5, shots=3)))) == 5


def changed(rows, number, **fields):
    rows[number - 1] = {**rows[number - 1], **fields}


@pytest.mark.parametrize(
    ("number", "fields", "said"),
    [
        (1, {"class_id": 1}, "class_id must be text"),
        (2, {"class_id": "1", "neighbors": []}, "has a row already, line 1"),
        (2, {"class_name": "  "}, "class_name must be text"),
        (2, {"class_name": "\ud800"}, "half of a character"),
        (2, {"extra": 1}, "exactly the keys"),
        (3, {"samples": []}, "must have images"),
        (3, {"samples": ["a.png", "a.png"]}, "each of them once"),
        (3, {"samples": "a.png"}, "samples must be a list"),
        (3, {"samples": ["/etc/a.png"]}, "must be relative"),
        (3, {"samples": ["../a.png"]}, "part"),
        (3, {"samples": ["train/n1/0.JPEG"]}, "is a sample of '1', too"),
        (2, {"neighbors": {}}, "neighbors must be a list"),
        (2, {"neighbors": [["1", "kind 1"]]}, r"must be \[class_id, class_name, path\]"),
        (2, {"neighbors": [[1, "kind 1", "a.png"]]}, "every part of a neighbor"),
        (2, {"neighbors": [["1", "kind 1", "/a.png"]]}, "must be relative"),
        (2, {"neighbors": [["2", "kind 2", "a.png"]]}, "hold the row's own"),
        (2, {"neighbors": [["1", "a", "a.png"], ["1", "a", "a.png"]]}, "repeat"),
        (2, {"neighbors": [["9", "kind 9", "a.png"]]}, "neighbor '9' has no row"),
    ],
)
def test_a_broken_row_is_refused_with_its_line(tmp_path, rows, number, fields, said):
    changed(rows, number, **fields)
    path = write(tmp_path / "train.jsonl", rows)
    with pytest.raises(ManifestError, match=said) as caught:
        read_episode_source(path)
    assert str(caught.value).startswith(f"{path}:{number}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"[1]\n", ":1: a row must be an object"),
        (b"{}\n\n", ":1: a row must be an object"),
        (b"{\n", ":1: no JSON"),
        (b"\xff\n", ":1: not UTF-8"),
        (b'{"class_id": ' + b"9" * 5000 + b"}\n", ":1: no JSON"),
        (b"[" * 100_000, ":1: no JSON"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, content, said):
    path = tmp_path / "train.jsonl"
    path.write_bytes(content)
    with pytest.raises(ManifestError, match=said):
        read_episode_source(path)
    with pytest.raises(ManifestError, match="cannot be read"):
        read_episode_source(tmp_path)


def test_a_line_that_is_no_utf8_is_named_by_its_own_number(tmp_path, rows):
    path = write(tmp_path / "train.jsonl", rows)
    path.write_bytes(path.read_bytes() + b"\xff\n")
    with pytest.raises(ManifestError, match=r"train.jsonl:4: not UTF-8"):
        read_episode_source(path)


@pytest.mark.parametrize(
    ("pools", "neighbors", "barred", "said"),
    [
        ({"b": ClassPool("a", "a", ("a.png",))}, {}, {}, "under the key 'b'"),
        ({"a": ClassPool("a", "a", ("a.png",))}, {"a": ("b",)}, {}, "'b'.* is no class"),
        ({}, {"a": ()}, {}, "'a'.* is no class"),
        ({"a": ClassPool("a", "a", ("a.png",))}, {"a": ("a",)}, {}, "the class itself"),
        (
            {k: ClassPool(k, k, ("same.png",)) for k in "ab"},
            {},
            {},
            "'same.png' is in 'a' and in 'b'",
        ),
        ({}, {}, {"x": frozenset({"y"})}, "near-duplicates of 'x'"),
    ],
)
def test_a_source_that_contradicts_itself_is_refused(pools, neighbors, barred, said):
    with pytest.raises(ValueError, match=said):
        EpisodeSource(pools, neighbors, barred)


def test_groups_that_share_an_image_add_up():
    barred = barred_by_groups([frozenset("ab"), frozenset("bc")])
    assert barred == {"a": frozenset("b"), "b": frozenset("ac"), "c": frozenset("b")}
    EpisodeSource({}, {}, barred)


def test_the_digest_tells_sources_apart():
    digests = {
        ring(3, 4).digest(),
        ring(3, 5).digest(),
        ring(3, 4, neighbors=1).digest(),
        ring(3, 4, groups=[frozenset({"c0/0.png", "c1/0.png"})]).digest(),
    }
    assert len(digests) == 4
    assert ring(3, 4).digest() in digests
