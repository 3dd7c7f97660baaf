"""Triton kernels of the search on a GPU. Importing this module needs Triton.

One program makes one tile of products and, if its highest number can reach the limit, appends the
pairs that do to one list: the products themselves are never written to memory.
"""

# mypy: disable-error-code="no-untyped-def,untyped-decorator"
# ruff: noqa: ANN001, ANN201, SIM102 - arguments of kernels are pointers, descriptors and numbers
from __future__ import annotations

import triton
import triton.language as tl

TILE = 128
STAGES = 3
WARPS = 4


@triton.jit
def tile_of(rows_in_tiles, columns_in_tiles, GROUP: tl.constexpr):
    """Tiles in an order that reuses what lies in the cache: groups of rows, column by column."""
    program = tl.program_id(0)
    width = GROUP * columns_in_tiles
    first = (program // width) * GROUP
    size = tl.minimum(rows_in_tiles - first, GROUP)
    return first + (program % width) % size, (program % width) // size


@triton.jit
def join_tiles(
    left,
    right,
    left_scales,
    right_scales,
    found_left,
    found_right,
    counter,
    capacity,
    low,
    top,
    edge,
    row_end,
    column_end,
    rows_in_tiles,
    columns_in_tiles,
    WITHIN: tl.constexpr,
    DIMENSIONS: tl.constexpr,
    STEP: tl.constexpr,
    SIDE: tl.constexpr,
    GROUP: tl.constexpr,
):
    """Append (row of left, row of right) where scale * scale * product >= low.

    WITHIN: both sides are one matrix, and only pairs with row_a < row_b count. `counter` counts all
    hits, also those beyond `capacity`, which are not stored.
    """
    tile_row, tile_column = tile_of(rows_in_tiles, columns_in_tiles, GROUP)
    row, column = top + tile_row * SIDE, edge + tile_column * SIDE
    if WITHIN:
        if column + SIDE <= row:
            return
    products = tl.zeros((SIDE, SIDE), tl.int32)
    for k in range(0, DIMENSIONS, STEP):
        a = left.load([row, k])
        b = right.load([column, k])
        products = tl.dot(a, b.T, products, out_dtype=tl.int32)
    rows = row + tl.arange(0, SIDE)
    columns = column + tl.arange(0, SIDE)
    row_scales = tl.load(left_scales + rows, mask=rows < row_end, other=0.0)
    column_scales = tl.load(right_scales + columns, mask=columns < column_end, other=0.0)
    largest = tl.max(row_scales, 0) * tl.max(column_scales, 0)
    highest = tl.max(tl.max(products, 1), 0)
    # Below zero the largest scales give the lowest number, which bounds nothing.
    if (low <= 0) | (highest.to(tl.float32) * largest >= low):
        similar = products.to(tl.float32) * row_scales[:, None] * column_scales[None, :]
        hit = (similar >= low) & (rows[:, None] < row_end) & (columns[None, :] < column_end)
        if WITHIN:
            hit = hit & (columns[None, :] > rows[:, None])
        place = tl.atomic_add(counter + tl.zeros((SIDE, SIDE), tl.int32), 1, mask=hit)
        stored = hit & (place < capacity)
        tl.store(found_left + place, tl.broadcast_to(rows[:, None], (SIDE, SIDE)), mask=stored)
        tl.store(found_right + place, tl.broadcast_to(columns[None, :], (SIDE, SIDE)), mask=stored)
