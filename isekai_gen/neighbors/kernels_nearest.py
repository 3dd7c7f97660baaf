"""Triton kernels of the nearest rows on a GPU. Importing this module needs Triton.

Every row has a list with room for a number of columns. `nearest_tiles` appends to the lists what 8
bits say may count, `refine_rows` puts the similarity by all 16 bits in place of that estimate, and
`tighten_rows` finds what the k-th best of a list guarantees and drops what lies below.
"""

# mypy: disable-error-code="no-untyped-def,untyped-decorator"
# ruff: noqa: ANN001, ANN201 - arguments of kernels are pointers, descriptors and numbers
from __future__ import annotations

import triton
import triton.language as tl

from isekai_gen.neighbors.kernels import tile_of

LEVELS = tl.constexpr(254)
# Halving [-1.1, 1.1] so often leaves 3e-8.
_HALVINGS = tl.constexpr(26)


# Numbers that change from launch to launch: a kernel made anew for each that is divisible by 16
# would take seconds.
@triton.jit(
    do_not_specialize=[
        "capacity",
        "edge",
        "row_end",
        "column_end",
        "rows_in_tiles",
        "columns_in_tiles",
    ]
)
def nearest_tiles(
    left,
    right,
    left_scales,
    right_scales,
    limits,
    found_columns,
    found_similar,
    counters,
    capacity,
    edge,
    row_end,
    column_end,
    rows_in_tiles,
    columns_in_tiles,
    DIMENSIONS: tl.constexpr,
    STEP: tl.constexpr,
    SIDE: tl.constexpr,
    GROUP: tl.constexpr,
):
    """Append, to the list of each row of left, what reaches the row's own limit.

    found_columns and found_similar are [rows, capacity]; `counters` count all hits, also those
    beyond `capacity`, which are not stored.
    """
    tile_row, tile_column = tile_of(rows_in_tiles, columns_in_tiles, GROUP)
    row, column = tile_row * SIDE, edge + tile_column * SIDE
    products = tl.zeros((SIDE, SIDE), tl.int32)
    for k in range(0, DIMENSIONS, STEP):
        a = left.load([row, k])
        b = right.load([column, k])
        products = tl.dot(a, b.T, products, out_dtype=tl.int32)
    rows = row + tl.arange(0, SIDE)
    inside = rows < row_end
    row_scales = tl.load(left_scales + rows, mask=inside, other=0.0)
    low = tl.load(limits + rows, mask=inside, other=float("inf"))
    columns = column + tl.arange(0, SIDE)
    column_scales = tl.load(right_scales + columns, mask=columns < column_end, other=0.0)
    highest = tl.max(products, 1).to(tl.float32) * row_scales * tl.max(column_scales, 0)
    # Below zero the largest scale gives the lowest number, which bounds nothing.
    may_hit = inside & ((highest >= low) | (low <= 0))
    if tl.max(may_hit.to(tl.int32), 0) > 0:
        similar = products.to(tl.float32) * row_scales[:, None] * column_scales[None, :]
        similar = tl.where(columns[None, :] < column_end, similar, -float("inf"))
        best, at = tl.max(similar, 1, return_indices=True)
        hit = (best >= low) & (best > -float("inf"))
        # A row seldom has more than one hit in a tile: taking one of each row at a time is a tenth
        # of the work of counting up for every pair.
        while tl.max(hit.to(tl.int32), 0) > 0:
            place = tl.atomic_add(counters + rows, 1, mask=hit)
            stored = hit & (place < capacity)
            there = rows.to(tl.int64) * capacity + place
            tl.store(found_columns + there, column + at, mask=stored)
            tl.store(found_similar + there, best, mask=stored)
            similar = tl.where(columns[None, :] == (column + at)[:, None], -float("inf"), similar)
            best, at = tl.max(similar, 1, return_indices=True)
            hit = (best >= low) & (best > -float("inf"))


@triton.jit(do_not_specialize=["capacity"])
def refine_rows(
    left,
    left_rest,
    left_scales,
    right,
    right_rest,
    right_scales,
    found_columns,
    found_similar,
    known,
    counters,
    capacity,
    DIMENSIONS: tl.constexpr,
    STEP: tl.constexpr,
    PAIRS: tl.constexpr,
):
    """Similarities by all 16 bits of the columns from `known` on: one program a row.

    A number of 16 bits is LEVELS times the first 8 plus the rest: exact in float32. Their products
    are rounded once, their sum as any sum of so many terms, the scaling four times.
    """
    row = tl.program_id(0)
    begin = tl.load(known + row)
    end = tl.minimum(tl.load(counters + row), capacity)
    scale = tl.load(left_scales + row) / (LEVELS * LEVELS)
    base = row.to(tl.int64) * capacity
    this = row.to(tl.int64) * DIMENSIONS
    for start in range(begin, end, PAIRS):
        at = start + tl.arange(0, PAIRS)
        inside = at < end
        columns = tl.load(found_columns + base + at, mask=inside, other=0).to(tl.int64)
        total = tl.zeros((PAIRS,), tl.float32)
        for k in range(0, DIMENSIONS, STEP):
            d = k + tl.arange(0, STEP)
            a = tl.load(left + this + d).to(tl.float32) * LEVELS
            a += tl.load(left_rest + this + d).to(tl.float32)
            there = columns[:, None] * DIMENSIONS + d[None, :]
            b = tl.load(right + there).to(tl.float32) * LEVELS
            b += tl.load(right_rest + there).to(tl.float32)
            total += tl.sum(a[None, :] * b, 1)
        similar = total * scale * tl.load(right_scales + columns)
        tl.store(found_similar + base + at, similar, mask=inside)


@triton.jit(do_not_specialize=["capacity", "k"])
def tighten_rows(
    found_columns,
    found_similar,
    known,
    counters,
    limits,
    overflowed,
    capacity,
    k,
    margin,
    refined_margin,
    floor,
    BLOCK: tl.constexpr,
):
    """The row's new limit; what stays in its list, from 0 on: one program a row.

    `refined_margin` says how far a number of found_similar can lie from the similarity, `margin`
    how far an estimate of `nearest_tiles` can.
    """
    row = tl.program_id(0)
    count = tl.load(counters + row)
    stored = tl.minimum(count, capacity)
    if count > capacity:
        tl.store(overflowed + row, 1)
    base = row.to(tl.int64) * capacity
    low, high = -1.1, 1.1
    for _ in range(_HALVINGS):
        middle = (low + high) * 0.5
        reach = 0
        for start in range(0, stored, BLOCK):
            at = start + tl.arange(0, BLOCK)
            similar = tl.load(found_similar + base + at, mask=at < stored, other=-float("inf"))
            reach += tl.sum((similar >= middle).to(tl.int32), 0)
        enough = reach >= k
        low = tl.where(enough, middle, low)
        high = tl.where(enough, high, middle)
    # Not above the k-th best. A pair that reaches it has a refined similarity of at least `keep`.
    keep = tl.minimum(low - 2 * refined_margin, floor - refined_margin)
    kept = 0
    for start in range(0, stored, BLOCK):
        at = start + tl.arange(0, BLOCK)
        inside = at < stored
        similar = tl.load(found_similar + base + at, mask=inside, other=-float("inf"))
        columns = tl.load(found_columns + base + at, mask=inside, other=-1)
        # What is stored below may lie where other threads have still to read.
        tl.debug_barrier()
        stays = inside & (similar >= keep)
        place = kept + tl.cumsum(stays.to(tl.int32), 0) - 1
        tl.store(found_similar + base + place, similar, mask=stays)
        tl.store(found_columns + base + place, columns, mask=stays)
        kept += tl.sum(stays.to(tl.int32), 0)
        tl.debug_barrier()
    tl.store(counters + row, kept)
    tl.store(known + row, kept)
    tl.store(limits + row, tl.minimum(low - refined_margin, floor) - margin)
