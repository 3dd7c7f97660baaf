"""A search in bands gives what one search gives, whoever does them, and goes on when killed."""

import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from isekai_gen.errors import InputError, StorageError
from isekai_gen.executors import ShardResult
from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.search import SearchOptions, search_pairs
from isekai_gen.neighbors.vectors import ArrayVectors, open_vectors
from isekai_gen.settings import Settings
from isekai_gen.stages import tile_search, workers
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.tile_search import KeptBands, content_digest, search_in_bands
from isekai_gen.workspace import Workspace
from tests.executors.ray_nodes import RayNodes, ray_environment
from tests.stages.band_searches import BAND_ROWS, FLOOR, band_files, search_file, write_rows

BANDS = 10


@pytest.fixture
def folder(tmp_path):
    write_rows(tmp_path / "rows.npy")
    return tmp_path


@pytest.fixture
def small_bands(monkeypatch):
    monkeypatch.setattr(tile_search, "_LONG_ON_CPU", 0.0)
    monkeypatch.setattr(tile_search, "BAND_ROWS", BAND_ROWS)


def expected(folder):
    other = folder / "other.npy"
    against = open_vectors(other) if other.exists() else None
    return search_pairs(open_vectors(folder / "rows.npy"), SearchOptions(FLOOR), against=against)[0]


def same(pairs, others):
    assert len(pairs) > 1000
    columns = ("row_a", "row_b", "similarity")
    return all(getattr(pairs, c).tobytes() == getattr(others, c).tobytes() for c in columns)


def test_short_searches_keep_nothing(folder):
    pairs, _ = search_file(folder)
    assert same(pairs, expected(folder))
    assert not (folder / "ws/bands").exists()


def test_a_long_search_is_kept_band_by_band(folder, small_bands):
    told = []
    pairs, report = search_file(folder, advance=told.append)
    assert same(pairs, expected(folder))
    assert len(band_files(folder)) == BANDS
    assert sum(told) == 2500
    again, second = search_file(folder)
    assert same(again, pairs)
    assert report.candidates > second.candidates == 0


@pytest.mark.parametrize("between", [False, True], ids=["within", "between"])
def test_several_workers_of_this_machine_find_the_same(folder, small_bands, monkeypatch, between):
    if between:
        write_rows(folder / "other.npy", count=700)
    monkeypatch.setattr(StageContext, "device_names", lambda _: ["cpu", "cpu"])
    told = []
    search_file(folder)
    assert len(band_files(folder)) == BANDS
    band_files(folder)[3].unlink()
    band_files(folder)[5].write_bytes(b"damaged")
    pairs, report = search_file(folder, advance=told.append)
    assert same(pairs, expected(folder))
    assert report.method == "bands of 256 rows on 2 devices (cpu)"
    assert sum(told) == 2500


def test_workers_read_vectors_that_are_in_no_file(folder, small_bands, monkeypatch):
    monkeypatch.setattr(StageContext, "device_names", lambda _: ["cpu", "cpu"])
    monkeypatch.setattr(tile_search, "run_shards", run_here)
    rows = ArrayVectors(np.load(folder / "rows.npy"))
    kept = KeptBands(folder / "ws/bands", lambda: content_digest(rows))
    found = [search_in_bands(context_of(folder), rows, SearchOptions(FLOOR), kept) for _ in "ab"]
    assert same(found[0][0], expected(folder))
    assert same(found[1][0], found[0][0])
    assert len(list((folder / "ws/bands").glob("vectors-*.npy"))) == 1


def test_more_pairs_than_allowed_are_refused_by_several_workers_too(
    folder, small_bands, monkeypatch
):
    monkeypatch.setattr(StageContext, "device_names", lambda _: ["cpu", "cpu"])
    monkeypatch.setattr(tile_search, "run_shards", run_here)
    count = len(expected(folder))
    rows, kept = open_vectors(folder / "rows.npy"), KeptBands(folder / "ws/bands", lambda: "x")
    allowed = SearchOptions(FLOOR, max_pairs=count)
    assert len(search_in_bands(context_of(folder), rows, allowed, kept)[0]) == count
    with pytest.raises(InputError, match=r"of 2,500 rows reach similarity 0.6; choose a higher"):
        search_in_bands(context_of(folder), rows, replace(allowed, max_pairs=count - 1), kept)


def test_a_band_that_never_shows_up_is_said(folder, small_bands, monkeypatch):
    monkeypatch.setattr(StageContext, "device_names", lambda _: ["cpu", "cpu"])
    monkeypatch.setattr(tile_search, "run_shards", did_nothing)
    monkeypatch.setattr(workers, "_SECONDS_TO_BE_SEEN", 0.0)
    with pytest.raises(StorageError, match=r"band of row 0 .* not to be seen"):
        search_file(folder)


def test_the_digest_of_contents_tells_matrices_apart():
    one, two = (ArrayVectors(np.full((2, 3), x, dtype=np.float32)) for x in (1, 2))
    flat = ArrayVectors(np.full((3, 2), 1, dtype=np.float32))
    digests = {content_digest(*some) for some in ([one], [two], [flat], [one, two], [two, one])}
    assert len(digests) == 5
    assert content_digest(one) == content_digest(ArrayVectors(one.array.copy()))


@pytest.mark.slow
def test_a_killed_search_goes_on_where_it_was(folder):
    (folder / "held").touch()
    killed = start(folder)
    while len(band_files(folder)) < 3:
        assert killed.poll() is None
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    (folder / "held").unlink()
    before = {path: path.stat().st_mtime_ns for path in band_files(folder)}
    assert len(before) == 3
    assert start(folder).wait() == 0
    assert same(result_of(folder), expected(folder))
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(band_files(folder)) == BANDS


@pytest.mark.slow
def test_a_cluster_finds_the_same_and_goes_on_from_what_one_machine_found(folder, small_bands):
    pytest.importorskip("ray")
    search_file(folder)
    files = band_files(folder)
    assert len(files) == BANDS
    for path in files[::2]:
        path.unlink()
    nodes = RayNodes(cpus_of_head=1)
    try:
        nodes.add_node(2)
        assert start(folder, nodes.address).wait() == 0
    finally:
        nodes.stop()
    assert same(result_of(folder), expected(folder))
    assert band_files(folder) == files
    for path in files[1::3]:
        path.unlink()
    assert same(search_file(folder)[0], expected(folder))


def context_of(folder):
    return StageContext(Workspace(folder / "ws"), Settings())


def run_here(worker, parts, devices, on_progress, engine):
    """Every band in this process, by one worker each."""

    class Quiet:
        def check(self):
            pass

        def advance(self, images, failed=0):
            on_progress(images, failed)

    return [worker.setup(devices[0])(part, Quiet()) for part in parts]


def did_nothing(worker, parts, devices, on_progress, engine):
    return [ShardResult(part, {"pairs": 0, "candidates": 0}) for part in parts]


def start(folder, *address):
    command = [sys.executable, "-m", "tests.stages.band_searches", folder, folder / "out.npz"]
    return subprocess.Popen([*command, *address], env=ray_environment())


def result_of(folder):
    with np.load(folder / "out.npz") as arrays:
        return PairList(arrays["row_a"], arrays["row_b"], arrays["similarity"])
