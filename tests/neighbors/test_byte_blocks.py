import numpy as np
import pytest

from isekai_gen.embeddings import normalized
from isekai_gen.neighbors import byte_blocks, engines
from isekai_gen.neighbors.byte_blocks import byte_candidates, bytes_pay
from isekai_gen.neighbors.engines import ByteBlocks, ProductBlocks, SearchShape, choose_engine
from isekai_gen.neighbors.integer_rows import integer_rows
from isekai_gen.neighbors.vectors import ArrayVectors

LARGE = SearchShape(10**6, 10**6, 512)


def rows_of(count, seed=0):
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(20, 96))
    return normalized(centers[rng.integers(20, size=count)] + 0.4 * rng.normal(size=(count, 96)))


@pytest.mark.parametrize("floor", [-0.2, 0.0, 0.5, 0.9, 0.97])
@pytest.mark.parametrize("sides", [1, 2])
def test_no_pair_is_missed_in_any_tile(monkeypatch, floor, sides):
    monkeypatch.setattr(byte_blocks, "_TILE_ROWS", 32)
    monkeypatch.setattr(byte_blocks, "_TILE_COLUMNS", 48)
    monkeypatch.setattr(byte_blocks, "_RUN", 20)
    left, right = rows_of(300), None if sides == 1 else rows_of(170, seed=1)
    held = [
        None if rows is None else integer_rows(ArrayVectors(rows), "cpu", 128, keep_rest=False)
        for rows in (left, right)
    ]
    found = [
        pair
        for start in range(0, 300, 128)
        for i, j in byte_candidates(held[0], held[1], floor, start, min(start + 128, 300))
        for pair in zip(i.tolist(), j.tolist(), strict=True)
    ]
    other = left if right is None else right
    i, j = np.nonzero(left.astype(np.float64) @ other.T.astype(np.float64) >= floor)
    if right is None:
        i, j = i[i < j], j[i < j]
    assert set(zip(i.tolist(), j.tolist(), strict=True)) <= set(found)
    assert len(set(found)) == len(found)


def test_few_pairs_below_the_floor_come_along():
    rows = rows_of(2000)
    held = integer_rows(ArrayVectors(rows), "cpu", keep_rest=False)
    found = sum(len(i) for i, _ in byte_candidates(held, None, 0.9, 0, 2000))
    products = np.triu(rows @ rows.T, 1)
    assert (products >= 0.9).sum() <= found <= (products >= 0.87).sum()


def test_without_the_rest_rows_take_half_the_room():
    held = integer_rows(ArrayVectors(rows_of(100)), "cpu", keep_rest=False)
    assert not held.rest.numel()
    assert ByteBlocks(0.9).row_bytes(512) == 524


@pytest.mark.parametrize("pays", [True, False])
def test_bytes_are_taken_where_they_pay_and_the_floor_is_high(monkeypatch, pays):
    monkeypatch.setattr(engines, "bytes_pay", lambda: pays)
    assert isinstance(choose_engine(LARGE, 0.95, "cpu"), ByteBlocks if pays else ProductBlocks)
    assert isinstance(choose_engine(LARGE, 0.5, "cpu"), ProductBlocks)


def test_a_processor_that_overflows_is_found_out(monkeypatch):
    import torch

    def saturating(left, right, out=None):
        return (left.int() @ right.int()).clamp(-(2**15), 2**15 - 1)

    assert byte_blocks._are_exact()
    monkeypatch.setattr(torch, "_int_mm", saturating)
    assert not byte_blocks._are_exact()
    monkeypatch.delattr(torch, "_int_mm")
    assert not byte_blocks._are_exact()


def test_whether_bytes_pay_is_measured_once():
    assert bytes_pay() is bytes_pay()
    assert bytes_pay.cache_info().misses == 1
