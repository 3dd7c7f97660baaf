"""Files come to disk whole or not at all."""

import errno
import os

import pytest

from isekai_gen.errors import StorageError
from isekai_gen.storage import (
    move_all,
    remove_temporary_files,
    storage_errors,
    streamed_file,
    temporary_name,
    write_atomically,
    write_staged,
)


def test_a_written_file_is_whole_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "deep" / "file"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert [found.name for found in path.parent.iterdir()] == ["file"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="the disk is full"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


def test_only_storage_errors_are_translated(tmp_path):
    with pytest.raises(FileNotFoundError), storage_errors(tmp_path):
        (tmp_path / "absent").read_bytes()


def test_staged_files_come_to_their_places(tmp_path):
    (tmp_path / "staging").mkdir()
    staged = [tmp_path / "staging" / name for name in ("a", "b")]
    for path in staged:
        write_staged(path, path.name.encode())
    places = [tmp_path / "deep" / "one", tmp_path / "two"]
    move_all(dict(zip(staged, places, strict=True)))
    assert [place.read_bytes() for place in places] == [b"a", b"b"]
    assert list((tmp_path / "staging").iterdir()) == []


def test_only_temporary_files_and_folders_are_removed(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "kept").touch()
    (tmp_path / "deep" / temporary_name("half")).touch()
    (tmp_path / temporary_name("folder")).mkdir()
    (tmp_path / temporary_name("folder") / "part").touch()
    assert remove_temporary_files(tmp_path) == 2
    assert [path.name for path in tmp_path.rglob("*")] == ["deep", "kept"]
    assert remove_temporary_files(tmp_path) == 0


def test_a_streamed_file_replaces_the_old_one_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "large.bin"
    with streamed_file(path) as written:
        written.write_bytes(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.ENOSPC, "full")])
def test_a_streamed_file_that_breaks_off_leaves_the_old_one(tmp_path, error):
    path = tmp_path / "large.bin"
    path.write_bytes(b"old")

    def write_half():
        with streamed_file(path) as written:
            written.write_bytes(b"half")
            raise error

    with pytest.raises((KeyboardInterrupt, StorageError)):
        write_half()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
