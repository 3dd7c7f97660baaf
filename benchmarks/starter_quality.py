"""Measure the starter models as they are shipped.

    python benchmarks/starter_quality.py OUT.json

Needs `isekai-gen[training]`; about ten minutes on two cores. Measures, on the CPU:

* the share of images, drawn by `isekai-gen generate` for the shipped catalog (40 concepts x 32),
  that the judge takes for their concept. The judge (benchmarks/starter/judge.safetensors) was
  trained on renders only and is not one of the shipped models;
* zero-shot accuracy of the starter encoder among the 40 concepts, on fresh renders;
* how well similarity of the starter encoder separates planted near-duplicates (JPEG, resize,
  small crop, brightness, blur, flip) from other pictures of the same concept (area under the
  curve), for renders and for generated images;
* seconds for one image on one core.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from safetensors.torch import load_file

from isekai_gen.models.encoder_protocols import TextEncoder
from isekai_gen.models.encoders import load_encoder
from isekai_gen.models.identity import identify_generator
from isekai_gen.models.loading import load_generator
from isekai_gen.models.spec import (
    Device,
    DrawRequest,
    DrawSettings,
    EncoderSpec,
    GeneratorSpec,
    starter_folder,
)
from isekai_gen.prompts import shipped_catalog_path
from isekai_gen.prompts.catalog import Catalog, load_catalog
from isekai_gen.stages.embed import own_prompts
from isekai_gen.starter.render.sketch import render, sample_sketch
from isekai_gen.starter.training.judge import Judge, judged_categories
from isekai_gen.starter.training.renders import CATEGORIES

_JUDGE = Path(__file__).parent / "starter" / "judge.safetensors"
_PER_CONCEPT = 32
Picture = Image.Image


def _as_jpeg(picture: Picture, rng: random.Random) -> Picture:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=rng.randint(35, 75))
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def _resized(picture: Picture, rng: random.Random) -> Picture:
    side = rng.randint(64, 96)
    return picture.resize((side, side), Image.Resampling.BICUBIC)


def _cropped(picture: Picture, rng: random.Random) -> Picture:
    width, height = picture.size
    cut = rng.uniform(0.02, 0.08)
    left, top = rng.uniform(0, cut) * width, rng.uniform(0, cut) * height
    box = (left, top, left + width * (1 - cut), top + height * (1 - cut))
    return picture.resize(picture.size, Image.Resampling.BICUBIC, box=box)


def _brightened(picture: Picture, rng: random.Random) -> Picture:
    return ImageEnhance.Brightness(picture).enhance(rng.choice([0.8, 0.85, 1.15, 1.2]))


def _blurred(picture: Picture, rng: random.Random) -> Picture:
    return picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.7, 1.3)))


def _flipped(picture: Picture, rng: random.Random) -> Picture:
    return ImageOps.mirror(picture)


COPIES: dict[str, Callable[[Picture, random.Random], Picture]] = {
    "jpeg": _as_jpeg,
    "resize": _resized,
    "crop": _cropped,
    "brightness": _brightened,
    "blur": _blurred,
    "flip": _flipped,
}


def category_of(catalog: Catalog) -> dict[str, int]:
    """Concept slug to its number among the judge's 40 categories."""
    number = {(feature is not None, body): i for i, (body, feature) in enumerate(CATEGORIES)}
    found = {}
    for group in catalog.groups:
        body = group.fictional.short.partition(" with ")[0]
        found[group.fictional.slug] = number[True, body]
        found[group.real.slug] = number[False, group.real.name]
    return found


def draw_with_cli(folder: Path) -> dict[str, list[Picture]]:
    """What a user gets: 32 images of each shipped concept, by concept slug."""
    command = [sys.executable, "-m", "isekai_gen", "generate", "-w", str(folder), "--concepts",
               str(shipped_catalog_path()), "--images-per-concept", str(_PER_CONCEPT)]  # fmt: skip
    subprocess.run(command, check=True)
    return {
        path.name: [Image.open(file).convert("RGB") for file in sorted(path.glob("*.png"))]
        for path in sorted((folder / "images").iterdir())
    }


def judge_images(images: dict[str, list[Picture]], catalog: Catalog) -> dict[str, Any]:
    """Shares in [0, 1] that the judge takes for their concept: fictional, real, each concept."""
    judge = Judge().eval()
    judge.load_state_dict(
        {name: t.float() if t.is_floating_point() else t for name, t in load_file(_JUDGE).items()}
    )
    numbers = category_of(catalog)
    shares = {}
    for slug, pictures in images.items():
        stack = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures]))
        right = judged_categories(judge, stack) == numbers[slug]
        shares[slug] = round(float(right.float().mean()), 4)
    kinds = {c.slug: c.kind for c in catalog.concepts}
    return {
        kind: round(float(np.mean([s for slug, s in shares.items() if kinds[slug] == kind])), 4)
        for kind in ("fictional", "real")
    } | {"images": sum(map(len, images.values())), "by_concept": shares}


def fresh_renders(catalog: Catalog) -> dict[str, list[Picture]]:
    """32 renders of each concept that no training saw, by concept slug."""
    renders = {}
    for slug, number in category_of(catalog).items():
        body, feature = CATEGORIES[number]
        rng = random.Random(f"starter quality/{slug}")
        sketches = [sample_sketch(rng, body=body, feature=feature) for _ in range(_PER_CONCEPT)]
        renders[slug] = [Image.fromarray(render(sketch, rng)) for sketch in sketches]
    return renders


def zero_shot_accuracy(
    encoder: TextEncoder, images: dict[str, list[Picture]], catalog: Catalog
) -> float:
    """Share of images whose nearest concept text, among the catalog's, is their own."""
    texts = {
        concept.slug: encoder.encode_texts(own_prompts(concept, for_starter=True)).mean(0)
        for concept in catalog.concepts
    }
    slugs = list(texts)
    table = np.stack([texts[slug] / np.linalg.norm(texts[slug]) for slug in slugs])
    right = [
        np.argmax(encoder.encode_images(pictures) @ table.T, axis=1) == slugs.index(slug)
        for slug, pictures in images.items()
    ]
    return round(float(np.concatenate(right).mean()), 4)


def area_under_curve(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Chance that a random positive lies above a random negative (Mann-Whitney)."""
    ordered = np.sort(np.asarray(negative))
    below = np.searchsorted(ordered, positive, side="left")
    upto = np.searchsorted(ordered, positive, side="right")
    return float((below + upto).mean() / 2 / len(ordered))


def separate_copies(encoder: TextEncoder, images: dict[str, list[Picture]]) -> dict[str, Any]:
    """How similarity separates near-duplicates from other images of the same concept."""
    rng = random.Random("planted near-duplicates")
    copies: dict[str, list[float]] = {name: [] for name in COPIES}
    others: list[float] = []
    for pictures in images.values():
        own = encoder.encode_images(pictures)
        for name, change in COPIES.items():
            changed = encoder.encode_images([change(picture, rng) for picture in pictures])
            copies[name] += [float(value) for value in (own * changed).sum(1)]
        pairs = own @ own.T
        others += [float(value) for value in pairs[np.triu_indices(len(pictures), 1)]]
    every = [value for values in copies.values() for value in values]
    limits = (0.85, 0.9, 0.92, 0.95, 0.97)
    return {
        "auc": round(area_under_curve(every, others), 4),
        "auc_by_change": {n: round(area_under_curve(v, others), 4) for n, v in copies.items()},
        "copies": len(every),
        "other_pairs": len(others),
        "share_above": {
            str(limit): {
                "copies": round(float(np.mean(np.asarray(every) > limit)), 4),
                "other_pairs": round(float(np.mean(np.asarray(others) > limit)), 6),
            }
            for limit in limits
        },
    }


def seconds_per_image() -> dict[str, float]:
    """Wall seconds of one image on one core, default steps and guidance, one image a batch."""
    spec = GeneratorSpec(str(starter_folder("image-generator")), "starter")
    identity = identify_generator(spec)
    generator = load_generator(spec, Device("cpu"))
    settings = DrawSettings(
        *identity.default_size, identity.default_steps, identity.default_guidance, 1
    )
    times = []
    for seed in range(9):
        started = time.perf_counter()
        generator.draw([DrawRequest(0, "a hedgehog with cactus spines", "", seed)], settings)
        times.append(time.perf_counter() - started)
    return {"median": round(float(np.median(times[1:])), 3), "steps": identity.default_steps}


def main() -> None:
    """Measure everything and write it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    catalog = load_catalog(shipped_catalog_path())
    measured: dict[str, Any] = {"seconds_per_image_one_core": seconds_per_image()}
    with tempfile.TemporaryDirectory() as folder:
        images = draw_with_cli(Path(folder) / "workspace")
    measured["judge"] = judge_images(images, catalog)
    encoder = load_encoder(EncoderSpec(str(starter_folder("encoder")), "starter"), Device("cpu"))
    renders = fresh_renders(catalog)
    measured["zero_shot_top1"] = {
        "fresh renders": zero_shot_accuracy(encoder, renders, catalog),
        "generated images": zero_shot_accuracy(encoder, images, catalog),
    }
    measured["near_duplicates"] = {
        "fresh renders": separate_copies(encoder, renders),
        "generated images": separate_copies(encoder, images),
    }
    options.out.write_text(json.dumps(measured, indent=1) + "\n")
    print(json.dumps({k: v for k, v in measured.items() if k != "judge"}, indent=1))
    print({k: v for k, v in measured["judge"].items() if k != "by_concept"})


if __name__ == "__main__":
    main()
