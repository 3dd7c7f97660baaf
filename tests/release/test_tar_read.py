"""Tar shards are read as if they came from a stranger."""

import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.errors import ReleaseError
from isekai_gen.release.containers.container_read import iter_tar_images
from tests.release.contained import packed_images, write_tar


@pytest.fixture
def packed(small):
    return packed_images(small)[:3]


@pytest.fixture
def shard(packed, tmp_path):
    return write_tar(tmp_path / "shard.tar", packed)


def read(path):
    return [(image.name, image.content, image.row) for image in iter_tar_images(path)]


def tar_of(path, members):
    """A tar of (name, content, type) as others write it."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content, kind in members:
            member = tarfile.TarInfo(name)
            member.size, member.type = len(content), kind
            tar.addfile(member, io.BytesIO(content))
    return path


def sample(key="a-0001", label=b"3", row=b'{"file_name": "images/a/a-0001.png", "label": 3}'):
    return [
        (f"{key}.cls", label, tarfile.REGTYPE),
        (f"{key}.json", row, tarfile.REGTYPE),
        (f"{key}.png", b"pixels", tarfile.REGTYPE),
    ]


def test_images_come_back_with_rows_in_order(packed, shard):
    assert read(shard) == [(each.image.path, each.content, each.row) for each in packed]


def test_a_tar_of_others_with_the_same_layout_is_read(tmp_path):
    found = read(tar_of(tmp_path / "other.tar", sample()))
    assert [name for name, _, _ in found] == ["images/a/a-0001.png"]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([*sample()[1:]], "not where a sample's .cls"),
        ([sample()[0], sample()[2]], "no .json after"),
        (sample()[:2], "does not follow"),
        (sample(label=b"4"), "not the label"),
        (sample(row=b"{"), "not JSON"),
        (sample(row=b"[" * 100_000), "not JSON"),
        (sample(row=b"[]"), "no row"),
        (sample(row=b'{"file_name": 3}'), "no row"),
        (sample(row=b'{"file_name": "images/a/b-0001.png", "label": 3}'), "does not follow"),
        (sample(key="../../a-0001"), "not where a sample's .cls"),
        ([("a-0001.cls", b"", tarfile.SYMTYPE)], "not a plain file"),
        ([("a-0001.cls", b"9" * (1 << 20) + b"9", tarfile.REGTYPE)], "larger than"),
    ],
)
def test_what_is_malformed_is_one_line(tmp_path, members, message):
    path = tar_of(tmp_path / "bad.tar", members)
    with pytest.raises(ReleaseError, match=message) as caught:
        read(path)
    assert str(caught.value).startswith("bad.tar")
    assert "\n" not in str(caught.value)


def test_a_size_that_is_only_claimed_takes_no_memory(tmp_path):
    member = tarfile.TarInfo("a-0001.png")
    member.size = 1 << 40
    path = tmp_path / "huge.tar"
    path.write_bytes(member.tobuf(tarfile.GNU_FORMAT))
    with pytest.raises(ReleaseError, match="larger than"):
        read(path)


def test_every_truncation_is_found(shard):
    content = shard.read_bytes()
    for length in [*range(0, len(content), 512), len(content) - 1, 100]:
        shard.write_bytes(content[:length])
        with pytest.raises(ReleaseError):
            read(shard)


def test_something_behind_the_end_is_found(shard):
    content = shard.read_bytes()
    for more in (b"x", b"\0" * 20_000):
        shard.write_bytes(content + more)
        with pytest.raises(ReleaseError, match="something follows"):
            read(shard)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(ReleaseError, match="No such file"):
        read(tmp_path / "absent.tar")


@settings(max_examples=150, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), changed=st.integers(1, 255))
def test_a_changed_byte_is_malformed_or_shows(packed, shard, place, changed):
    content = bytearray(write_tar(shard, packed).read_bytes())
    content[int(place * len(content))] ^= changed
    shard.write_bytes(content)
    try:
        found = read(shard)
    except ReleaseError:
        return
    rows = [(each.image.path, each.content, each.row) for each in packed]
    # Only white space between JSON tokens may change without a trace in what is read.
    assert found != rows or b'"\t' in content or b"\n" in content or b"\r" in content
