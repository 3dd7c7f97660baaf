"""Host memory of `isekai-gen generate` over a long run: it should stay where it was at the start.

    python benchmarks/memory.py --images 10000

Draws with tiny networks of random weights (`full_size.py`), so that many pictures are made in
minutes on a CPU; what is kept per picture would show as well as with large ones.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from full_size import build
from planning import resident_bytes, tree_of

REPOSITORY = Path(__file__).resolve().parent.parent
_TOLD = 10


def main() -> None:
    """Run `generate`, and say the resident memory of all its processes at every tenth."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="isekai-gen-memory-"))
    model = build("tiny", folder / "models", "cpu")
    shipped = yaml.safe_load(
        (REPOSITORY / "isekai_gen/prompts/shipped/concepts.yaml").read_text(encoding="utf-8")
    )
    catalog = folder / "concepts.yaml"
    catalog.write_text(yaml.safe_dump({**shipped, "groups": shipped["groups"][:2]}))
    workspace = folder / "workspace"
    arguments = ["generate", "-w", workspace, "--concepts", catalog, "--model", model]
    arguments += ["--images-per-concept", options.images // 4, "--micro-batch-size", 20]
    arguments += ["--num-inference-steps", 1, "--allow-truncation", "--quiet"]
    process = subprocess.Popen([sys.executable, "-m", "isekai_gen", *map(str, arguments)])
    told = 0
    while process.poll() is None:
        time.sleep(1)
        records = workspace / "records"
        drawn = sum(part.read_bytes().count(b"\n") for part in records.glob("part-*.jsonl"))
        if drawn * _TOLD // options.images > told:
            told = drawn * _TOLD // options.images
            resident = sum(resident_bytes(pid) for pid in tree_of(process.pid))
            print(f"{drawn:7d} images  {resident / 2**20:8.0f} MiB", flush=True)
    sys.exit(process.returncode)


if __name__ == "__main__":
    main()
