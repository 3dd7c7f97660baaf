"""Exact searches in bands of rows: here, on several GPUs, or on the nodes of a cluster.

What a long search has finished is kept band by band, so that one that was killed goes on. With
several workers each takes the next band, whatever its machine: which pairs a band has, and their
bits, follow from the vectors alone.

FOLDER/band-<key>-<row>.npz       the pairs of one finished band (`neighbors/bands.py`)
FOLDER/vectors-<key>-<side>.npy   what workers read, where the vectors are not in a file
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.errors import StorageError
from isekai_gen.executors import Control, ShardResult, WorkOnShard, run_shards
from isekai_gen.neighbors.bands import BAND_ROWS, BandFolder, ScoredPairs
from isekai_gen.neighbors.exact import band_starts, prepare_search
from isekai_gen.neighbors.exact_run import run_search
from isekai_gen.neighbors.pairs import PairList, joined_pairs, too_many_pairs
from isekai_gen.neighbors.search import SearchOptions, SearchReport, search_pairs, settled
from isekai_gen.neighbors.vectors import FileVectors, Vectors, map_vectors, write_vectors
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.workers import for_engine, seen_in_time

# Multiplications of a search that takes some seconds: below, bands and workers cost more than they
# save.
_LONG_ON_CPU = 1e12
_LONG_ON_GPU = 1e15
_BLOCK_ROWS = 16384


@dataclass(frozen=True)
class KeptBands:
    """Where a long search keeps what it has finished; the caller deletes it in the end.

    Attributes:
        folder: On storage that all workers share.
        inputs: Gives a digest of all that is searched; called only if anything is kept.
    """

    folder: Path
    inputs: Callable[[], str]


def own_device(context: StageContext) -> str:
    """Where this process itself searches; the devices of a cluster are not its own."""
    return "cpu" if context.engine.name == "ray" else context.device_names()[0]


def unfinished_bands(out: Path) -> Path:
    """Where a search for a folder of results keeps what it has finished."""
    return out / "unfinished"


def forget_bands(out: Path) -> None:
    """Delete what `unfinished_bands` holds, once the results are written."""
    if unfinished_bands(out).exists():
        shutil.rmtree(unfinished_bands(out))


def search_in_bands(
    context: StageContext,
    vectors: Vectors,
    options: SearchOptions,
    kept: KeptBands,
    *,
    against: Vectors | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> tuple[PairList, SearchReport]:
    """`search_pairs` on all devices and nodes there are, and resumable.

    Approximate and short searches run in this process, on `options.device`.

    Args:
        context: Devices and engine; its workspace is locked.
        vectors: n rows.
        options: How to search.
        kept: What is finished already.
        against: Another matrix, or None for pairs within `vectors`.
        advance: Told of rows of `vectors` that are done, which sum up to n, and of 0 between.

    Raises:
        InputError: If more than `max_pairs` pairs reach the floor, or dimensions differ.
        WorkerError: If workers were lost again and again.
    """
    chosen, why = settled(options, vectors, against)
    if chosen.mode == "approximate" or not _is_long(vectors, against, options.device):
        return search_pairs(vectors, options, against=against, advance=advance)
    bands = BandFolder(kept.folder, kept.inputs(), BAND_ROWS)
    devices = context.device_names()
    if context.engine.name == "local" and len(devices) == 1:
        return search_pairs(vectors, options, against=against, bands=bands, advance=advance)
    worker = BandWorker(
        vectors=_file_of(vectors, bands, "first"),
        against=None if against is None else _file_of(against, bands, "other"),
        floor=chosen.floor,
        max_pairs=chosen.max_pairs,
        bands=bands,
    )
    pairs, candidates, seconds = _by_workers(context, worker, vectors.shape[0], advance)
    where = "the cluster" if context.engine.name == "ray" else f"{len(devices)} devices"
    return pairs, SearchReport(
        mode="exact",
        method=f"bands of {bands.band_rows:,} rows on {where} ({devices[0].partition(':')[0]})",
        why=why,
        candidates=candidates,
        seconds={"search": seconds},
    )


def content_digest(*matrices: Vectors) -> str:
    """Digest of the numbers in some matrices, for `KeptBands.inputs`."""
    digest = hashlib.sha256()
    for vectors in matrices:
        count, dimensions = vectors.shape
        digest.update(f"{count} {dimensions}\0".encode())
        for start in range(0, count, _BLOCK_ROWS):
            digest.update(vectors.block(start, min(start + _BLOCK_ROWS, count)).tobytes())
    return digest.hexdigest()


def _is_long(vectors: Vectors, against: Vectors | None, device: str) -> bool:
    count, dimensions = vectors.shape
    others = count / 2 if against is None else against.shape[0]
    longest = _LONG_ON_CPU if device == "cpu" else _LONG_ON_GPU
    return count * others * dimensions > longest


def _file_of(vectors: Vectors, bands: BandFolder, side: str) -> Path:
    """A file from which every worker can read the rows."""
    if isinstance(vectors, FileVectors):
        return vectors.path.resolve()
    path = bands.folder.resolve() / f"vectors-{bands.inputs[:16]}-{side}.npy"
    if not path.exists():
        write_vectors(path, vectors)
    return path


@dataclass(frozen=True)
class BandWorker:
    """Searches bands, each a shard, and keeps what it finds.

    Attributes:
        vectors: .npy file of n rows.
        against: .npy file of m rows, or None for pairs within `vectors`.
        floor: Lowest similarity listed.
        max_pairs: More pairs than this in a band are refused.
        bands: Where they are kept.
    """

    vectors: Path
    against: Path | None
    floor: float
    max_pairs: int
    bands: BandFolder

    def setup(self, device_name: str) -> WorkOnShard:
        search = prepare_search(
            map_vectors(self.vectors),
            None if self.against is None else map_vectors(self.against),
            self.floor,
            device_name,
            self.bands.band_rows,
        )

        def work_on(part: int, control: Control) -> ShardResult:
            def advance(rows: int) -> None:
                control.check()
                control.advance(rows)

            before = search.counts["candidates"]
            band = [part * self.bands.band_rows]
            pairs = run_search(search, self.max_pairs, self.bands, advance, band)
            counts = {
                "pairs": len(pairs),
                "candidates": search.counts["candidates"] - before,
            }
            return ShardResult(part, counts)

        return work_on


def _by_workers(
    context: StageContext, worker: BandWorker, count: int, advance: Callable[[int], None]
) -> tuple[PairList, int, float]:
    """Hand out the bands that are not finished; returns all pairs, candidates and seconds."""
    began = time.perf_counter()
    store, devices = worker.bands.under(worker.floor), context.device_names()
    starts = band_starts(count, store.band_rows)
    todo = [part for part, start in enumerate(starts) if store.load(start) is None]
    advance(count - sum(min(store.band_rows, count - starts[part]) for part in todo))

    def on_progress(images: int, failed: int = 0, device: str = "") -> None:
        del failed, device
        advance(images)

    ready = for_engine(worker, context, None)
    results = run_shards(ready, todo, devices, on_progress, context.engine) if todo else []
    for message in (message for result in results for message in result.messages):
        context.reporter.note(message)
    candidates = sum(result.counts["candidates"] for result in results)
    pairs = _joined(store, starts, worker, count)
    return pairs, candidates, time.perf_counter() - began


def _joined(store: BandFolder, starts: range, worker: BandWorker, count: int) -> PairList:
    """The pairs of all bands."""
    found, room = list[ScoredPairs](), worker.max_pairs
    for start in starts:
        found.append(_band(store, start))
        room -= len(found[-1][0])
        if room < 0:
            raise too_many_pairs(worker.max_pairs, count, worker.floor)
    return joined_pairs(found)


def _band(store: BandFolder, start: int) -> ScoredPairs:
    found: list[ScoredPairs] = []

    def is_there() -> bool:
        pairs = store.load(start)
        if pairs is not None:
            found.append(pairs)
        return pairs is not None

    if not seen_in_time(is_there):
        raise StorageError(
            f"{store.folder}: the band of row {start} that a worker has finished is not to be seen "
            "or damaged; put the folder on storage that all nodes share, and run again"
        )
    return found[0]
