"""The k nearest rows of another matrix on a GPU, and all pairs above a floor, in one pass.

Each row keeps a limit: what the k-th best of the rows seen so far guarantees. The other matrix is
gone through in stages that grow; products of 8 bits say what of a stage may reach the limit, 16
bits what of that may stay, and the limit rises with them. The few that are left in the end are
scored in float64 on the device with the same operations in the same order as `similarity` uses on
the CPU, none of them fused: IEEE 754 makes the bits the same, and every search checks that on a
sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isekai_gen.errors import InputError
from isekai_gen.neighbors.gpu_nearest_lists import FoundLists, SeekingRows, Wanted
from isekai_gen.neighbors.gpu_similarity import device_similarities
from isekai_gen.neighbors.integer_rows import IntegerRows, integer_rows
from isekai_gen.neighbors.nearest_band import NearestBand
from isekai_gen.neighbors.similarity import IndexArray, gathered_similarities
from isekai_gen.neighbors.vectors import Vectors

if TYPE_CHECKING:
    import torch

BAND_ROWS = 65536
_FIRST_STAGE = 512
_GROWTH = 2
# Pairs scored at a time: two float64 temporaries of 512 MiB at 512 dimensions.
_SCORED_PAIRS = 1 << 17
_CHECKED_ROWS = 256


@dataclass(frozen=True, eq=False)
class NearestTiles:
    """The search of one matrix against another, band by band.

    Attributes:
        vectors: n rows.
        against: m >= k rows.
        left: The rows of `vectors` as integers.
        right: The rows of `against` as integers.
        queries: float32, shape (n, d), `vectors` on the device.
        originals: float32, shape (m, d), `against` on the device.
        k: Nearest rows wanted.
        floor: Pairs from here are listed, too.
    """

    vectors: Vectors
    against: Vectors
    left: IntegerRows
    right: IntegerRows
    queries: torch.Tensor
    originals: torch.Tensor
    k: int
    floor: float

    def bands(self) -> Iterator[NearestBand]:
        """The rows of `vectors`, each once, BAND_ROWS at a time, in no defined order."""
        for start in range(0, len(self.left.matrix), BAND_ROWS):
            stop = min(start + BAND_ROWS, len(self.left.matrix))
            places, columns = self._candidates(start, stop)
            band = self._ranked(start, stop, places, columns)
            self._check(band)
            yield band

    def _candidates(self, start: int, stop: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Pairs of places that may count: of the band and of `right`, int64 [c] each."""
        import torch

        left = self.left
        rows = SeekingRows(left.matrix[start:stop], left.rest[start:stop], left.scales[start:stop])
        wanted = Wanted.of(left, self.right, self.k, self.floor)
        lists = FoundLists.of_band(rows, self.right, wanted)
        edge, total = 0, len(self.right.matrix)
        stage = max(_FIRST_STAGE, self.k)
        while edge < total:
            column_end = min(edge + stage, total)
            lists.append(edge, column_end)
            lists.refine()
            lists.tighten()
            edge = column_end
            stage = edge * (_GROWTH - 1)
        found = [lists.pairs(), *lists.pairs_of_overflowed()]
        places, columns = (torch.cat(parts) for parts in zip(*found, strict=True))
        return places, columns

    def _ranked(
        self, start: int, stop: int, places: torch.Tensor, columns: torch.Tensor
    ) -> NearestBand:
        """Score the candidates and put those of each row in order."""
        import torch

        rows = self.left.rows[start:stop].long()
        others = self.right.rows.long()[columns]
        similarity = torch.empty(len(places), dtype=torch.float64, device=rows.device)
        for top in range(0, len(places), _SCORED_PAIRS):
            part = slice(top, top + _SCORED_PAIRS)
            similarity[part] = device_similarities(
                self.queries[rows[places[part]]], self.originals[others[part]]
            )
        # By row, then similarity, then the other row: the last sort counts most.
        order = torch.argsort(others, stable=True)
        order = order[torch.argsort(similarity[order], stable=True, descending=True)]
        order = order[torch.argsort(places[order], stable=True)]
        places, others, similarity = places[order], others[order], similarity[order]
        firsts = _firsts(places, stop - start)
        among = firsts[:, None] + torch.arange(self.k, device=rows.device)
        above = similarity.float().double() >= self.floor
        return NearestBand(
            rows=_host(rows),
            nearest=_host(others[among]),
            similarities=similarity[among].cpu().numpy(),
            pairs=(
                _host(rows[places[above]]),
                _host(others[above]),
                similarity[above].float().cpu().numpy(),
            ),
        )

    def _check(self, band: NearestBand) -> None:
        """Compare the first rows of a band with the CPU's bits."""
        some = band.nearest[:_CHECKED_ROWS]
        queries = np.repeat(band.rows[: len(some)], some.shape[1])
        expected = gathered_similarities(self.vectors, queries, self.against, some.ravel())
        if not np.array_equal(expected, band.similarities[: len(some)].ravel()):
            raise InputError(
                "float64 similarities of this GPU differ from the CPU's; use --devices cpu"
            )


def prepare_tiles(
    vectors: Vectors, against: Vectors, k: int, floor: float, device: str
) -> NearestTiles:
    """Load both matrices onto a GPU, as integers and as they are: 6 bytes a number."""
    queries, originals = _loaded(vectors, device), _loaded(against, device)
    left = integer_rows(vectors, device, loaded=queries)
    right = integer_rows(against, device, loaded=originals)
    return NearestTiles(vectors, against, left, right, queries, originals, k, floor)


def _loaded(rows: Vectors, device: str) -> torch.Tensor:
    """All rows as they are, float32 [n, d]."""
    import torch

    count, dimensions = rows.shape
    matrix = torch.empty((count, dimensions), dtype=torch.float32, device=device)
    # One buffer that a GPU can read by itself: memory that is new for each block costs more time
    # than the way to the GPU.
    shape = (min(BAND_ROWS, count), dimensions)
    buffer = torch.empty(shape, dtype=torch.float32, pin_memory=torch.device(device).type == "cuda")
    for start in range(0, count, BAND_ROWS):
        stop = min(start + BAND_ROWS, count)
        np.copyto(buffer[: stop - start].numpy(), rows.block(start, stop))
        matrix[start:stop] = buffer[: stop - start]
    return matrix


def _firsts(places: torch.Tensor, count: int) -> torch.Tensor:
    """Where each of the places 0..count begins in ascending `places`, int64 [count]."""
    import torch

    return torch.searchsorted(places, torch.arange(count, device=places.device))


def _host(rows: torch.Tensor) -> IndexArray:
    return np.asarray(rows.cpu().numpy(), dtype=np.int64)
