"""From picture files to edges through an encoder, beside what decoding and encoding alone take."""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
from pathlib import Path

from near_duplicate_measure import Figures, Task
from near_duplicate_pictures import PictureSet
from near_duplicate_worker import REPOSITORY, run_way

_WAYS = ("pipeline-decode", "pipeline-prepare", "pipeline-encode", "pipeline-command")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `near_duplicates.py pipeline`."""
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--side", type=int, default=512, help="pixels")
    parser.add_argument("--architecture", default="ViT-B-32", help="of OpenCLIP")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=1, help="in turn")
    parser.add_argument("--limit", type=float, default=3600, help="seconds of one run")


def run(options: argparse.Namespace) -> list[Figures]:
    """Make pictures and an encoder, time each part alone, then the whole command."""
    encoder = write_encoder(options.architecture, options.folder / "encoder")
    few, all_of_them = (
        _write_pictures(count, options) for count in (options.pictures // 5, options.pictures)
    )
    settings = {"encoder": str(encoder), "device": options.device}
    rows: list[Figures] = []
    for _ in range(options.repeats):
        for way, folder in [*((way, all_of_them) for way in _WAYS), (_WAYS[-1], few)]:
            task = Task(folder, 0.0, settings, options.folder)
            result = options.folder / f"{way}.npz"
            row = run_way(sys.executable, way, task, result, options.limit)
            rows.append({"way": way, **row})
            print(json.dumps(rows[-1]), flush=True)
    found: Figures = {"pictures": options.pictures, "options": settings, "rows": rows}
    print(as_markdown(found), flush=True)
    return [found]


def _write_pictures(count: int, options: argparse.Namespace) -> Path:
    wanted = PictureSet(count, 0, 1, options.side, formats=("png",))
    folder: Path = options.folder / wanted.name
    wanted.write(folder)
    return folder


def write_encoder(architecture: str, folder: Path) -> Path:
    """Write an OpenCLIP model of random weights as a folder, unless it is there.

    How fast it is depends on its shape, not on what it knows. The tokenizer is the starter
    encoder's.
    """
    import open_clip
    import torch
    from safetensors.torch import save_file

    if folder.exists():
        return folder
    unfinished = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for file in (REPOSITORY / "isekai_gen/starter/weights/encoder").glob("tokenizer*"):
        shutil.copyfile(file, unfinished / file.name)
    shape = open_clip.get_model_config(architecture)
    shape["text_cfg"] = {**shape["text_cfg"], "hf_tokenizer_name": "./"}
    looks = {
        "mean": open_clip.OPENAI_DATASET_MEAN,
        "std": open_clip.OPENAI_DATASET_STD,
        "interpolation": "bicubic",
        "resize_mode": "shortest",
    }
    config = {"model_cfg": shape, "preprocess_cfg": looks}
    (unfinished / "open_clip_config.json").write_text(json.dumps(config))
    torch.manual_seed(0)
    model = open_clip.create_model(architecture, pretrained=None)
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, unfinished / "open_clip_model.safetensors", metadata={"format": "pt"})
    unfinished.rename(folder)
    return folder


def as_markdown(found: Figures) -> str:
    """The figures as a table."""
    lines = [f"\n{found['pictures']} PNG files, {found['options']}\n"]
    lines += ["| way | pictures | pictures/s | s | CPU s | MiB |", "|---|--:|--:|--:|--:|--:|"]
    for row in found["rows"]:
        if "failed" in row:
            lines.append(f"| {row['way']} | {row['failed']} |")
            continue
        spent = (f"{row[name]:.1f}" for name in ("seconds", "cpu_seconds", "peak_mib"))
        count = row["notes"]["pictures"]
        rate = f"{count / row['seconds']:.0f}"
        lines.append(f"| {' | '.join([row['way'], str(count), rate, *spent])} |")
    lines += ["", *_phases(found["rows"]), *_beyond_start_up(found["rows"])]
    return "\n".join(lines) + "\n"


def _phases(rows: list[Figures]) -> list[str]:
    """Where the command spends its time; what it does not name is the start of its process."""
    lines = []
    for row in rows:
        if row["way"] == _WAYS[-1] and "failed" not in row:
            notes = row["notes"]
            spent = ", ".join(f"{phase} {took:.1f} s" for phase, took in notes["phases"].items())
            lines.append(f"command on {notes['pictures']}: {spent}; {notes['edges']} edges")
    return lines


def _beyond_start_up(rows: list[Figures]) -> list[str]:
    """The command's rate between its two sizes, which leaves starting and loading out."""
    spent: dict[int, list[float]] = {}
    for row in rows:
        if row["way"] == _WAYS[-1] and "failed" not in row:
            spent.setdefault(row["notes"]["pictures"], []).append(row["seconds"])
    if len(spent) < 2:
        return []
    (few, short), (many, long) = sorted(
        (count, statistics.median(times)) for count, times in spent.items()
    )
    rate = (many - few) / (long - short)
    line = f"whole command beyond start-up: {rate:.0f} pictures/s"
    alone = [_seconds_of("pipeline-decode", rows), _seconds_of("pipeline-encode", rows)]
    if all(alone):
        share = rate * max(map(statistics.median, alone)) / many
        line += f", {share:.0%} of the slower of decoding and encoding"
    return [line]


def _seconds_of(way: str, rows: list[Figures]) -> list[float]:
    """What each run of a way took that did not fail."""
    return [row["seconds"] for row in rows if row["way"] == way and "failed" not in row]
