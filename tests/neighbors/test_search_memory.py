"""What searches claim beside the rows given; each in a process of its own, at its peak."""

import os
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest

from isekai_gen.neighbors.exact import ExactSearch
from isekai_gen.neighbors.exact_run import run_search
from isekai_gen.neighbors.portions import PortionSizes
from isekai_gen.neighbors.search import SearchOptions, search_pairs
from isekai_gen.neighbors.small import SmallBlocks
from isekai_gen.neighbors.vectors import ArrayVectors

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
COUNT, DIMENSIONS = 60_000, 512
SEARCH = """
import sys
import numpy as np
from isekai_gen.neighbors.approximate import approximate_pairs
from isekai_gen.neighbors.search import SearchOptions
from isekai_gen.neighbors.small import SmallBlocks
from isekai_gen.neighbors.vectors import ArrayVectors

def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

count, dimensions, floor = int(sys.argv[1]), int(sys.argv[2]), 0.95
draw = np.random.default_rng(1)
rows = draw.standard_normal((count, dimensions), dtype=np.float32)
rows += 2.0 * draw.standard_normal((count // 200, dimensions), dtype=np.float32).repeat(200, axis=0)
rows[: count // 40] = rows[count // 2 :][: count // 40] + 0.3 * rows[: count // 40]
options = SearchOptions(floor=floor, mode="approximate", min_recall=0.9)
# Libraries claim memory of their own the first time.
approximate_pairs(ArrayVectors(rows[:: count // 4000]), options, method="cells")
open("/proc/self/clear_refs", "w").write("5")
before = peak()
pairs, report = approximate_pairs(ArrayVectors(rows), options, method="cells")
assert len(pairs) > count // 50, len(pairs)
assert not report.complete
print(peak() - before)
"""


def test_an_approximate_search_makes_no_copy_of_all_rows():
    done = subprocess.run(
        [sys.executable, "-c", SEARCH, str(COUNT), str(DIMENSIONS)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    claimed, copy = int(done.stdout) * 1024, COUNT * DIMENSIONS * 2
    # 0.8 of a copy: products, blocks, and the rows that centers are made from.
    assert claimed < 1.4 * copy


class Loaded:
    """Rows that a search holds; tells how many others there are while it is loaded."""

    def __init__(self, engine, vectors, alive):
        alive.add(self)
        self.most = len(alive)
        self.rows = engine.load(vectors)


class Watched:
    """An engine whose loaded rows are counted."""

    def __init__(self, engine):
        self.engine, self.alive, self.most = engine, weakref.WeakSet(), 0

    def load(self, vectors):
        loaded = Loaded(self.engine, vectors, self.alive)
        self.most = max(self.most, loaded.most)
        return loaded

    def candidates(self, left, right, start, stop):
        other = None if right is None else right.rows
        return self.engine.candidates(left.rows, other, start, stop)


def test_an_exact_search_holds_two_portions_and_frees_one_before_it_loads_another():
    rows = np.random.default_rng(0).normal(size=(90, 8)).astype(np.float32)
    engine = Watched(SmallBlocks(0.5))
    search = ExactSearch(ArrayVectors(rows), None, 0.5, engine, PortionSizes(20, 10), 10)
    pairs = run_search(search, 10**6, None, lambda _: None)
    assert len(pairs) == len(search_pairs(ArrayVectors(rows), SearchOptions(floor=0.5))[0])
    assert engine.most == 2
