"""Near-duplicate search beside other tools, in one run.

    python benchmarks/near_duplicates.py vectors --size 100k --repeats 3
    python benchmarks/near_duplicates.py vectors --size 1m --variant broad --seeds 1 2
    python benchmarks/near_duplicates.py vectors --size 1m --device cuda:0 --methods ours
    python benchmarks/near_duplicates.py pictures --peer-python peers/bin/python
    python benchmarks/near_duplicates.py pipeline --pictures 20000 --device cuda:0

* vectors     ways of finding all similar pairs of embeddings (`near_duplicate_searches.py`)
* pictures    tools that compare pictures by what they look like (`near_duplicate_picture_tools.py`)
* pipeline    from picture files to edges through an encoder (`near_duplicate_pipeline.py`)

Each way runs in a process of its own, so that its peak memory is its own. `--peer-python` names a
Python with the other tools: pip install usearch hnswlib imagededup cleanvision ImageHash; fastdup
needs one of its own (`--fastdup-python`), since it pins old versions of what others use.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import tempfile
from pathlib import Path

import near_duplicate_picture_tools
import near_duplicate_pipeline
import near_duplicate_searches

_PARTS = {
    "vectors": near_duplicate_searches,
    "pictures": near_duplicate_picture_tools,
    "pipeline": near_duplicate_pipeline,
}


def main() -> None:
    """Run one part; print its tables and append its figures to a file of JSON lines."""
    options = _options()
    options.folder = options.folder or Path(tempfile.mkdtemp(prefix="isekai-gen-duplicates-"))
    machine = _machine()
    print(json.dumps(machine), flush=True)
    for result in _PARTS[options.part].run(options):
        if options.out:
            with options.out.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps({"part": options.part, "machine": machine, **result}) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(dest="part", required=True)
    for name, module in _PARTS.items():
        part = parts.add_parser(name)
        module.add_options(part)
        part.add_argument("--folder", type=Path, default=None, help="for what is made")
        part.add_argument("--out", type=Path, default=None, help="JSON lines, appended")
    return parser.parse_args()


def _machine() -> dict[str, object]:
    import torch

    return {
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "faiss": _version_of_faiss(),
    }


def _version_of_faiss() -> str:
    if importlib.util.find_spec("faiss") is None:
        return "not installed"
    import faiss

    return f"{faiss.__version__}, {getattr(faiss, 'get_num_gpus', int)()} GPUs"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if "model name" in line), "")


if __name__ == "__main__":
    main()
