"""Train the starter models.

    python -m isekai_gen.starter.training OUT --work DIR

Renders, trains (autoencoder, UNet with text encoder, OpenCLIP model, judge), exports to OUT and
writes OUT/training.json. Needs `isekai-gen[training]` and one GPU; 21 minutes on an H200.
Run again with the same --work folder to resume after an interruption.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isekai_gen.starter.training import autoencoder, contrastive, denoiser, evaluate, judge
from isekai_gen.starter.training.clock import StageClock
from isekai_gen.starter.training.export import export_encoder, export_pipeline
from isekai_gen.starter.training.renders import (
    CATEGORIES,
    RenderJob,
    render_set,
    sample_category,
    sample_for_training,
)
from isekai_gen.starter.training.settings import TrainingSettings
from isekai_gen.starter.training.tokens import train_tokenizer

_HELD_BACK = 1_000  # pictures the autoencoder is measured on and never trained on
_SAMPLERS = [
    evaluate.Sampler("DDIMScheduler", 8, guidance) for guidance in (2.0, 3.0, 4.0, 5.0, 6.5, 8.0)
] + [
    evaluate.Sampler("DDIMScheduler", 12, 5.0),
    evaluate.Sampler("DDIMScheduler", 20, 5.0),
    evaluate.Sampler("DDIMScheduler", 6, 5.0),
    evaluate.Sampler("DPMSolverMultistepScheduler", 8, 5.0),
]


class _Card:
    """Collects what the training card says."""

    def __init__(self, settings: TrainingSettings) -> None:
        self.started = time.monotonic()
        self.content: dict[str, Any] = {
            "settings": asdict(settings),
            "hardware": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
            "versions": {"torch": torch.__version__, "python": platform.python_version()},
            "stages": {},
        }

    def stage(self, name: str, **facts: Any) -> None:  # noqa: ANN401 - any JSON value
        """Record a stage's facts with the time at which it ended."""
        facts["ended_at_seconds"] = round(time.monotonic() - self.started, 1)
        self.content["stages"][name] = facts
        print(f"== {name}: {json.dumps(facts)[:300]}", flush=True)  # noqa: T201 - a script's log

    def trained(self, name: str, clock: StageClock, batch: int, **facts: Any) -> None:  # noqa: ANN401
        """Record a training stage."""
        every = max(1, len(clock.losses) // 40)
        self.stage(
            name,
            steps=clock.step,
            samples=clock.step * batch,
            seconds=round(clock.elapsed, 1),
            losses=clock.losses[::every],
            **facts,
        )


def train_starter(settings: TrainingSettings, out: Path, work: Path, device: torch.device) -> None:
    """The whole training; see the module's description."""
    work.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    card = _Card(settings)
    tokenizer = train_tokenizer(settings.vocabulary, settings.context, settings.seed)
    job = RenderJob("train", settings.pictures, settings.captions, settings.seed,
                    sample_for_training)  # fmt: skip
    renders = render_set(job, work, tokenizer, settings.context)
    judge_job = RenderJob("judge", settings.judge_pictures, 1, settings.seed + 1, sample_category)
    judge_renders = render_set(judge_job, work, tokenizer, settings.context)
    card.stage("render", pictures=settings.pictures, captions=settings.captions,
               vocabulary=len(tokenizer))  # fmt: skip
    pictures = torch.from_numpy(renders.pictures).to(device)
    tokens = torch.from_numpy(renders.tokens).to(device)
    held_back = min(_HELD_BACK, len(pictures) // 4)

    vae, clock = autoencoder.train_vae(settings, pictures[held_back:], work)
    psnr = autoencoder.measure_psnr(vae, pictures[:held_back])
    latents = autoencoder.whiten(vae, autoencoder.encode_means(vae, pictures))
    card.trained("autoencoder", clock, settings.vae_batch, psnr_db=round(psnr, 2))

    unet, text_encoder, clock = denoiser.train_denoiser(settings, latents, tokens, tokenizer, work)
    card.trained("denoiser", clock, settings.unet_batch)
    del latents
    export_pipeline(out / "image-generator", vae, unet, text_encoder, tokenizer)

    model, clock = contrastive.train_clip(settings, pictures, tokens, tokenizer, work)
    card.trained("clip", clock, settings.clip_batch)
    export_encoder(out / "encoder", model, tokenizer, settings)
    del pictures, model

    judged = torch.from_numpy(judge_renders.pictures).to(device)
    the_judge, clock = judge.train_judge(settings, judged)
    card.trained("judge", clock, settings.judge_batch)
    _export_judge(the_judge, out / "judge.safetensors")
    _evaluate(settings, out, the_judge, card, device)
    card.content["wall_seconds"] = round(time.monotonic() - card.started, 1)
    (out / "training.json").write_text(json.dumps(card.content, indent=1) + "\n")


def _export_judge(the_judge: judge.Judge, file: Path) -> None:
    from safetensors.torch import save_file

    weights = {name: tensor.cpu().half().contiguous() if tensor.is_floating_point()
               else tensor.cpu() for name, tensor in the_judge.state_dict().items()}  # fmt: skip
    save_file(weights, file)


def _evaluate(
    settings: TrainingSettings, out: Path, the_judge: judge.Judge, card: _Card, device: torch.device
) -> None:
    brief = settings.unet_seconds < 60
    fresh = RenderJob("fresh", len(CATEGORIES) * 4, 1, settings.seed + 2, sample_category)
    from isekai_gen.starter.training.renders import render_number

    order = [n for c in range(len(CATEGORIES)) for n in range(c, fresh.count, len(CATEGORIES))]
    renders = torch.from_numpy(np.stack([render_number(fresh, n)[0] for n in order]))
    card.stage("judge on fresh renders", **evaluate.judge_shares(the_judge, renders))
    pipeline = evaluate.load_exported(out / "image-generator", device.type)
    per_category = 1 if brief else 16
    for sampler in _SAMPLERS[:1] if brief else _SAMPLERS:
        drawn = evaluate.draw_categories(pipeline, sampler, per_category, seed=7)
        name = f"{sampler.scheduler} {sampler.steps} steps guidance {sampler.guidance}"
        card.stage(name, **evaluate.judge_shares(the_judge, drawn))
        if sampler.guidance == 5.0 and sampler.steps == 8:
            _write_sheet(out / f"{sampler.scheduler}.png", drawn, per_category)


def _write_sheet(file: Path, drawn: torch.Tensor, per_category: int) -> None:
    from PIL import Image

    Image.fromarray(evaluate.sheet_of(drawn, per_category, min(6, per_category))).save(file)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, help="folder for weights and training card")
    parser.add_argument("--work", type=Path, required=True, help="folder for renders, checkpoints")
    parser.add_argument("--preset", choices=["full", "smoke", "tiny"], default="full")
    options = parser.parse_args()
    presets = {"full": TrainingSettings, "smoke": TrainingSettings.smoke,
               "tiny": TrainingSettings.tiny}  # fmt: skip
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    train_starter(presets[options.preset](), options.out, options.work, device)


if __name__ == "__main__":
    main()
