"""How fast a large dataset is planned, and its status read; run it on any machine.

    python benchmarks/planning.py --images 1000000

Plans as `generate` does, up to the point of drawing: catalog and templates are read, prompts
expanded and measured against the model's tokenizer, ids and seeds derived, the plan written with
its done-markers. Then plans it again, which finds everything there, and reads the status of the
workspace in a process of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from isekai_gen.errors import IsekaiGenError
from isekai_gen.settings import Settings
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.planning import plan_run
from isekai_gen.stages.recipe import resolve_recipe
from isekai_gen.stages.status import read_status
from isekai_gen.stages.words import read_words
from isekai_gen.workspace import Workspace

MIB = 2**20
_PAGE = os.sysconf("SC_PAGE_SIZE")


def write_catalog(path: Path, concepts: int) -> None:
    """A catalog of so many concepts, in groups of a fictional one with a real one."""
    lines = ["schema: 1", "name: planning benchmark", "groups:"]
    for number in range((concepts + 1) // 2):
        lines += [
            "  - fictional:",
            f"      name: cactus hedgehog {number}",
            "      short: hedgehog with cactus spines",
            "      description: a small green hedgehog with cactus spines and a pink flower",
            "      parents: [hedgehog, cactus]",
            "    real:",
            f"      name: hedgehog {number}",
            "      short: hedgehog",
            "      description: a small brown hedgehog",
        ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


class PeakMemory(threading.Thread):
    """Watches the memory of this process and its children.

    Attributes:
        peak: Most bytes resident at once, in all of them; pages they share count in each.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(0.05):
            self.peak = max(self.peak, sum(map(resident_bytes, tree_of(os.getpid()))))

    def end(self) -> None:
        self._ended.set()
        self.join()


def tree_of(pid: int) -> list[int]:
    """A process and its descendants."""
    pids = [pid]
    for parent in pids:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                pids += [int(child) for child in task.read_text().split()]
            except OSError:
                continue  # it has just ended
    return pids


def resident_bytes(pid: int) -> int:
    """Resident memory of a process, 0 if it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0


def cpu_seconds() -> float:
    """CPU time of this process and its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def plan(root: Path, catalog: Path, options: argparse.Namespace) -> float:
    """Plan as `generate` does; returns seconds."""
    per_concept = -(-options.images // options.concepts)
    settings = Settings().with_overrides(
        {
            "generate": {
                "images_per_concept": per_concept,
                "micro_batch_size": options.micro_batch_size,
                "allow_truncation": options.allow_truncation,
            }
        }
    )
    context = StageContext(Workspace(root), settings)
    began = time.perf_counter()
    with context.workspace.lock():
        words = read_words(context.workspace, settings.generate, catalog, options.templates)
        recipe = resolve_recipe(settings.generate, lambda: ["cpu"])
        plan_run(context, recipe, words, {})
    return time.perf_counter() - began


def time_status(root: Path, answer: multiprocessing.SimpleQueue[float]) -> None:
    """Body of a fresh process: read the status and answer how many seconds it took."""
    began = time.perf_counter()
    read_status(Workspace(root))
    answer.put(time.perf_counter() - began)


def seconds_of_status(root: Path) -> float:
    """How long a process that has nothing in memory yet takes to read the status."""
    context = multiprocessing.get_context("spawn")
    answer = context.SimpleQueue()
    process = context.Process(target=time_status, args=(root, answer))
    process.start()
    process.join()
    return answer.get()


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options; None for those of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--concepts", type=int, default=100, help="an even number")
    parser.add_argument("--micro-batch-size", type=int, default=4)
    parser.add_argument("--templates", type=Path, help="default: those shipped for the starter")
    parser.add_argument("--allow-truncation", action="store_true", help="count no tokens")
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Plan, plan again, read the status; print how long each took."""
    options = parse(arguments)
    if options.folder is not None:
        options.folder.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="isekai-planning-", dir=options.folder))
    try:
        catalog = folder / "catalog.yaml"
        write_catalog(catalog, options.concepts)
        root = folder / "workspace"
        print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
        for name in ("planned", "planned again"):
            memory = PeakMemory()
            memory.start()
            busy = cpu_seconds()
            seconds = plan(root, catalog, options)
            busy = cpu_seconds() - busy
            memory.end()
            planned = read_status(Workspace(root)).total.planned
            print(
                f"{name}: {planned} images in {seconds:.1f} s ({busy:.1f} s of CPU), "
                f"{planned / seconds:.0f} images/s, "
                f"at most {memory.peak / MIB:.0f} MiB in all processes"
            )
        print(f"status: {seconds_of_status(root):.2f} s")
    except IsekaiGenError as error:
        raise SystemExit(f"Error: {error}") from error
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
