"""Recompute similarities from the embeddings that a release ships (see `vectors`).

A dropped image's similarity to its witness, if embeddings are what it was measured by, must come
out to the bit; a kept image's to the most similar other one must be as metadata.jsonl says, if
all pairs were searched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isekai_gen.neighbors.similarity import indexed_similarities, unit_rows
from isekai_gen.release.layout import (
    DUPLICATES_FILE,
    METADATA_FILE,
    REJECTED_FILE,
    VECTOR_IDS_FILE,
    VECTORS_FILE,
)
from isekai_gen.release.verification.received import brief
from isekai_gen.release.verification.received_release import ImageRow, ReceivedRelease
from isekai_gen.release.verification.received_reports import number_or_none

_SEMANTIC = "semantic"
# All pairs of more images would take minutes.
_MAX_COMPARED = 20_000
_ROWS_AT_ONCE = 1024
_MAX_DIMENSIONS = 1 << 16
# Unit rows in float32.
_MAX_LENGTH_ERROR = 1e-4
# Of a float32 product, with room for thousands of dimensions (`similarity.float32_margin`).
_TOLERANCE = 1e-4
Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Vectors:
    """Embeddings: row `row_by_id[id]` of `matrix`, float32 [n, d]."""

    matrix: Matrix
    row_by_id: Mapping[str, int]


def check_similarities(release: ReceivedRelease) -> None:
    """Report similarities that the shipped embeddings contradict; nothing if none are shipped."""
    files = release.tree.files
    if VECTORS_FILE not in files and VECTOR_IDS_FILE not in files:
        return
    vectors = _read_vectors(release)
    if vectors is not None:
        _check_witnesses(release, vectors)
        _check_kept(release, vectors)


def _read_vectors(release: ReceivedRelease) -> _Vectors | None:
    """The embeddings, or None with a finding."""
    tree = release.tree
    for name in (VECTORS_FILE, VECTOR_IDS_FILE):
        if name not in tree.files:
            tree.report(name, "missing", "embeddings are a matrix and the ids of its rows")
            return None
    rows = tree.read_rows(VECTOR_IDS_FILE)
    ids = [row["id"] for row in rows if isinstance(row.get("id"), str)]
    kept = {row["id"] for row in rows if isinstance(row.get("id"), str) and row.get("kept") is True}
    if len(set(ids)) != len(rows) or ids != sorted(ids):
        tree.report(VECTOR_IDS_FILE, "embeddings", "ids must be texts, ascending and distinct")
        return None
    if kept != release.image_by_id.keys():
        tree.report(VECTOR_IDS_FILE, "embeddings", f"kept images are not those of {METADATA_FILE}")
    matrix = _read_matrix(release, len(ids))
    return None if matrix is None else _Vectors(matrix, {each: n for n, each in enumerate(ids)})


def _read_matrix(release: ReceivedRelease, count: int) -> Matrix | None:
    path = release.tree.files[VECTORS_FILE]
    try:
        # Mapped, so that no size that the file claims is taken as memory.
        matrix = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(matrix, np.ndarray) or matrix.dtype != np.float32 or matrix.ndim != 2:
            raise ValueError("must be a float32 matrix")
        if matrix.shape[0] != count or not 0 < matrix.shape[1] <= _MAX_DIMENSIONS:
            raise ValueError(f"must have {count} rows, has shape {matrix.shape}")
        for start in range(0, count, _ROWS_AT_ONCE):
            lengths = np.linalg.norm(matrix[start : start + _ROWS_AT_ONCE], axis=1)
            if not np.all(np.abs(lengths - 1.0) <= _MAX_LENGTH_ERROR):  # also finds NaN
                raise ValueError("rows must have length 1")
    except (OSError, ValueError, EOFError, SyntaxError, OverflowError) as error:
        release.tree.report(VECTORS_FILE, "embeddings", brief(error))
        return None
    return matrix


def _check_witnesses(release: ReceivedRelease, vectors: _Vectors) -> None:
    lines: list[int] = []
    pairs: list[tuple[int, int]] = []
    stated: list[float] = []
    faults = []
    for number, row in release.tree.iter_rows(REJECTED_FILE):
        measured = number_or_none(row.get("measured"))
        if row.get("tier") != _SEMANTIC or measured is None:
            continue
        places = [vectors.row_by_id.get(str(row.get(key))) for key in ("id", "witness")]
        if places[0] is None or places[1] is None:
            faults.append(f"line {number}: {VECTOR_IDS_FILE} lacks the image or its witness")
            continue
        lines.append(number)
        pairs.append((places[0], places[1]))
        stated.append(measured)
    left, right = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    found = indexed_similarities(vectors.matrix, left, vectors.matrix, right)
    for line, measured, similarity in zip(lines, stated, found, strict=True):
        # Not as float32: it warns of numbers that it cannot hold.
        if not abs(measured) < 2 or np.float32(measured) != np.float32(similarity):
            faults.append(f"line {line}: measured {measured}, but embeddings give {similarity:.8g}")
    release.tree.report_some(REJECTED_FILE, "similarity", faults)


@dataclass(frozen=True)
class _Search:
    """What reports/duplicates.json says of the pairs behind max_similarity.

    Attributes:
        floor: Pairs from this similarity up were listed.
        everywhere: Whether images of all concepts were compared with each other.
    """

    floor: float
    everywhere: bool


def _complete_search(release: ReceivedRelease) -> _Search | None:
    """The search for similar images, or None if it does not claim to have found all."""
    report = release.tree.read_json(DUPLICATES_FILE)
    tiers = report.get("tiers") if isinstance(report, Mapping) else None
    tier = tiers.get(_SEMANTIC) if isinstance(tiers, Mapping) else None
    if not isinstance(tier, Mapping) or tier.get("complete") is not True:
        return None
    floor = number_or_none(tier.get("floor"))
    return None if floor is None else _Search(floor, report.get("within") == "all")


def _check_kept(release: ReceivedRelease, vectors: _Vectors) -> None:
    """Report kept images that are not as like the others as stated."""
    search = _complete_search(release)
    kept = [each for each in release.images.values() if each.id in vectors.row_by_id]
    if search is None or not search.everywhere or not 1 < len(kept) <= _MAX_COMPARED:
        return
    rows = unit_rows(np.ascontiguousarray(vectors.matrix[[vectors.row_by_id[k.id] for k in kept]]))
    faults: list[str] = []
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        block = rows[start : start + _ROWS_AT_ONCE] @ rows.T
        own = np.arange(len(block))
        block[own, start + own] = -2.0  # below any similarity: not its own neighbor
        faults += _not_as_stated(kept[start : start + len(block)], block.max(axis=1), search.floor)
    release.tree.report_some(METADATA_FILE, "similarity", faults)


def _not_as_stated(images: Sequence[ImageRow], highest: Matrix, floor: float) -> Iterator[str]:
    """Faults of some images, given their similarities to the most similar other ones."""
    for image, similarity in zip(images, highest.tolist(), strict=True):
        stated = image.max_similarity
        excess = similarity - floor if stated is None else abs(similarity - stated)
        if excess > _TOLERANCE:
            shown = "is not listed" if stated is None else f"is {stated:.6g}"
            yield f"line {image.line}: max_similarity {shown}, but embeddings give {similarity:.6g}"
