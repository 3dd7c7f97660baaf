"""The pairs table: which pictures it embeds, how it is divided, and how it is read back."""

import io

import datasets
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.errors import ReleaseError
from isekai_gen.release.containers.container_read import iter_pair_images
from isekai_gen.release.containers.parquet_pairs import (
    PAIRS_COLUMNS,
    PairPictures,
    default_shots,
    plan_pairs,
    rows_of_shard,
    write_pairs,
)
from tests.release.contained import arrow

PATHS = [f"images/{slug}/{slug}-{n:04d}.png" for slug in ("icemic", "teapot") for n in range(1, 5)]
SIZES = dict.fromkeys(PATHS, 100)


def row_of(query, shots=3):
    """A row of ISEKAI-10.json with every other image as support."""
    others = [path for path in PATHS if path != query]
    return {
        "image_name": query,
        "positive_list": [path for path in others if "icemic" in path][:shots],
        "negative_list": [path for path in others if "teapot" in path][:shots],
        "positive_promt": "icemic",
        "negative_promt": "teapot",
        "label_name": "icemic" if "icemic" in query else "teapot",
    }


ROWS = [row_of(path) for path in PATHS]


def pictures_of(shots, split_by_path=None):
    return PairPictures(
        split_by_path or dict.fromkeys(PATHS, "test"), SIZES, lambda path: path.encode(), shots
    )


def written(rows, pictures):
    file = io.BytesIO()
    assert write_pairs(file, rows, pictures) == len(rows)
    return file


def test_a_row_names_all_support_images_and_embeds_the_first():
    found = arrow().parquet.read_table(written(ROWS[:1], pictures_of(2))).to_pylist()[0]
    assert found["query"] == {"bytes": PATHS[0].encode(), "path": "icemic-0001.png"}
    assert found["query_file_name"] == PATHS[0]
    assert (found["positive"], found["negative"], found["label"]) == ("icemic", "teapot", "icemic")
    for side in ("positive", "negative"):
        assert found[f"{side}_file_names"] == ROWS[0][f"{side}_list"]
        shown = [picture["bytes"].decode() for picture in found[f"{side}_images"]]
        assert shown == ROWS[0][f"{side}_list"][:2]
    assert found["split"] == "test"


def test_without_shots_the_lists_of_pictures_are_empty_and_keep_their_type():
    file = written(ROWS, pictures_of(0))
    schema = arrow().parquet.read_schema(file)
    features = datasets.Features.from_arrow_schema(schema)
    assert features["positive_images"] == datasets.List(datasets.Image())
    assert features["query"] == datasets.Image()
    assert arrow().parquet.read_table(file)["negative_images"].to_pylist() == [[]] * len(ROWS)


def test_an_image_that_is_not_released_is_named():
    rows = [{**ROWS[0], "positive_list": ["images/icemic/icemic-0009.png"]}]
    with pytest.raises(ReleaseError, match=r"icemic-0009.png.*run isekai-gen manifest"):
        write_pairs(io.BytesIO(), rows, pictures_of(1))
    with pytest.raises(ReleaseError, match=r"icemic-0009.png"):
        plan_pairs([{**ROWS[0], "image_name": "images/icemic/icemic-0009.png"}], pictures_of(0), 1)


@given(
    splits=st.lists(st.sampled_from(["test", "validation"]), min_size=8, max_size=8),
    shots=st.integers(0, 3),
    max_bytes=st.integers(1, 3000),
)
def test_files_divide_the_rows_of_each_split_in_order(splits, shots, max_bytes):
    split_by_path = dict(zip(PATHS, splits, strict=True))
    pictures = pictures_of(shots, split_by_path)
    shards = plan_pairs(ROWS, pictures, max_bytes)
    found = {}
    for shard in shards:
        rows = list(rows_of_shard(ROWS, shard, pictures))
        size = sum(map(pictures.bytes_of, rows))
        assert len(rows) == shard.rows
        assert size <= max_bytes or len(rows) == 1
        found.setdefault(shard.split, []).extend(rows)
    for split in split_by_path.values():
        assert found[split] == [row for row in ROWS if split_by_path[row["image_name"]] == split]
        paths = [shard.path for shard in shards if shard.split == split]
        total = len(paths)
        assert paths == [f"pairs/{split}-{n:05d}-of-{total:05d}.parquet" for n in range(total)]


def test_two_shots_are_embedded_unless_they_would_take_a_gigabyte():
    # Every row embeds its query and two images of each side.
    assert default_shots(ROWS, dict.fromkeys(PATHS, 10**9 // (5 * len(ROWS)))) == 2
    assert default_shots(ROWS, dict.fromkeys(PATHS, 10**9 // (5 * len(ROWS)) + 1)) == 0


def test_embedded_pictures_are_read_back_with_their_paths(tmp_path):
    path = tmp_path / "pairs.parquet"
    path.write_bytes(written(ROWS, pictures_of(2)).getvalue())
    images = list(iter_pair_images(path))
    assert [image.name for image in images[:5]] == [
        PATHS[0],
        *ROWS[0]["positive_list"][:2],
        *ROWS[0]["negative_list"][:2],
    ]
    assert len(images) == 5 * len(ROWS)
    assert all(image.content == image.name.encode() for image in images)
    pictures = {"query", "positive_images", "negative_images"}
    assert set(images[0].row) == {column.name for column in PAIRS_COLUMNS} - pictures
