"""Headers of tar shards are those that tarfile writes, and only such are read the short way."""

from __future__ import annotations

import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.release.containers.tar_headers import (
    plain_header,
    plain_member,
    plain_name_and_size,
)

_NAMES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=120)
_SIZES = st.integers(0, 8**11 - 1)


@given(_NAMES, _SIZES)
def test_a_header_is_what_tarfile_writes_or_neither_is_made(name: str, size: int) -> None:
    try:
        expected = plain_member(name, size).tobuf(tarfile.USTAR_FORMAT)
    except ValueError:
        with pytest.raises(ValueError, match="too long"):
            plain_header(name, size)
        return
    assert plain_header(name, size) == expected


@given(_NAMES.filter(lambda name: len(name.encode()) <= 100), _SIZES)
def test_name_and_size_come_back_as_tarfile_tells_them(name: str, size: int) -> None:
    header = plain_header(name, size)
    member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
    assert plain_name_and_size(header) == (name, size)
    assert (member.name, member.size) == (name, size)


@given(st.integers(0, 511), st.integers(1, 255))
def test_a_header_that_was_changed_is_left_to_tarfile(place: int, change: int) -> None:
    header = bytearray(plain_header("cactihog-0001.json", 1234))
    header[place] ^= change
    assert plain_name_and_size(bytes(header)) is None


def test_what_is_too_short_or_empty_is_left_to_tarfile() -> None:
    assert plain_name_and_size(b"") is None
    assert plain_name_and_size(bytes(512)) is None
