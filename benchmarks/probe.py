"""What does fine-tuning do to robustness on the demo's images, and how long does it take?

    python benchmarks/probe.py [-w WORKSPACE] [--learning-rates 0.0001,0.0005] [--seeds 0,1,2]

Without a workspace, the demo's is made in a temporary folder first. Makes counterfactual samples
where there are none, then probes the starter encoder at each learning rate, each in a process of
its own, and prints the tables of `isekai-gen probe` with seconds of wall time and of one core. A
rate that is too high shows what the demo set, which the tower names nearly without fault before it
is trained, cannot show otherwise: how much each way of fine-tuning loses.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def run(*arguments: str) -> None:
    """One command of ours; ends this program if it fails."""
    subprocess.run([sys.executable, "-m", "isekai_gen", *arguments], check=True)


def prepare(workspace: Path) -> None:
    """See that there are images and samples."""
    if not (workspace / "records").is_dir():
        run("demo", "-w", str(workspace), "--quiet")
    if not (workspace / "counterfactuals" / "records").is_dir():
        run("counterfactuals", "-w", str(workspace), "--quiet")


def measure(workspace: Path, rate: str, seeds: str) -> None:
    """Probe at one learning rate and print what came out, and how long it took."""
    with tempfile.TemporaryDirectory() as out:  # finished runs of earlier days would cost nothing
        wall, core = time.monotonic(), core_seconds()
        options = ["--learning-rate", rate, "--seeds", seeds, "--out", out, "--quiet"]
        print(f"\n== learning rate {rate}", flush=True)
        run("probe", "-w", str(workspace), "--encoder", "starter", *options)
        wall, core = time.monotonic() - wall, core_seconds() - core
        print(f"{wall:.0f} s of wall time, {core:.0f} s of one core", flush=True)


def core_seconds() -> float:
    """User time of all commands that have ended."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime


def main() -> None:
    """Parse, prepare, measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("-w", "--workspace", type=Path)
    parser.add_argument("--learning-rates", default="0.0001,0.0005")
    parser.add_argument("--seeds", default="0,1,2")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = given.workspace or Path(folder) / "demo"
        prepare(workspace)
        for rate in given.learning_rates.split(","):
            measure(workspace, rate, given.seeds)


if __name__ == "__main__":
    main()
