"""The k nearest rows of another matrix on a GPU, and all pairs above a floor, in one pass.

Each row keeps a limit: what the k-th best of the rows seen so far guarantees. The other matrix is
gone through in stages that grow, so that after a small first stage only a few hundred of a million
rows per row reach the limit and are written down. These are scored in float64 on the device with
the same operations in the same order as `similarity` uses on the CPU, none of them fused: IEEE 754
makes the bits the same, and every search checks that on a sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isekai_gen.errors import InputError
from isekai_gen.neighbors.gpu_nearest_hits import SeekingRows, hits_of
from isekai_gen.neighbors.gpu_similarity import device_similarities
from isekai_gen.neighbors.integer_rows import (
    IntegerRows,
    integer_margin,
    integer_rows,
    refined_margin,
    refined_products,
)
from isekai_gen.neighbors.nearest_band import NearestBand
from isekai_gen.neighbors.similarity import IndexArray, gathered_similarities
from isekai_gen.neighbors.vectors import Vectors

if TYPE_CHECKING:
    import torch

BAND_ROWS = 65536
_FIRST_STAGE = 512
_GROWTH = 4
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

        margin = integer_margin(self.left, self.right)
        device, count = self.left.matrix.device, stop - start
        limits = torch.full((count,), -float("inf"), dtype=torch.float32, device=device)
        best = torch.full((count, self.k), -float("inf"), dtype=torch.float32, device=device)
        places = torch.empty(0, dtype=torch.int64, device=device)
        columns, similar = places.int(), places.float()
        seeking = SeekingRows(self.left.matrix[start:stop], self.left.scales[start:stop], limits)
        edge, total = 0, len(self.right.matrix)
        stage = max(_FIRST_STAGE, self.k)
        while edge < total:
            columns_of_stage = (edge, min(edge + stage, total))
            found = list(hits_of(seeking.with_limits(limits), self.right, columns_of_stage))
            for members, _, estimates in found:
                both = torch.cat([best[members], estimates], dim=1)
                best[members] = torch.topk(both, self.k, dim=1).values
            # The k-th exact similarity lies at most one margin below the k-th estimate, and the
            # estimate of a row that reaches it at most one more.
            limits = torch.clamp(best[:, -1] - 2 * margin, max=self.floor - margin)
            still = similar >= limits[places]
            kept = [(places[still], columns[still], similar[still])]
            for members, hits, estimates in found:
                which, position = torch.nonzero(estimates >= limits[members, None], as_tuple=True)
                kept.append((members[which], hits[which, position], estimates[which, position]))
            places, columns, similar = (torch.cat(parts) for parts in zip(*kept, strict=True))
            edge = columns_of_stage[1]
            stage = edge * (_GROWTH - 1)
        return self._sifted(start, count, places, columns.long())

    def _sifted(
        self, start: int, count: int, places: torch.Tensor, columns: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The candidates that all 16 bits leave over, in ascending order of their places."""
        import torch

        margin = refined_margin(self.left, self.right)
        similar = refined_products(self.left, places + start, self.right, columns)
        order = torch.argsort(similar, descending=True)
        order = order[torch.argsort(places[order], stable=True)]
        places, columns, similar = places[order], columns[order], similar[order]
        kth = similar[_firsts(places, count) + self.k - 1]
        limits = torch.clamp(kth - 2 * margin, max=self.floor - margin)
        still = similar >= limits[places]
        return places[still], columns[still]

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
    import torch

    def loaded(rows: Vectors) -> torch.Tensor:
        matrix = torch.empty(rows.shape, dtype=torch.float32, device=device)
        for start in range(0, rows.shape[0], BAND_ROWS):
            stop = min(start + BAND_ROWS, rows.shape[0])
            matrix[start:stop] = torch.from_numpy(np.array(rows.block(start, stop)))
        return matrix

    queries, originals = loaded(vectors), loaded(against)
    left = integer_rows(vectors, device, loaded=queries)
    right = integer_rows(against, device, loaded=originals)
    return NearestTiles(vectors, against, left, right, queries, originals, k, floor)


def _firsts(places: torch.Tensor, count: int) -> torch.Tensor:
    """Where each of the places 0..count begins in ascending `places`, int64 [count]."""
    import torch

    return torch.searchsorted(places, torch.arange(count, device=places.device))


def _host(rows: torch.Tensor) -> IndexArray:
    return np.asarray(rows.cpu().numpy(), dtype=np.int64)
