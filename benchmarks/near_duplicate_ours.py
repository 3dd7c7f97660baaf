"""isekai-gen's own searches."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from near_duplicate_measure import Figures, Found, Meter, Task

if TYPE_CHECKING:
    from isekai_gen.neighbors.search import Mode, SearchOptions

REPOSITORY = Path(__file__).resolve().parent.parent
WARM_UP_ROWS = 20_000
"""On a GPU, kernels are compiled and memory is claimed the first time; not part of a rate."""


def search(task: Task, meter: Meter) -> Found:
    """`search_pairs` on rows in memory.

    Options: mode=exact, min_recall=0.98, device=cpu, mapped=no (yes: memory-mapped rows).
    """
    import torch  # noqa: F401 - imports are left out of every way's time

    from isekai_gen.neighbors.search import search_pairs
    from isekai_gen.neighbors.vectors import ArrayVectors, open_vectors

    options = _search_options(task)
    if options.mode != "exact":
        import faiss  # noqa: F401 - likewise
    mapped = task.options.get("mapped") == "yes"
    vectors = open_vectors(task.path) if mapped else ArrayVectors(task.load())
    if options.device != "cpu":
        search_pairs(ArrayVectors(vectors.block(0, WARM_UP_ROWS)), options)
    with meter:
        pairs, report = search_pairs(vectors, options)
    notes: Figures = {
        "mode": report.mode,
        "method": report.method,
        "why": report.why,
        "candidates": report.candidates,
        "phases": {phase: round(spent, 3) for phase, spent in report.seconds.items()},
        **device_memory(options.device),
    }
    if report.recall is not None:
        notes["min_recall"] = options.min_recall
        notes["says_recall"] = [report.recall.low, report.recall.estimate, report.recall.high]
    return Found(pairs.row_a, pairs.row_b, pairs.similarity, notes)


def _search_options(task: Task) -> SearchOptions:
    from isekai_gen.neighbors.search import SearchOptions

    modes: dict[str, Mode] = {"exact": "exact", "approximate": "approximate", "auto": "auto"}
    return SearchOptions(
        floor=task.floor,
        mode=modes[task.options.get("mode", "exact")],
        min_recall=float(task.options.get("min_recall", 0.98)),
        device=task.options.get("device", "cpu"),
    )


def device_memory(device: str) -> Figures:
    """Most memory that was claimed on the device, for the notes."""
    if device == "cpu":
        return {}
    import torch

    return {"device_mib": round(torch.cuda.max_memory_reserved(device) / 2**20)}


def command(task: Task, meter: Meter) -> Found:
    """`isekai-gen dedupe --embeddings`, from the start of the process to the last file.

    Options: mode=exact, min_recall=0.98, device=cpu.
    """
    out = task.folder / "dedupe-embeddings"
    shutil.rmtree(out, ignore_errors=True)
    arguments = ["--embeddings", str(task.path), "--max-similarity", str(task.floor)]
    flags = {"mode": "--mode", "min_recall": "--min-recall", "device": "--devices"}
    for name, flag in flags.items():
        if name in task.options:
            arguments += [flag, task.options[name]]
    with meter:
        summary = run_dedupe([*arguments, "--out", str(out)])
    first, second, similarity = read_edges(out)
    return Found(first, second, similarity, {"summary": summary})


def run_dedupe(arguments: list[str]) -> Figures:
    """Run `isekai-gen dedupe ... --json`; what it prints."""
    whole = [sys.executable, "-m", "isekai_gen", "dedupe", *arguments, "--json", "--quiet"]
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        whole,
        env={**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(whole)}\n{done.stderr[-3000:]}")
    summary: Figures = json.loads(done.stdout)
    return summary


def read_edges(out: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """row_a, row_b and similarity of the edges that `dedupe` wrote."""
    import pyarrow.parquet as pq

    table = pq.read_table(out / "edges.parquet", columns=["row_a", "row_b", "similarity"])
    first, second, similarity = (
        table[name].to_numpy() for name in ("row_a", "row_b", "similarity")
    )
    return first.astype(np.int64), second.astype(np.int64), similarity
