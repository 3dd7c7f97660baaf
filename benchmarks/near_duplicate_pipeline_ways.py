"""The parts of a dedupe of picture files, each alone, and the whole command.

`Task.path` is a folder of pictures. Options: encoder=FOLDER, device=cpu.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from near_duplicate_measure import Found, Meter, Task

_NOTHING = np.zeros(0, dtype=np.int64)
_AHEAD = 512
_LIMIT = "0.9999"


def decode(task: Task, meter: Meter) -> Found:
    """Files to RGB pixels by Pillow, a thread for each core; no digests, nothing else."""
    from PIL import Image

    def one(path: Path) -> None:
        with Image.open(path) as opened:
            opened.convert("RGB")

    return _over_files(task, meter, one)


def prepare(task: Task, meter: Meter) -> Found:
    """All that threads do before the encoder: reading, decoding, digests, resizing."""
    from isekai_gen.stages.embed_pictures_decode import decode as decoded

    encoder = _encoder(task)

    def one(path: Path) -> None:
        picture = decoded(path.read_bytes())
        encoder.prepare(picture.image, picture.pixels)

    return _over_files(task, meter, one)


def _over_files(task: Task, meter: Meter, work: Callable[[Path], None]) -> Found:
    paths = sorted(task.path.iterdir())
    cores = len(os.sched_getaffinity(0))
    with meter, ThreadPoolExecutor(cores) as pool:
        waiting = iter(paths)
        # Few at a time: what a picture was made into is dropped with its future.
        while batch := list(islice(waiting, _AHEAD)):
            for _ in pool.map(work, batch):
                pass
    return Found(_NOTHING, _NOTHING, notes={"pictures": len(paths), "threads": cores})


def encode(task: Task, meter: Meter) -> Found:
    """The encoder on pictures that are decoded and prepared already."""
    from PIL import Image

    encoder = _encoder(task)
    paths = sorted(task.path.iterdir())
    ready = []
    for path in paths[: 4 * encoder.batch_rows]:
        with Image.open(path) as opened:
            ready.append(encoder.prepare(opened.convert("RGB")))
    encoder.encode_prepared(ready)
    with meter:
        for start in range(0, len(paths), len(ready)):
            encoder.encode_prepared(ready[: len(paths) - start])
    return Found(_NOTHING, _NOTHING, notes={"pictures": len(paths)})


def _encoder(task: Task) -> Any:
    from isekai_gen.models.encoders import load_encoder
    from isekai_gen.models.spec import Device, EncoderSpec

    spec = EncoderSpec(source=task.options["encoder"], label="random")
    return load_encoder(spec, Device(task.options.get("device", "cpu")))


def command(task: Task, meter: Meter) -> Found:
    """`isekai-gen dedupe --images --tiers semantic`: start of the process to the last file."""
    from near_duplicate_ours import read_edges, run_dedupe

    out = task.folder / "dedupe-pipeline"
    shutil.rmtree(out, ignore_errors=True)
    arguments = ["--images", str(task.path), "--tiers", "semantic"]
    arguments += ["--encoder", task.options["encoder"], "--out", str(out)]
    arguments += ["--devices", task.options.get("device", "cpu")]
    # To random weights, pictures are much alike: of 120 drawn ones, 7 % of the pairs were above
    # 0.92, where the review band begins otherwise, and none above 0.999. With 20,000 that would be
    # 13 million lines of review.jsonl, which no real encoder asks for.
    arguments += ["--max-similarity", _LIMIT, "--review-similarity", _LIMIT]
    with meter:
        summary = run_dedupe(arguments)
    found = Found(*read_edges(out))
    notes = {"pictures": summary["found"], "edges": len(found.first), "phases": summary["seconds"]}
    return replace(found, notes=notes)
