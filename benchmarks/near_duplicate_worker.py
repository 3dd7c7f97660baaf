"""One way of searching, in a process of its own.

Its argument is JSON: {"way", "path", "floor", "options", "folder", "result"}. It writes the pairs
to `result` (.npz) and prints its figures as one line of JSON. It may run in a peer's own Python, so
it imports nothing but what the way needs.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from near_duplicate_measure import Figures, Found, Meter, Task

WAYS = {
    "ours": "near_duplicate_ours:search",
    "ours-command": "near_duplicate_ours:command",
    "ours-cross": "near_duplicate_cross:cross_join",
    "plain-bf16": "near_duplicate_plain:bf16_blocks",
    "matrix-rate": "near_duplicate_plain:matrix_rate",
    "sample": "near_duplicate_plain:sampled_rows",
    "faiss-flat": "near_duplicate_faiss:flat",
    "faiss-ivf": "near_duplicate_faiss:inverted_lists",
    "faiss-binary": "near_duplicate_faiss:binary_lists",
    "faiss-hnsw": "near_duplicate_faiss:graph",
    "faiss-gpu": "near_duplicate_faiss:lists_on_gpu",
    "semdedup": "near_duplicate_faiss:semdedup",
    "usearch": "near_duplicate_peers:usearch",
    "hnswlib": "near_duplicate_peers:hnswlib",
    "imagededup": "near_duplicate_peers:imagededup",
    "pictures-ours": "near_duplicate_picture_ways:ours",
    "pictures-imagehash": "near_duplicate_picture_ways:imagehash",
    "pictures-imagededup": "near_duplicate_picture_ways:imagededup",
    "pictures-cleanvision": "near_duplicate_picture_ways:cleanvision",
    "pictures-fastdup": "near_duplicate_picture_ways:fastdup",
    "pipeline-decode": "near_duplicate_pipeline_ways:decode",
    "pipeline-prepare": "near_duplicate_pipeline_ways:prepare",
    "pipeline-encode": "near_duplicate_pipeline_ways:encode",
    "pipeline-command": "near_duplicate_pipeline_ways:command",
}
"""Name of a way to "module:function" of it."""
REPOSITORY = Path(__file__).resolve().parent.parent


def run_way(python: str, way: str, task: Task, result: Path, limit: float) -> Figures:
    """Run a way in a process of its own.

    Args:
        python: Which Python.
        way: A name of `WAYS`.
        task: What it is asked for.
        result: .npz file that its pairs go to.
        limit: Seconds after which it is stopped.

    Returns:
        What `Meter` measured, "process_seconds" and "notes"; or "failed" and why.
    """
    asked = {
        "way": way,
        "path": str(task.path),
        "floor": task.floor,
        "options": dict(task.options),
        "folder": str(task.folder),
        "result": str(result),
    }
    command = [python, str(Path(__file__)), json.dumps(asked)]
    # fastdup reports to its makers unless told not to.
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "SENTRY_OPT_OUT": "1"}
    if python == sys.executable:
        searched = [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, searched))
    started = time.perf_counter()
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=limit, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"stopped after {limit:g} s"}
    if done.returncode:
        return {"failed": " ".join(done.stderr.split())[-500:]}
    figures: Figures = json.loads(done.stdout)
    return {**figures, "process_seconds": time.perf_counter() - started}


def main() -> None:
    """Do what the argument says."""
    asked = json.loads(sys.argv[1])
    # Tools write to both outputs as they like; the figures alone go to the real one.
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    module, _, name = WAYS[asked["way"]].partition(":")
    run: Callable[[Task, Meter], Found] = getattr(importlib.import_module(module), name)
    task = Task(Path(asked["path"]), asked["floor"], asked["options"], Path(asked["folder"]))
    meter = Meter()
    found = run(task, meter)
    with Path(asked["result"]).open("wb") as file:
        if found.similarity is None:
            np.savez(file, first=found.first, second=found.second)
        else:
            np.savez(file, first=found.first, second=found.second, similarity=found.similarity)
    print(json.dumps({**meter.usage, "notes": dict(found.notes)}), file=output, flush=True)


if __name__ == "__main__":
    main()
