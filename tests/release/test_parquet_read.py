"""Parquet files are read as if they came from a stranger."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.errors import ReleaseError
from isekai_gen.release.containers import parquet_read
from isekai_gen.release.containers.container_read import iter_pair_images, iter_parquet_images
from isekai_gen.release.containers.parquet_images import IMAGE_COLUMN
from isekai_gen.release.containers.parquet_read import iter_parquet_rows, parquet_facts
from isekai_gen.release.containers.parquet_rows import ParquetRows
from tests.release.contained import arrow, packed_images, write_parquet

PICTURE = {"bytes": b"pixels", "path": "a-0001.png"}


@pytest.fixture
def packed(small):
    return packed_images(small)


@pytest.fixture
def table(packed, tmp_path):
    return write_parquet(tmp_path / "images.parquet", packed)


def read(path):
    return [(image.name, image.content, image.row) for image in iter_parquet_images(path)]


def table_of(path, rows, **options):
    """A Parquet file as others write it, pictures stored plain unless told otherwise."""
    options = {"compression": "NONE", "use_dictionary": False, **options}
    arrow().parquet.write_table(arrow().Table.from_pylist(rows), path, **options)
    return path


def test_images_come_back_with_rows_in_order(packed, table):
    assert read(table) == [(each.image.path, each.content, each.row) for each in packed]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"file_name": "images/a/a-0001.png"}, "no picture or no name"),
        ({"image": PICTURE}, "no picture or no name"),
        ({"image": PICTURE, "file_name": 3}, "no picture or no name"),
        ({"image": b"pixels", "file_name": "images/a/a-0001.png"}, "no picture or no name"),
        ({"image": {"path": "a-0001.png"}, "file_name": "images/a/a-0001.png"}, "no picture for"),
        ({"image": PICTURE, "file_name": "images/a/a-0002.png"}, "says it is 'a-0001.png'"),
    ],
)
def test_what_is_malformed_is_one_line(tmp_path, row, message):
    with pytest.raises(ReleaseError, match=message) as caught:
        read(table_of(tmp_path / "bad.parquet", [row]))
    assert str(caught.value).startswith("bad.parquet: row 1")


@pytest.mark.parametrize(
    "row",
    [
        {"query": PICTURE, "query_file_name": "images/a/a-0001.png"},
        {
            "query": PICTURE,
            "query_file_name": "images/a/a-0001.png",
            "positive_images": [PICTURE],
            "positive_file_names": [],
        },
    ],
)
def test_pairs_without_names_for_their_pictures_are_one_line(tmp_path, row):
    with pytest.raises(ReleaseError, match="more positive pictures than names"):
        list(iter_pair_images(table_of(tmp_path / "bad.parquet", [row])))


def test_a_row_of_more_text_than_any_of_ours_is_refused(tmp_path):
    row = {"file_name": "images/a/a-0001.png", "image": PICTURE, "adapters": ["x" * (1 << 20)] * 2}
    with pytest.raises(ReleaseError, match="what it tells of"):
        read(table_of(tmp_path / "long.parquet", [row], use_dictionary=["adapters.list.element"]))


def test_columns_that_repeat_are_one_line(tmp_path):
    path = tmp_path / "bad.parquet"
    numbers = arrow().array([1])
    arrow().parquet.write_table(arrow().Table.from_arrays([numbers] * 2, ["id", "id"]), path)
    with pytest.raises(ReleaseError, match="columns repeat"):
        list(iter_parquet_rows(path))


def test_a_row_group_that_unfolds_into_much_more_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_read, "_MAX_GROUP_BYTES", 3_000_000)
    path = table_of(tmp_path / "bomb.parquet", [{"text": "a" * 4_000_000}], compression="ZSTD")
    assert path.stat().st_size < 100_000
    with pytest.raises(ReleaseError, match="row group 0 is too large: 1 rows, 4"):
        list(iter_parquet_rows(path))


def test_a_footer_that_contradicts_itself_is_one_line(table):
    # "May be missing" becomes "required": the footer's histograms of missing values do not fit.
    optional, required = b"\x25\x02\x18\x04seed", b"\x25\x00\x18\x04seed"
    content = table.read_bytes()
    assert content.count(optional) == 1
    table.write_bytes(content.replace(optional, required))
    assert parquet_facts(table).rows == 14
    with pytest.raises(ReleaseError, match="not a whole Parquet file"):
        read(table)


def test_rows_without_end_are_refused(tmp_path):
    with pytest.raises(ReleaseError, match="is too large: 20001 rows"):
        list(iter_parquet_rows(table_of(tmp_path / "bomb.parquet", [{"text": None}] * 20_001)))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 10, b"not a table" * 100])
def test_what_is_no_parquet_file_is_one_line(tmp_path, content):
    path = tmp_path / "bad.parquet"
    path.write_bytes(content)
    for reader in (parquet_facts, read):
        with pytest.raises(ReleaseError, match=r"bad.parquet: not a whole Parquet file"):
            reader(path)


@settings(max_examples=200, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), changed=st.integers(1, 255))
def test_a_changed_byte_is_a_line_or_is_read_but_never_a_crash(table, packed, place, changed):
    content = bytearray(table.read_bytes())
    content[int(place * len(content))] ^= changed
    broken = table.with_name("broken.parquet")
    broken.write_bytes(content)
    try:
        found = read(broken)
    except ReleaseError:
        return
    assert len(found) <= len(packed)


def test_every_truncation_is_found(table):
    content = table.read_bytes()
    broken = table.with_name("broken.parquet")
    for length in range(0, len(content), len(content) // 50):
        broken.write_bytes(content[:length])
        with pytest.raises(ReleaseError):
            read(broken)


def test_memory_holds_one_row_group_of_a_long_file(tmp_path):
    path = tmp_path / "long.parquet"
    content = random.Random(0).randbytes(1_000_000)
    with path.open("wb") as file:
        table = ParquetRows(file, [IMAGE_COLUMN], group_rows=5)
        for number in range(60):
            table.add({"image": {"bytes": content + bytes([number]), "path": "x.png"}}, 1_000_000)
        table.close()
    before = arrow().total_allocated_bytes()
    taken = [arrow().total_allocated_bytes() - before for _ in iter_parquet_rows(path)]
    assert len(taken) == 60
    assert max(taken) < 25_000_000
