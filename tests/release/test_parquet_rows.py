"""What Parquet files of a release are like inside."""

import hashlib
import io

import datasets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.errors import ReleaseError
from isekai_gen.release.columns import METADATA_COLUMNS, Column
from isekai_gen.release.containers import parquet_rows
from isekai_gen.release.containers.parquet_images import IMAGES_COLUMNS
from isekai_gen.release.containers.parquet_read import parquet_facts
from isekai_gen.release.containers.parquet_rows import ParquetRows
from isekai_gen.release.containers.parquet_schema import huggingface_schema
from tests.release.contained import SLUGS, arrow, packed_images, write_parquet

FEATURES = {
    "text": datasets.Value("string"),
    "whole": datasets.Value("int64"),
    "real": datasets.Value("float64"),
    "flag": datasets.Value("bool"),
    "texts": datasets.List(datasets.Value("string")),
    "image": datasets.Image(),
    "images": datasets.List(datasets.Image()),
    "label": datasets.ClassLabel(names=SLUGS),
}
PICTURE = Column("picture", "image", "A picture.")
NUMBER = Column("number", "whole", "A number.")
MAYBE = Column("maybe", "real", "A number, perhaps.", nullable=True)


class WriteOnly(io.RawIOBase):
    """A stream that can only be written to, as a digest over a pipe would be."""

    def __init__(self):
        self.digest = hashlib.sha256()

    def writable(self):
        return True

    def write(self, content):
        self.digest.update(content)
        return len(content)


def write_rows(file, columns, rows, **options):
    table = ParquetRows(file, columns, **options)
    for row in rows:
        table.add(row, len(row["picture"]["bytes"]) if "picture" in row else 0)
    table.close()


def groups(content):
    footer = arrow().parquet.ParquetFile(io.BytesIO(content)).metadata
    return [footer.row_group(number).num_rows for number in range(footer.num_row_groups)]


def test_the_schema_is_the_one_that_datasets_would_write():
    columns = [Column(kind, kind, kind) for kind in FEATURES]
    ours, theirs = huggingface_schema(columns, SLUGS), datasets.Features(FEATURES).arrow_schema
    assert ours.equals(theirs, check_metadata=True)


def test_columns_follow_metadata_after_the_picture(small, tmp_path):
    path = write_parquet(tmp_path / "images.parquet", packed_images(small))
    names = ["image", *(column.name for column in METADATA_COLUMNS)]
    assert arrow().parquet.read_schema(path).names == names
    assert [column.name for column in IMAGES_COLUMNS] == names


def test_a_write_only_stream_gets_the_bytes_of_a_file(tmp_path):
    rows = [{"picture": {"bytes": bytes([n]) * 5000, "path": f"{n}.png"}} for n in range(150)]
    path = tmp_path / "rows.parquet"
    with path.open("wb") as file:
        write_rows(file, [PICTURE], rows)
    stream = WriteOnly()
    write_rows(stream, [PICTURE], rows)
    assert stream.digest.hexdigest() == hashlib.sha256(path.read_bytes()).hexdigest()
    assert not stream.closed


def test_pictures_are_stored_plain_and_the_rest_is_packed(small, tmp_path):
    path = write_parquet(tmp_path / "images.parquet", packed_images(small))
    group = arrow().parquet.ParquetFile(path).metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    plain = [column for column in columns if column.compression == "UNCOMPRESSED"]
    assert [column.path_in_schema for column in plain] == ["image.bytes"]
    assert not plain[0].has_dictionary_page
    assert not plain[0].is_stats_set
    assert {column.compression for column in columns} == {"UNCOMPRESSED", "SNAPPY"}
    assert all(column.has_offset_index for column in columns)
    content = packed_images(small)[0].content
    assert content in path.read_bytes()


def test_a_row_group_has_at_most_100_rows():
    file = io.BytesIO()
    write_rows(file, [NUMBER], [{"number": n} for n in range(250)])
    assert groups(file.getvalue()) == [100, 100, 50]


def test_a_row_group_has_at_most_its_bytes_of_pictures(monkeypatch):
    monkeypatch.setattr(parquet_rows, "_MAX_GROUP_BYTES", 1000)
    sizes = [400, 600, 1, 5000, 1, 999, 2]
    rows = [{"picture": {"bytes": b"x" * size, "path": "x.png"}} for size in sizes]
    file = io.BytesIO()
    write_rows(file, [PICTURE], rows)
    assert groups(file.getvalue()) == [2, 1, 1, 2, 1]


def test_facts_are_those_of_the_footer(tmp_path):
    path = tmp_path / "rows.parquet"
    with path.open("wb") as file:
        write_rows(file, [NUMBER], [{"number": n} for n in range(150)])
    facts = parquet_facts(path)
    assert (facts.rows, [group.rows for group in facts.groups]) == (150, [100, 50])
    assert all(group.size > 0 for group in facts.groups)


@pytest.mark.parametrize("row", [{"number": None, "maybe": 1.0}, {"maybe": 1.0}, {"number": 1}])
def test_a_missing_value_is_refused_by_name(row):
    table = ParquetRows(io.BytesIO(), [NUMBER, MAYBE])
    with pytest.raises(ReleaseError, match=r"no value for '(number|maybe)'"):
        table.add(row)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "number": st.integers(-(2**63), 2**63 - 1),
                "maybe": st.none() | st.floats(allow_nan=False),
                "text": st.text(st.characters(codec="utf-8")),
                "texts": st.lists(st.text(st.characters(codec="utf-8"))),
                "flag": st.booleans(),
            }
        ),
        max_size=12,
    )
)
def test_rows_come_back_as_they_were(rows):
    kinds = {"number": "whole", "maybe": "real", "text": "text", "texts": "texts", "flag": "flag"}
    columns = [Column(name, kind, name, name == "maybe") for name, kind in kinds.items()]
    file = io.BytesIO()
    write_rows(file, columns, rows, group_rows=5)
    assert arrow().parquet.read_table(file).to_pylist() == rows
