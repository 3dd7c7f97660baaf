"""Both ways of comparing hashes find the same pairs: all within the radius."""

import numpy as np
import pytest

from isekai_gen.neighbors import hash_candidates
from isekai_gen.neighbors.hash_candidates import NumpyIndex, hash_search_method, open_index


def listed(hits):
    return sorted(zip(*(part.tolist() for part in hits), strict=True))


@pytest.mark.parametrize("radius", [0, 4, 18, 31])
def test_faiss_and_numpy_find_the_same(radius, monkeypatch):
    draw = np.random.default_rng(radius)
    hashes = draw.integers(0, 2**64, 700, dtype=np.uint64)
    queries = np.concatenate([hashes[:20] ^ np.uint64(2**radius - 1), hashes[50:300]])
    by_faiss = listed(open_index(hashes).near(queries, radius))
    monkeypatch.setattr(hash_candidates, "_AT_ONCE", 1000)
    assert by_faiss == listed(NumpyIndex(hashes).near(queries, radius))
    brute = [
        (i, j, (int(a) ^ int(b)).bit_count())
        for i, a in enumerate(queries)
        for j, b in enumerate(hashes)
    ]
    assert by_faiss == [hit for hit in brute if hit[2] <= radius]


def test_the_report_names_what_compares(monkeypatch):
    assert hash_search_method() == "faiss IndexBinaryFlat"
    monkeypatch.setattr(hash_candidates, "_has_faiss", lambda: False)
    assert hash_search_method() == "numpy popcount"
    assert isinstance(open_index(np.zeros(3, dtype=np.uint64)), NumpyIndex)
