"""Draw the 40 categories with an exported pipeline and let the judge say what it sees."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isekai_gen.starter.prompts import with_article
from isekai_gen.starter.render.palette import COLORS
from isekai_gen.starter.render.scenes import SCENE_PHRASES
from isekai_gen.starter.render.things import all_things
from isekai_gen.starter.training.judge import Judge, judged_categories
from isekai_gen.starter.training.renders import CATEGORIES


@dataclass(frozen=True)
class Sampler:
    """How pictures are drawn.

    Attributes:
        scheduler: Diffusers class name.
        steps: Denoising steps.
        guidance: Classifier-free guidance scale.
    """

    scheduler: str
    steps: int
    guidance: float


def short_name(category: tuple[str, str | None]) -> str:
    """A category in a few words: "hedgehog with cactus spines"."""
    body, feature = category
    if feature is None:
        return body
    return f"{body} with {all_things()[feature].feature.phrases[0]}"


def write_prompt(category: tuple[str, str | None], rng: random.Random) -> str:
    """A prompt for a category: sometimes with size and color, always with a place."""
    words = []
    if rng.random() < 0.3:
        words.append(rng.choice(("small", "big", "large")))
    if rng.random() < 0.3:
        words.append(rng.choice(list(COLORS)))
    if rng.random() < 0.5:
        place = f" on {with_article(rng.choice(list(COLORS)))} background"
    else:
        place = " " + rng.choice([phrase for many in SCENE_PHRASES.values() for phrase in many])
    return with_article(" ".join([*words, short_name(category)])) + place


def load_exported(folder: Path, device: str) -> Any:  # noqa: ANN401 - diffusers is untyped
    """The exported pipeline in float32."""
    from diffusers import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(
        folder, dtype=torch.float32, use_safetensors=True, local_files_only=True,
        safety_checker=None,
    ).to(device)  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@torch.no_grad()
def draw_categories(
    pipeline: Any,  # noqa: ANN401 - diffusers is untyped
    sampler: Sampler,
    per_category: int,
    seed: int,
) -> torch.Tensor:
    """uint8 [40 * per_category, 128, 128, 3] on the CPU, category by category."""
    import diffusers

    pipeline.scheduler = getattr(diffusers, sampler.scheduler).from_config(
        pipeline.scheduler.config
    )
    rng = random.Random(f"evaluate/{seed}")
    prompts = [write_prompt(c, rng) for c in CATEGORIES for _ in range(per_category)]
    pictures = []
    batch = 256 if pipeline.device.type == "cuda" else 8
    for start in range(0, len(prompts), batch):
        chunk = prompts[start : start + batch]
        noise = [torch.Generator().manual_seed(seed + start + i) for i in range(len(chunk))]
        images = pipeline(
            chunk,
            num_inference_steps=sampler.steps,
            guidance_scale=sampler.guidance,
            generator=noise,
            output_type="np",
        ).images
        pictures.append(torch.from_numpy((np.asarray(images) * 255).round().astype(np.uint8)))
    return torch.cat(pictures)


def judge_shares(judge: Judge, pictures: torch.Tensor) -> dict[str, Any]:
    """Shares of pictures (category by category) that the judge takes for their category.

    Returns:
        "fictional" and "real": shares in [0, 1]; "by_category": name to share.
    """
    device = next(judge.parameters()).device
    count = len(CATEGORIES)
    answers = judged_categories(judge, pictures.to(device)).cpu().view(count, -1)
    right = (answers == torch.arange(count)[:, None]).float().mean(1)
    names = [short_name(category) for category in CATEGORIES]
    return {
        "fictional": round(float(right[: count // 2].mean()), 4),
        "real": round(float(right[count // 2 :].mean()), 4),
        "by_category": {
            name: round(float(share), 3) for name, share in zip(names, right, strict=True)
        },
    }


def sheet_of(pictures: torch.Tensor, per_category: int, columns: int) -> np.ndarray:
    """uint8 picture with a row a category and `columns` of its pictures."""
    side = pictures.shape[1]
    grid = pictures.view(-1, per_category, side, side, 3)[:, :columns]
    return np.asarray(grid.permute(0, 2, 1, 3, 4).reshape(-1, columns * side, 3))
