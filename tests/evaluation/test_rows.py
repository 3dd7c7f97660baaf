import json

import pytest

from isekai_gen.errors import InputError, ManifestError
from isekai_gen.evaluation.image_files import ImageFiles
from isekai_gen.evaluation.rows import read_evaluation_set
from isekai_gen.records import Episode, NamedImage
from tests.evaluation.small_sets import draw_images, isekai_rows, lcl_test_rows, write_lines


def episode_rows(*changes):
    episode = Episode(
        "e0",
        (NamedImage("wug/3.png", "wug", "blick"), NamedImage("dax/3.png", "dax", "toma")),
        NamedImage("dax/0.png", "dax", "toma"),
        ("toma", "blick"),
    )
    row = json.loads(json.dumps(episode.to_json()))
    return [{**row, **change} for change in changes or ({},)]


def test_isekai_rows_have_the_labels_as_concepts(tmp_path):
    asked = read_evaluation_set(write_lines(tmp_path / "ISEKAI-10.json", isekai_rows()))
    assert (asked.name, asked.format, len(asked.rows)) == ("ISEKAI-10", "isekai", 6)
    row = asked.rows[1]
    assert row.query == NamedImage("wug/0.png", "wug", "wug")
    assert row.labels == ("dax", "wug")
    assert row.most_shots == 4
    assert asked.concept_names == {"dax": "dax", "wug": "wug"}


def test_rows_of_lcl_test_are_each_others_negative_in_lower_case(tmp_path):
    asked = read_evaluation_set(write_lines(tmp_path / "test2_pairs.jsonl", lcl_test_rows()))
    assert asked.format == "lcl-test"
    assert [row.query.image for row in asked.rows] == [
        f"{label}/{number}.png" for label in ("dax", "wug") for number in range(3)
    ]
    assert {row.labels for row in asked.rows} == {("red dax", "wug")}
    assert asked.rows[5].query == NamedImage("wug/2.png", "8", "wug")
    assert asked.concept_names == {"7": "Red Dax", "8": "Wug"}


def test_episodes_are_read_as_they_are(tmp_path):
    asked = read_evaluation_set(write_lines(tmp_path / "episodes.jsonl", episode_rows()))
    assert asked.format == "episodes"
    assert asked.rows == (Episode.from_json(episode_rows()[0]),)


SHOWN = [{"image": "dax/0.png", "concept": "dax", "label": "toma"}]
STRANGE = [{"image": "dax/9.png", "concept": "dax", "label": "fep"}]
BROKEN = {
    "odd": (isekai_rows()[:-1], "even number"),
    "no known keys": ([{"a": 1}], "no manifest that can be evaluated"),
    "odd pairs": (lcl_test_rows()[:1], "even number"),
    "leak": ([{**row, "test_samples": ["dax/3.png"]} for row in lcl_test_rows()], "share"),
    "quote": ([{**row, "class_name": "a'b"} for row in lcl_test_rows()], "apostrophe"),
    "shown query": (episode_rows({"support": SHOWN}), "shown with its label"),
    "strange label": (episode_rows({"support": STRANGE}), "none of its labels"),
    "same keys": (episode_rows({}, {}), "repeat"),
    "unsayable": (
        episode_rows({"labels": ["toma", "?!"], "support": []}),
        "differ in letters",
    ),
    "parent folder": (
        episode_rows({"query": {"image": "../x.png", "concept": "d", "label": "toma"}}),
        "'..'",
    ),
    "fields": (episode_rows({"more": 1}), "fields"),
    "text for a list": (
        episode_rows({"labels": "ab", "query": {"image": "q.png", "concept": "d", "label": "a"}}),
        "no list of texts",
    ),
    "half a character": (episode_rows({"key": "e\ud800"}), "half a character"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_manifest_is_refused_with_its_name(tmp_path, name):
    rows, said = BROKEN[name]
    path = write_lines(tmp_path / "m.json", rows)
    with pytest.raises(ManifestError, match=said) as caught:
        read_evaluation_set(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[\n",
        "\n",
        "\xff",
        "[1]\n",
        "3\n",
        "[" * 100_000,
        "\xef\xbb\xbf{}\n",
        '"\xed\xa0\x80"\n',
    ],
)
def test_what_is_no_manifest_is_refused(tmp_path, content):
    path = tmp_path / "m.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ManifestError, match=r"m\.json"):
        read_evaluation_set(path)


def test_missing_images_are_counted_and_the_first_is_named(tmp_path):
    images = ImageFiles(draw_images(tmp_path / "in"))
    images.require(["dax/0.png"])
    with pytest.raises(ManifestError, match=r"2 of 3 images .* the first is 'dax/8.png'"):
        images.require(["dax/0.png", "dax/8.png", "dax/9.png", "dax/8.png"])


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    folder = draw_images(tmp_path / "in")
    (tmp_path / "secret.png").write_bytes(b"x")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(ManifestError, match="lies outside"):
        ImageFiles(folder).require(["link.png"])


def test_links_in_a_circle_are_refused(tmp_path):
    folder = draw_images(tmp_path / "in")
    (folder / "loop").symlink_to("loop")
    with pytest.raises(ManifestError, match=r"loop/a\.png"):
        ImageFiles(folder).require(["loop/a.png"])


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="--images"):
        ImageFiles(tmp_path / "no")
