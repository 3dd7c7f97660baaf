"""What of the search on a GPU can be proved without one; with one, tests marked `gpu` run, too."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.embeddings import normalized
from isekai_gen.neighbors.gpu_similarity import inner_products
from isekai_gen.neighbors.integer_rows import (
    integer_margin,
    integer_rows,
    refined_margin,
    refined_products,
)
from isekai_gen.neighbors.similarity import pair_similarities
from isekai_gen.neighbors.vectors import ArrayVectors


def rows_of(seed, dimensions, count=40):
    rng = np.random.default_rng(seed)
    rows = rng.standard_cauchy(size=(count, dimensions)).astype(np.float32)
    rows[count // 2 :: 3] = rows[: len(rows[count // 2 :: 3])] * np.float32(1.01)
    return rows


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 7, 64, 513]))
@settings(max_examples=30, deadline=None)
def test_integer_products_lie_within_their_margins(seed, dimensions):
    import torch

    rows = rows_of(seed, dimensions)
    whole = integer_rows(ArrayVectors(rows), "cpu")
    i, j = torch.meshgrid(torch.arange(40), torch.arange(40), indexing="ij")
    i, j = i.flatten(), j.flatten()
    originals = whole.rows.long()
    exact = pair_similarities(rows[originals[i]], rows[originals[j]])
    products = (whole.matrix[i].double() * whole.matrix[j].double()).sum(dim=1)
    coarse = products * whole.scales[i].double() * whole.scales[j].double()
    assert np.abs(coarse.numpy() - exact).max() <= integer_margin(whole, whole)
    fine = refined_products(whole, i, whole, j).double()
    assert np.abs(fine.numpy() - exact).max() <= refined_margin(whole, whole)
    assert dimensions == 1 or whole.moved_with_rest < whole.moved


def test_integer_rows_keep_every_row_and_ascend_by_scale():
    rows = normalized(rows_of(1, 96, count=300))
    whole = integer_rows(ArrayVectors(rows), "cpu")
    assert sorted(whole.rows.tolist()) == list(range(300))
    assert (whole.scales.diff() >= 0).all()
    assert whole.matrix.shape == (300, 128)
    assert not whole.matrix[:, 96:].any()


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 3, 7, 64, 513]))
@settings(max_examples=30, deadline=None)
def test_torch_sums_to_the_bit_as_numpy_does(seed, dimensions):
    import torch

    left, right = np.split(rows_of(seed, dimensions), 2)
    sums = [
        inner_products(torch.from_numpy(one), torch.from_numpy(other)).numpy()
        for one, other in ((left, right), (left, left), (right, right))
    ]
    similarities = np.clip(sums[0] / np.sqrt(sums[1] * sums[2]), -1.0, 1.0)
    assert np.array_equal(similarities, pair_similarities(left, right))
