"""Embeddings with known near-duplicates, for timing searches; a seed decides them.

Unit rows of 512 numbers with a shared mean, so that random pairs have a cosine of about 0.5 +- 0.1;
themes (about 200 rows each, 5,000 in the variant "broad") whose own pairs lie at 0.6-0.85;
lognormal residuals, so that some rows of a theme are near-duplicates by themselves; and 5 % of the
rows in planted groups of 2-6, of which all pairs share one cosine, uniform in 0.90-0.999. Rows lie
in random order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

Rows = npt.NDArray[np.int64]
SIZES = {"20k": 20_000, "100k": 100_000, "1m": 1_000_000, "10m": 10_000_000}
_BLOCK_ROWS = 65_536
# Tuned at 20,000 and 100,000 rows until random pairs, planted pairs and natural pairs at or above
# 0.95 were about as many as in the table of docs/benchmarks.md.
_MEAN_SHARE = 0.7
_SPECTRUM_DECAY = 0.33
_POINT_SIGMA = {"clustered": 0.31, "broad": 0.34}
_THEME_ROWS = {"clustered": 200, "broad": 5_000}
_INNER = (0.60, 0.85)
_PLANTED_SHARE = 0.05
_PLANTED = (0.90, 0.999)
_GROUP_SIZES = (2, 6)


@dataclass(frozen=True)
class VectorSet:
    """Which embeddings.

    Attributes:
        rows: How many.
        variant: "clustered" or "broad".
        seed: Another seed gives other embeddings of the same kind.
        dimensions: Numbers of a row.
        device: Where they are drawn; another kind of device draws others.
    """

    rows: int
    variant: str = "clustered"
    seed: int = 1
    dimensions: int = 512
    device: str = "cpu"

    @property
    def name(self) -> str:
        """What its files are called."""
        kind = "" if self.device == "cpu" else "-" + torch.device(self.device).type
        return f"{self.rows}-{self.variant}-{self.seed}{kind}"

    def blocks(self) -> Iterator[npt.NDArray[np.float32]]:
        """The rows before groups are planted, float32 [up to 65536, dimensions], unit length."""
        draw = torch.Generator(self.device).manual_seed(self.seed)
        themes = max(1, round(self.rows / _THEME_ROWS[self.variant]))
        scale = self._spectrum()
        mean = _unit(torch.randn(self.dimensions, generator=draw, device=self.device))
        own = _unit(self._normal(themes, draw) * scale)
        centers = _unit(math.sqrt(_MEAN_SHARE) * mean + math.sqrt(1 - _MEAN_SHARE) * own)
        # Evenly spread, so that the few themes of a small broad set are not all alike.
        places = torch.randperm(themes, generator=draw, device=self.device) + 0.5
        inner = _INNER[0] + (_INNER[1] - _INNER[0]) * places / themes
        spread = (1 / inner - 1).sqrt()
        for start in range(0, self.rows, _BLOCK_ROWS):
            count = min(_BLOCK_ROWS, self.rows - start)
            theme = torch.randint(themes, (count,), generator=draw, device=self.device)
            noise = torch.randn(count, generator=draw, device=self.device)
            radius = spread[theme] * torch.exp(_POINT_SIGMA[self.variant] * noise)
            rows = centers[theme] + radius[:, None] * (self._normal(count, draw) * scale)
            yield _unit(rows).cpu().numpy()

    def _normal(self, count: int, draw: torch.Generator) -> torch.Tensor:
        return torch.randn(count, self.dimensions, generator=draw, device=self.device)

    def _spectrum(self) -> torch.Tensor:
        numbers = torch.arange(1, self.dimensions + 1, dtype=torch.float32, device=self.device)
        return _unit(numbers**-_SPECTRUM_DECAY)

    def planted(self) -> list[tuple[Rows, float]]:
        """The planted groups: their rows, and the cosine that all pairs of a group share."""
        draw = np.random.default_rng(self.seed)
        chosen = draw.permutation(self.rows)[: round(_PLANTED_SHARE * self.rows)]
        groups, start = [], 0
        while start + _GROUP_SIZES[0] <= len(chosen):
            size = int(draw.integers(_GROUP_SIZES[0], _GROUP_SIZES[1] + 1))
            groups.append((chosen[start : start + size], float(draw.uniform(*_PLANTED))))
            start += size
        return groups


def _unit(rows: torch.Tensor) -> torch.Tensor:
    unit: torch.Tensor = rows / rows.norm(dim=-1, keepdim=True)
    return unit


def write_vectors(wanted: VectorSet, folder: Path) -> Path:
    """Write the embeddings to FOLDER/NAME.npy, unless they are there.

    Rows go to the disk by the block, so that a million need less than 1 GiB of memory. Planted
    rows are put in place afterwards: each group lies around the row that its first place held.
    """
    path = folder / f"{wanted.name}.npy"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished.npy")
    shape = (wanted.rows, wanted.dimensions)
    array = np.lib.format.open_memmap(unfinished, mode="w+", dtype=np.float32, shape=shape)
    start = 0
    for block in wanted.blocks():
        array[start : start + len(block)] = block
        start += len(block)
    noise = np.random.default_rng([wanted.seed, 1])
    for rows, cosine in wanted.planted():
        around = array[rows[0]].astype(np.float64)
        array[rows] = _group_around(around, len(rows), cosine, noise)
    array.flush()
    unfinished.rename(path)
    return path


def _group_around(
    around: npt.NDArray[np.float64], size: int, cosine: float, noise: np.random.Generator
) -> npt.NDArray[np.float32]:
    """`size` unit rows around a direction, all of whose pairs have the same cosine.

    The residuals are made orthogonal to the direction and to each other, so the cosine is exact up
    to rounding.
    """
    drawn = np.column_stack([around, noise.standard_normal((len(around), size))])
    residuals = np.linalg.qr(drawn)[0][:, 1:].T
    rows = math.sqrt(cosine) * around + math.sqrt(1 - cosine) * residuals
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32)


def planted_pairs(wanted: VectorSet) -> tuple[Rows, Rows]:
    """All pairs of rows of one planted group, first row below second."""
    first, second = [], []
    for rows, _ in wanted.planted():
        ordered = np.sort(rows)
        a, b = np.triu_indices(len(ordered), 1)
        first.append(ordered[a])
        second.append(ordered[b])
    return np.concatenate(first), np.concatenate(second)


def random_pair_cosines(path: Path, pairs: int = 200_000) -> tuple[float, float]:
    """Mean and standard deviation of the cosine of random pairs of different rows."""
    array = np.load(path, mmap_mode="r")
    draw = np.random.default_rng(0)
    first = draw.integers(len(array), size=pairs)
    second = (first + draw.integers(1, len(array), size=pairs)) % len(array)
    cosines = np.concatenate(
        [
            np.einsum("ij,ij->i", array[first[part]], array[second[part]])
            for part in np.array_split(np.arange(pairs), 20)
        ]
    )
    return float(cosines.mean()), float(cosines.std())
