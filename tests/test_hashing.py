"""Digests of files: of any size the same as at once, and of nothing that may never end."""

import hashlib
import os
from pathlib import Path

import pytest

from isekai_gen.errors import ChecksumError
from isekai_gen.hashing import file_sha256


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_a_file_has_the_digest_of_its_bytes(tmp_path, size):
    content = os.urandom(size)
    (tmp_path / "file").write_bytes(content)
    assert file_sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_a_pipe_and_a_device_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ChecksumError, match=rf"{path}: is no regular file; remove it"):
            file_sha256(path)
