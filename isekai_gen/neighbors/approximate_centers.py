"""Centers of regions of similar rows, by k-means on a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isekai_gen.neighbors.approximate_rows import ShortRows, matrix_blocks
from isekai_gen.neighbors.similarity import IndexArray

if TYPE_CHECKING:
    import torch

# More rows or rounds cost more than the somewhat better regions save.
_ROWS_PER_CENTER = 32
_ROUNDS = 6
# Numbers of a block of products, which then stays in the cache until it is looked at.
_BLOCK_NUMBERS = 1 << 22
_SUMMED_ROWS = 1024


def train_centers(rows: ShortRows, count: int, seed: int) -> torch.Tensor:
    """Spherical k-means: unit centers, each the direction of the mean of the rows nearest to it.

    Dhillon and Modha, "Concept decompositions for large sparse text data using clustering",
    Machine Learning 42 (2001). Begins at random rows; a center that no row is nearest to begins
    again at another. Embeddings share a mean direction, and centers that lean towards it draw rows
    from everywhere; so all centers are kept at a right angle to it, which makes the largest regions
    several times as small.

    Memory: 32 rows in a short format per center.

    Args:
        rows: n rows.
        count: 1 <= count <= n.
        seed: Of the sample and the beginnings.

    Returns:
        In the rows' format and on their device, [count, d].
    """
    import torch

    draw = np.random.default_rng(seed)
    chosen = draw.permutation(len(rows))[: count * _ROWS_PER_CENTER]
    sample = rows.chosen(chosen).matrix
    # By the block: torch would make a float32 copy of the sample.
    whole = torch.stack([each.float().sum(dim=0) for each in matrix_blocks(sample, _SUMMED_ROWS)])
    shared = torch.nn.functional.normalize(whole.sum(dim=0), dim=0)
    centers = _directions(sample[:count].float(), shared).to(sample.dtype)
    for _ in range(_ROUNDS):
        sums, sizes = _sums_by_center(sample, centers)
        empty = torch.nonzero(sizes == 0).flatten()
        again = torch.from_numpy(draw.integers(len(sample), size=len(empty)))
        sums[empty] = sample[again.to(sample.device)].float()
        centers = _directions(sums, shared).to(sample.dtype)
    return centers


def _sums_by_center(rows: torch.Tensor, centers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Sum of the rows nearest to each center, float32 [k, d], and how many they are, [k]."""
    import torch

    sums = torch.zeros(centers.shape, device=rows.device)
    sizes = torch.zeros(len(centers), dtype=torch.int64, device=rows.device)
    for block in matrix_blocks(rows, block_rows(centers)):
        nearest = torch.from_numpy(highest_places(block @ centers.T)).to(rows.device)
        sums.index_add_(0, nearest, block.float())
        sizes += torch.bincount(nearest, minlength=len(centers))
    return sums, sizes


def _directions(rows: torch.Tensor, shared: torch.Tensor) -> torch.Tensor:
    """Unit rows at a right angle to a unit vector."""
    import torch

    return torch.nn.functional.normalize(rows - (rows @ shared)[:, None] * shared)


def block_rows(centers: torch.Tensor) -> int:
    """Rows to compare with all centers at a time."""
    return max(1, _BLOCK_NUMBERS // len(centers))


def highest_places(products: torch.Tensor) -> IndexArray:
    """The column of the highest number of every row, int64 [rows]."""
    import torch

    if products.is_cuda:
        return np.asarray(products.argmax(dim=1).cpu().numpy(), dtype=np.int64)
    if products.dtype is not torch.bfloat16:
        return np.asarray(products.numpy().argmax(axis=1), dtype=np.int64)
    # As 16-bit integers, positive bfloat16 numbers have the same order, and numpy finds the highest
    # twenty times as fast as torch does.
    bits = products.view(torch.int16).numpy()
    places: IndexArray = bits.argmax(axis=1).astype(np.int64)
    negative = np.flatnonzero(bits[np.arange(len(bits)), places] < 0)
    if len(negative):
        places[negative] = products[torch.from_numpy(negative)].argmax(dim=1).numpy()
    return places
