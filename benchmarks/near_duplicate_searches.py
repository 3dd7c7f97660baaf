"""Compare ways of finding all similar pairs of embeddings, each in a process of its own."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from near_duplicate_measure import Figures, Task
from near_duplicate_tables import as_markdown
from near_duplicate_truth import Truth, bits_digest, load_keys
from near_duplicate_vectors import SIZES, VectorSet, write_vectors
from near_duplicate_worker import run_way

PEERS = ("usearch", "hnswlib", "imagededup")
_APPROXIMATE = "ours:mode=approximate,min_recall="
_DEFAULT_WAYS = {
    "20k": "ours ours-command plain-bf16 faiss-flat faiss-ivf:nlist=256,nprobe=4 "
    "faiss-binary:nlist=256 faiss-hnsw semdedup:cells=100 usearch hnswlib imagededup "
    f"{_APPROXIMATE}0.98",
    "100k": "ours ours-command plain-bf16 faiss-flat faiss-ivf:nlist=1024,nprobe=2 "
    "faiss-ivf:nlist=1024,nprobe=4 faiss-binary:nlist=1024 faiss-hnsw semdedup:cells=100 "
    f"semdedup:cells=500 usearch hnswlib {_APPROXIMATE}0.98 {_APPROXIMATE}0.99",
    "1m": "ours ours-command faiss-binary:nlist=4096,nprobe=8 "
    "faiss-ivf:nlist=4096,nprobe=2,niter=5 semdedup:cells=1000 "
    f"{_APPROXIMATE}0.98 {_APPROXIMATE}0.99",
    "10m": "ours",
}
_SAMPLED = 4000


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `near_duplicates.py vectors`."""
    parser.add_argument("--size", default="20k", help=f"{', '.join(SIZES)}, or a number of rows")
    parser.add_argument("--variant", choices=["clustered", "broad"], default="clustered")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--floor", type=float, default=0.95)
    parser.add_argument("--methods", nargs="+", metavar="WAY[:NAME=VALUE,...]", default=None)
    parser.add_argument("--repeats", type=int, default=1, help="in turn; medians are shown")
    parser.add_argument("--device", default="cpu", help="of ours, plain-bf16 and matrix-rate")
    parser.add_argument("--drawn-on", default="cpu", help="where embeddings are drawn")
    parser.add_argument("--peer-python", type=Path, help=f"with {', '.join(PEERS)} installed")
    parser.add_argument("--limit", type=float, default=3600, help="seconds of one run")


@dataclass(frozen=True)
class Way:
    """One way of searching with its settings, as "faiss-ivf:nlist=1024,nprobe=4" names it."""

    name: str
    settings: Mapping[str, str]

    @classmethod
    def parse(cls, text: str, device: str) -> Way:
        name, _, rest = text.partition(":")
        settings = dict(part.split("=", 1) for part in rest.split(",") if part)
        if device != "cpu" and name.startswith(("ours", "plain", "matrix")):
            settings = {"device": device, **settings}
        return cls(name, settings)

    def __str__(self) -> str:
        settings = ",".join(f"{name}={value}" for name, value in self.settings.items())
        return f"{self.name}:{settings}" if settings else self.name

    @property
    def is_exact_join(self) -> bool:
        """Whether it lists every pair by isekai-gen's own exact search."""
        return self.name == "ours" and self.settings.get("mode", "exact") == "exact"


@dataclass
class Comparison:
    """All runs on one set of embeddings.

    Attributes:
        vectors: The embeddings.
        options: Of the command line.
        folder: For files of this set.
        rows: Figures of every run so far.
    """

    vectors: VectorSet
    options: argparse.Namespace
    folder: Path
    rows: list[Figures] = field(default_factory=list)

    def run(self) -> Figures:
        """Make the embeddings, run every way, compare; returns all figures."""
        path = write_vectors(self.vectors, self.folder)
        named = self.options.methods or _default_ways(self.vectors.rows)
        ways = [Way.parse(text, self.options.device) for text in named]
        rate = Way.parse("matrix-rate", self.options.device)
        self._measure(rate, path)
        truth, ran = self._truth(path, ways)
        for number in range(self.options.repeats):
            # Back and forth, so that a machine that warms up is unfair to nobody.
            for way in ways if number % 2 == 0 else ways[::-1]:
                if number or way != ran:
                    self._compare(way, path, truth)
        checked = self._check(path, truth)
        self._measure(rate, path)
        return {
            "set": self.vectors.name,
            "floor": self.options.floor,
            "about": truth.describe(path),
            "check": checked,
            "rows": self.rows,
        }

    def _truth(self, path: Path, ways: list[Way]) -> tuple[Truth, Way | None]:
        """The exact edges, of an earlier run if there is one and none is asked for now.

        Returns:
            The edges, and the way that has run for them.
        """
        kept = self.folder / f"{self.vectors.name}.truth-{self.options.floor:g}.npz"
        exact = next((way for way in ways if way.is_exact_join), None)
        if exact is None and kept.exists():
            return Truth.load(kept, self.vectors), None
        exact = exact or Way.parse("ours", self.options.device)
        row = self._measure(exact, path)
        if row is None:
            sys.exit("the exact search failed, so there is nothing to compare with")
        shutil.copyfile(self._result(exact), kept)
        truth = Truth.load(kept, self.vectors)
        self._add_figures(row, exact, truth)
        return truth, exact

    def _check(self, path: Path, truth: Truth) -> dict[str, int] | None:
        """Plain products of some rows against the exact edges."""
        check = Way("sample", {"rows": str(_SAMPLED)})
        if self._measure(check, path) is None:
            return None
        return truth.against_sample(load_keys(self._result(check), self.vectors.rows), _SAMPLED)

    def _compare(self, way: Way, path: Path, truth: Truth) -> None:
        row = self._measure(way, path)
        if row is not None:
            self._add_figures(row, way, truth)

    def _add_figures(self, row: Figures, way: Way, truth: Truth) -> None:
        if way.name != "ours-cross":
            row.update(truth.figures(load_keys(self._result(way), self.vectors.rows)))
        if way.name in ("ours", "ours-command"):
            row["edges_sha256"] = bits_digest(self._result(way))
        said = row["notes"].get("says_recall")
        if said:
            row["interval_holds_truth"] = said[0] <= row["recall"] <= said[2]
        _tell(row)

    def _settings(self, way: Way) -> Mapping[str, str]:
        """Of a way, with the references of a cross-join written first."""
        if way.name != "ours-cross":
            return way.settings
        # Of the same seed, so that both have the same mean and themes.
        count = int(way.settings.get("references", 1_280_000))
        references = write_vectors(replace(self.vectors, rows=count), self.folder)
        return {**way.settings, "against": str(references)}

    def _result(self, way: Way) -> Path:
        return self.folder / f"{self.vectors.name}.{way.name}.npz"

    def _measure(self, way: Way, path: Path) -> Figures | None:
        """Run one way in its own process; its row, or None where it cannot run."""
        python = self.options.peer_python if way.name in PEERS else sys.executable
        row: Figures = {"way": str(way)}
        if python is None:
            row["failed"] = "left out: no --peer-python"
        else:
            task = Task(path, self.options.floor, self._settings(way), self.folder)
            result, limit = self._result(way), self.options.limit
            row.update(run_way(str(python), way.name, task, result, limit))
        self.rows.append(row)
        if "failed" in row or way.name in ("matrix-rate", "sample"):
            _tell(row)
        return None if "failed" in row else row


def _tell(row: Figures) -> None:
    print(json.dumps(row), flush=True)


def _default_ways(rows: int) -> list[str]:
    """Those of the largest named size that is not larger, or of the smallest."""
    fitting = [size for size in _DEFAULT_WAYS if SIZES[size] <= rows]
    return _DEFAULT_WAYS[max(fitting, key=SIZES.__getitem__, default="20k")].split()


def run(options: argparse.Namespace) -> list[Figures]:
    """Compare on every seed."""
    rows = SIZES.get(options.size) or int(options.size)
    results = []
    for seed in options.seeds:
        vectors = VectorSet(rows, options.variant, seed, device=options.drawn_on)
        result = Comparison(vectors, options, options.folder / "vectors").run()
        print(as_markdown(result), flush=True)
        results.append(result)
    return results
