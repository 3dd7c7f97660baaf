"""Matrices in files: read as they are, and without keeping what was read in memory."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.neighbors.portions import HeldRows, portion_sizes
from isekai_gen.neighbors.vectors import (
    ArrayVectors,
    Portion,
    map_vectors,
    open_vectors,
    write_vectors,
)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_blocks_rows_and_portions_are_those_of_the_file(tmp_path, dtype):
    stored = np.random.default_rng(0).normal(size=(50, 3)).astype(dtype)
    np.save(tmp_path / "x.npy", stored)
    vectors, rows = open_vectors(tmp_path / "x.npy"), stored.astype(np.float32)
    part = Portion(vectors, 10, 45)
    chosen = np.array([34, 0, 7])
    for found, wanted in [
        (vectors.block(0, 50), rows),
        (vectors.block(17, 99), rows[17:]),
        (vectors.block(60, 99), rows[60:]),
        (vectors.take(chosen), rows[chosen]),
        (part.block(3, 8), rows[13:18]),
        (part.block(30, 99), rows[40:45]),
        (part.take(chosen), rows[chosen + 10]),
    ]:
        assert found.dtype == np.float32
        assert np.array_equal(found, wanted)
    assert part.shape == (35, 3)


def test_vectors_written_in_blocks_are_read_back(tmp_path, monkeypatch):
    monkeypatch.setattr("isekai_gen.neighbors.vectors._BLOCK_ROWS", 7)
    rows = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    write_vectors(tmp_path / "x.npy", ArrayVectors(rows))
    assert np.array_equal(np.load(tmp_path / "x.npy"), rows)
    assert map_vectors(tmp_path / "x.npy").shape == (30, 4)


def test_reading_a_whole_file_keeps_none_of_it_in_memory(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((200_000, 64), dtype=np.float32))
    before = resident_bytes()
    vectors = open_vectors(tmp_path / "x.npy")
    for start in range(0, 200_000, 10_000):
        vectors.block(start, start + 10_000)
    assert resident_bytes() - before < 15 << 20  # of 49 MiB
    assert len(vectors.array.sum(axis=0)) == 64  # maps every page: what is measured can be seen
    assert resident_bytes() - before > 45 << 20


def resident_bytes():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


@given(
    count=st.integers(1, 400),
    others=st.integers(0, 400),
    fitting=st.integers(0, 300),
    step=st.integers(1, 40),
)
def test_portions_fit_and_are_whole_bands(count, others, fitting, step):
    sizes = portion_sizes(count, others, fitting, step)
    assert min(sizes.left, count) + min(sizes.right, others) <= max(fitting, 2 * step)
    assert sizes.left >= count or sizes.left % step == 0
    assert sizes.left > 0
    assert sizes.right > 0 or not others
    if count + others <= fitting:
        assert (sizes.left, sizes.right) == (count, others)


def test_a_portion_is_loaded_once_for_successive_uses():
    loaded = []
    held = HeldRows(ArrayVectors(np.arange(8.0)[:, None]), loaded.append)
    for start, stop in [(0, 4), (0, 4), (4, 8), (0, 4)]:
        held.portion(start, stop)
    assert [(part.start, part.stop) for part in loaded] == [(0, 4), (4, 8), (0, 4)]
