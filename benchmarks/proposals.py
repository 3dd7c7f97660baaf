"""Measure `concepts propose` with the offline engine: 500 groups, seconds, memory, spread.

Run: python benchmarks/proposals.py [--n 500] [--seed 0]

The names are checked again by code that shares nothing with the package's own checks: letters of
all names of ImageNet-21k as timm's table has them, and of each other, in singular and plural.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import sys
import tempfile
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import yaml

from isekai_gen.stages.propose import propose_catalog
from isekai_gen.stages.propose_request import ProposeRequest


def main() -> None:
    """Propose, measure, print JSON; exit code 1 if a name collides or a parent is over-used."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "groups.yaml"
        began = time.perf_counter()
        outcome = propose_catalog(ProposeRequest(file, wanted=options.n, seed=options.seed))
        seconds = time.perf_counter() - began
        cpu_seconds = time.process_time()
        groups = yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    parents = Counter(parent for group in groups for parent in group["fictional"]["parents"])
    most, uses = parents.most_common(1)[0]
    found = {
        "groups": len(groups),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu_seconds, 1),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "proposed": len(outcome.accepted) + len(outcome.refused),
        "refused_by": outcome.reasons,
        "parents": len(parents),
        "most_used_parent": most,
        "its_share": round(uses / parents.total(), 4),
        "collisions": collisions([group["fictional"]["name"] for group in groups]),
    }
    print(json.dumps(found, indent=2))
    sys.exit(bool(found["collisions"]) or uses / parents.total() > 0.03)


def collisions(names: list[str]) -> list[str]:
    """Names that ImageNet-21k has, or that are there twice."""
    spec = find_spec("timm")
    if spec is None or spec.origin is None:
        raise SystemExit("timm is not installed")
    table = Path(spec.origin).parent / "data" / "_info" / "imagenet_synset_to_lemma.txt"
    lemmas = {
        letters(lemma)
        for line in table.read_text(encoding="utf-8").splitlines()
        for lemma in line.split("\t", 1)[1].split(", ")
    }
    own = Counter(letters(name) for name in names)
    return sorted(
        name
        for name in names
        if own[letters(name)] > 1 or {letters(name), letters(name) + "s"} & lemmas
    )


def letters(name: str) -> str:
    """Lower-case letters and digits, without a plural's s."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return plain[:-1] if plain.endswith("s") and not plain.endswith("ss") else plain


if __name__ == "__main__":
    main()
