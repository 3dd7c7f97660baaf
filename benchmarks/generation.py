"""Images per second of `isekai-gen generate`, beside plain diffusers, in one run.

    python benchmarks/generation.py --size sd15 --steps 25
    python benchmarks/generation.py --size sd15 --steps 1 --guidance 0
    python benchmarks/generation.py --size sdxl --steps 30 --micro-batch-size 8

Compared, on the same random weights of full size, the same prompts, steps and number format:

* loop        one image after the other with diffusers, saved with Pillow's defaults
* batched     diffusers, a micro-batch at a time, PIL pictures, not saved
* bare        diffusers, a micro-batch at a time, pictures left on the GPU; the networks compiled
              where the row says so
* generate    `isekai-gen generate`: pictures, records and done-markers on the disk

Start-up, loading and compiling are left out of every rate: the first micro-batches of each row
(two of `generate` on each device) only warm up. The rate of `generate` follows from the times of
its files, from there to the last micro-batch but one.
`--repeat` runs the compiled `generate` again with an empty compiler cache and compares the pixels.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from full_size import build

REPOSITORY = Path(__file__).resolve().parent.parent
PROMPT = "a photo of a cactihog, a small round hedgehog with cactus spines, on a wooden table"
NEGATIVE = "blurry, cropped, text, watermark"


def main() -> None:
    """Build the pipeline, time each way, print a table and write it as JSON."""
    options = _options()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    folder = build(options.size, options.folder / "models", device)
    rows: list[dict[str, Any]] = []

    def note(way: str, rate: float, **more: object) -> None:
        rows.append({"way": way, "images_per_second": round(rate, 3), **more})
        print(f"{way:34s} {rate:9.2f} images/s  {more or ''}", flush=True)

    print(_machine(), f"{options.size}, {options.steps} steps, guidance {options.guidance}")
    if "plain" in options.ways:
        _time_plain(folder, options, device, note)
        if device == "cuda":
            torch.cuda.empty_cache()
    for compiled in options.compiled:
        if "generate" in options.ways:
            for number in range(1 + (options.repeat and compiled)):
                _time_generate(folder, options, compiled, number, note)
    if options.repeat and "generate" in options.ways and True in options.compiled:
        first, again = (_pixels(options.folder / _name(True, number)) for number in (0, 1))
        same = sum(again[key] == digest for key, digest in first.items())
        print(f"same pixels with another compiler cache: {same} of {len(first)}")
        rows.append({"way": "repeat", "same": same, "of": len(first)})
    shown = {**vars(options), "folder": "", "out": ""}
    result = {"machine": _machine(), "options": shown, "rows": rows}
    if options.out:
        options.out.write_text(json.dumps(result, indent=1, default=str) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=["tiny", "sd15", "sdxl"], default="sd15")
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--guidance", type=float, default=7.5)
    parser.add_argument("--micro-batch-size", type=int, default=32)
    parser.add_argument("--micro-batches", type=int, default=8, help="timed ones of generate")
    parser.add_argument("--shard-size", type=int, default=1024)
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--devices", default="", help="of generate")
    parser.add_argument("--ways", nargs="+", default=["plain", "generate"])
    parser.add_argument("--compiled", choices=["no", "yes", "both"], default="both")
    parser.add_argument("--repeat", action="store_true")
    parser.add_argument("--folder", type=Path, default=None, help="for models and workspaces")
    parser.add_argument("--out", type=Path, default=None, help="JSON file of the results")
    options = parser.parse_args()
    options.folder = options.folder or Path(tempfile.mkdtemp(prefix="isekai-gen-benchmark-"))
    options.compiled = {"no": [False], "yes": [True], "both": [False, True]}[options.compiled]
    return options


def _machine() -> str:
    import diffusers
    import transformers

    where = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    return (
        f"{where}, torch {torch.__version__}, diffusers {diffusers.__version__}, "
        f"transformers {transformers.__version__}:"
    )


def _dtype(options: argparse.Namespace, device: str) -> torch.dtype:
    auto = "bfloat16" if device == "cuda" else "float32"
    return getattr(torch, auto if options.dtype == "auto" else options.dtype)


def _time_plain(
    folder: Path, options: argparse.Namespace, device: str, note: Callable[..., None]
) -> None:
    from diffusers import AutoPipelineForText2Image

    pipe = AutoPipelineForText2Image.from_pretrained(folder, dtype=_dtype(options, device))
    pipe.to(device)
    pipe.set_progress_bar_config(disable=True)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    batch = options.micro_batch_size

    def draw(count: int, output_type: str) -> Any:
        generators = [torch.Generator("cpu").manual_seed(number) for number in range(count)]
        return pipe(
            prompt=[PROMPT] * count,
            negative_prompt=[NEGATIVE] * count if options.guidance > 1 else None,
            num_inference_steps=options.steps,
            guidance_scale=options.guidance,
            generator=generators,
            output_type=output_type,
        ).images

    def save_one() -> None:
        draw(1, "pil")[0].save(options.folder / "loop.png")

    def bare() -> None:
        draw(batch, "pt")

    if False in options.compiled:
        note("loop", _rate(save_one, 1, 3))
        note("batched, PIL", _rate(lambda: draw(batch, "pil"), batch, 2))
        note("bare", _rate(bare, batch, 3))
    if True in options.compiled:
        # As isekai-gen sets it, so that both find the same compiled kernels.
        torch._inductor.config.deterministic = True
        pipe.unet.compile(dynamic=False)
        pipe.vae.decode = torch.compile(pipe.vae.decode, dynamic=False)
        started = time.monotonic()
        bare()
        note("bare, compiled", _rate(bare, batch, 4), compiling_s=round(time.monotonic() - started))


def _rate(draw: Callable[[], object], images: int, times: int) -> float:
    draw()
    _wait()
    started = time.monotonic()
    for _ in range(times):
        draw()
    _wait()
    return images * times / (time.monotonic() - started)


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _name(compiled: bool, number: int) -> str:
    return f"workspace-{'compiled' if compiled else 'eager'}-{number}"


def _time_generate(
    folder: Path,
    options: argparse.Namespace,
    compiled: bool,
    number: int,
    note: Callable[..., None],
) -> None:
    workspace = options.folder / _name(compiled, number)
    warm_up = 2 * options.micro_batch_size * max(1, len(options.devices.split(",")))
    images = warm_up + 2 * (options.micro_batches // 2) * options.micro_batch_size
    command = [sys.executable, "-m", "isekai_gen", *_arguments(folder, options, workspace, images)]
    command += ["--compile"] if compiled else []
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": _python_path()}
    if number:
        environment["TORCHINDUCTOR_CACHE_DIR"] = str(options.folder / f"compiler-cache-{number}")
    started = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr[-3000:]}")
    written = sorted(path.stat().st_mtime for path in workspace.glob("images/*/*.png"))
    # A micro-batch is written while the next one is drawn, but for the last, which has none.
    last = len(written) - options.micro_batch_size * max(1, len(options.devices.split(",")))
    spent = written[last - 1] - written[warm_up - 1]
    way = "generate, compiled" if compiled else "generate"
    note(
        way,
        (last - warm_up) / spent,
        images=len(written),
        whole_command_s=round(time.monotonic() - started, 1),
        said=done.stdout.strip().splitlines()[-1],
    )


def _python_path() -> str:
    return os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]))


def _arguments(
    folder: Path, options: argparse.Namespace, workspace: Path, images: int
) -> Sequence[str]:
    """`generate` of the first two concepts of the shipped catalog, every micro-batch full.

    Unless told otherwise, shards have the size that they have in a plan of a million images.
    """
    shipped = yaml.safe_load(
        (REPOSITORY / "isekai_gen/prompts/shipped/concepts.yaml").read_text(encoding="utf-8")
    )
    catalog = options.folder / "concepts.yaml"
    catalog.write_text(yaml.safe_dump({**shipped, "groups": shipped["groups"][:1]}))
    arguments = ["generate", "-w", str(workspace), "--concepts", str(catalog)]
    arguments += ["--model", str(folder), "--dtype", options.dtype, "--allow-truncation"]
    arguments += ["--images-per-concept", str(images // 2)]
    arguments += ["--micro-batch-size", str(options.micro_batch_size)]
    arguments += ["--shard-size", str(options.shard_size)]
    arguments += ["--num-inference-steps", str(options.steps)]
    arguments += ["--guidance-scale", f"{options.guidance:g}", "--quiet"]
    return [*arguments, *(["--devices", options.devices] if options.devices else [])]


def _pixels(workspace: Path) -> dict[str, str]:
    """Image id to pixel digest."""
    lines = [
        json.loads(line)
        for part in sorted(workspace.glob("records/part-*.jsonl"))
        for line in part.read_text().splitlines()
    ]
    return {line["planned"]["image_id"]: line["pixel_sha256"] for line in lines}


if __name__ == "__main__":
    main()
