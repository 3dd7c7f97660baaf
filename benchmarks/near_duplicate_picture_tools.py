"""Compare tools that find pictures that look the same, on pictures whose copies are known."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from near_duplicate_measure import Figures, Task
from near_duplicate_picture_ways import names_of
from near_duplicate_pictures import CHANGES, PictureSet
from near_duplicate_truth import load_keys
from near_duplicate_worker import run_way

_DEFAULT_WAYS = [
    "ours",
    "imagehash",
    "imagehash:hash=dhash",
    "imagededup",
    "imagededup:hash=DHash",
    "cleanvision",
    "fastdup",
    "fastdup:similarity=0.9",
]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `near_duplicates.py pictures`."""
    parser.add_argument("--pictures", type=int, default=5000)
    parser.add_argument("--copies", type=int, default=1000)
    parser.add_argument("--side", type=int, default=512, help="pixels")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--methods", nargs="+", default=_DEFAULT_WAYS, metavar="WAY[:NAME=VALUE]")
    parser.add_argument("--repeats", type=int, default=1, help="in turn")
    parser.add_argument("--peer-python", type=Path, help="with the other tools installed")
    parser.add_argument("--fastdup-python", type=Path, help="fastdup pins old versions of others")
    parser.add_argument("--limit", type=float, default=3600, help="seconds of one run")


def run(options: argparse.Namespace) -> list[Figures]:
    """Compare on every seed."""
    results = []
    for seed in options.seeds:
        wanted = PictureSet(options.pictures, options.copies, seed, options.side)
        folder = options.folder / wanted.name
        copies = wanted.write(folder)
        rows = [
            _measure(text, folder, copies, options)
            for _ in range(options.repeats)
            for text in options.methods
        ]
        result = {"set": folder.name, "files": len(names_of(folder)), "rows": rows}
        print(as_markdown(result), flush=True)
        results.append(result)
    return results


def _measure(
    text: str, folder: Path, copies: Mapping[tuple[str, str], str], options: argparse.Namespace
) -> Figures:
    name, _, rest = text.partition(":")
    settings = dict(part.split("=", 1) for part in rest.split(",") if part)
    pythons = {"ours": sys.executable, "fastdup": options.fastdup_python}
    python = pythons.get(name, options.peer_python)
    row: Figures = {"way": text}
    if python is None:
        row["failed"] = "left out: no Python given that has it"
    else:
        result = options.folder / f"{folder.name}.{name}.npz"
        task = Task(folder, 0.0, settings, options.folder)
        row.update(run_way(str(python), f"pictures-{name}", task, result, options.limit))
    if "failed" not in row:
        row.update(_figures(result, folder, copies))
    print(json.dumps(row), flush=True)
    return row


def _figures(result: Path, folder: Path, copies: Mapping[tuple[str, str], str]) -> Figures:
    """Precision, recall, and recall by what was done to the copies."""
    names = names_of(folder)
    keys = load_keys(result, len(names))
    listed = {frozenset((names[key // len(names)], names[key % len(names)])) for key in keys}
    made = Counter(copies.values())
    found = Counter(change for pair, change in copies.items() if frozenset(pair) in listed)
    return {
        "pictures": len(names),
        "pairs": len(listed),
        "precision": round(found.total() / len(listed), 4) if listed else 1.0,
        "recall": round(found.total() / made.total(), 4),
        **{change: round(found[change] / made[change], 3) for change in CHANGES if made[change]},
    }


def as_markdown(result: Figures) -> str:
    """The figures as a table; pictures a second are of the timed part."""
    columns = ["pairs", "precision", "recall", *CHANGES]
    head = ["way", "pictures/s", "s", "process s", "CPU s", "MiB", *columns]
    lines = [f"\n{result['set']}, {result['files']} files\n", f"| {' | '.join(head)} |"]
    lines.append("|---" + "|--:" * (len(head) - 1) + "|")
    for row in result["rows"]:
        if "failed" in row:
            lines.append(f"| {row['way']} | {row['failed']} |")
            continue
        spent = (row[name] for name in ("seconds", "process_seconds", "cpu_seconds", "peak_mib"))
        rate = f"{row['pictures'] / row['seconds']:.0f}"
        shown = [rate, *(f"{number:.1f}" for number in spent)]
        cells = [row["way"], *shown, *(str(row.get(name, "")) for name in columns)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
