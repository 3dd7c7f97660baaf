"""Centers of regions of similar rows, by k-means on a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isekai_gen.neighbors.rounding import RoundedRows
from isekai_gen.neighbors.similarity import IndexArray

if TYPE_CHECKING:
    import torch

# More rows or rounds cost more than the somewhat better regions save.
_ROWS_PER_CENTER = 32
_ROUNDS = 6
# Numbers of a block of products, which then stays in the cache until it is looked at.
_BLOCK_NUMBERS = 1 << 22


def train_centers(rows: RoundedRows, count: int, seed: int) -> torch.Tensor:
    """Spherical k-means: unit centers, each the direction of the mean of the rows nearest to it.

    Dhillon and Modha, "Concept decompositions for large sparse text data using clustering",
    Machine Learning 42 (2001). Begins at random rows; a center that no row is nearest to begins
    again at another. Embeddings share a mean direction, and centers that lean towards it draw rows
    from everywhere; so all centers are kept at a right angle to it, which makes the largest regions
    several times as small.

    Args:
        rows: n rows.
        count: 1 <= count <= n.
        seed: Of the sample and the beginnings.

    Returns:
        In the rows' format and on their device, [count, d].
    """
    import torch

    draw = np.random.default_rng(seed)
    chosen = draw.permutation(len(rows.matrix))[: count * _ROWS_PER_CENTER]
    sample = rows.matrix[torch.from_numpy(chosen).to(rows.matrix.device)]
    numbers = sample.float()
    shared = torch.nn.functional.normalize(numbers.mean(dim=0), dim=0)
    centers = _directions(numbers[:count], shared).to(sample.dtype)
    for _ in range(_ROUNDS):
        nearest = torch.from_numpy(nearest_centers(sample, centers)).to(sample.device)
        sums = torch.zeros((count, sample.shape[1]), device=sample.device)
        sums.index_add_(0, nearest, numbers)
        empty = torch.nonzero(torch.bincount(nearest, minlength=count) == 0).flatten()
        again = torch.from_numpy(draw.integers(len(sample), size=len(empty)))
        sums[empty] = numbers[again.to(sample.device)]
        centers = _directions(sums, shared).to(sample.dtype)
    return centers


def _directions(rows: torch.Tensor, shared: torch.Tensor) -> torch.Tensor:
    """Unit rows at a right angle to a unit vector."""
    import torch

    return torch.nn.functional.normalize(rows - (rows @ shared)[:, None] * shared)


def nearest_centers(rows: torch.Tensor, centers: torch.Tensor) -> IndexArray:
    """The most similar center of every row, int64 [n]."""
    homes = [np.zeros(0, dtype=np.int64)]
    step = block_rows(centers)
    for start in range(0, len(rows), step):
        homes.append(highest_places(rows[start : start + step] @ centers.T))
    return np.concatenate(homes)


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
