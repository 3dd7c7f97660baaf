"""A small workspace of fictional and real images, and folders of pictures to compare it with."""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isekai_gen.models.encoder_files import identify_encoder
from isekai_gen.neighbors.reference import save_reference
from isekai_gen.neighbors.reference_classes import build_reference
from isekai_gen.neighbors.reference_set import ReferenceClass
from isekai_gen.stages import embed, embed_pictures, generate, reference_names
from isekai_gen.stages.drawn import read_drawn
from isekai_gen.stages.embed import encoder_spec
from isekai_gen.workspace import Workspace
from tests.small_jobs import make_context, run_serially

STAGES = (generate, embed, embed_pictures, reference_names)


@contextmanager
def in_this_process():
    """Workers run here: starting processes would take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        for stage in STAGES:
            patch.setattr(stage, "run_shards", run_serially)
        yield


def context_of(root, model, encoder, **sections):
    """A context with the tiny encoder, the classes of `few_classes`, and further settings."""
    context = make_context(root, model, images_per_concept=6, shard_size=10)
    overrides = {"embed": {"encoder": str(encoder)}, "class_overlap": {"reference": "few"}}
    for section, values in sections.items():
        overrides[section] = {**overrides.get(section, {}), **values}
    return replace(context, settings=context.settings.with_overrides(overrides))


def save_few_classes(root: Path, encoder: Path, prototypes: bool = True) -> None:
    """A reference set of twelve random classes, under references/few."""
    digest = identify_encoder(encoder_spec(str(encoder)))
    rng = np.random.default_rng(0)
    classes = [ReferenceClass(f"n{n:08d}", f"class {n}", f"n{n:08d}") for n in range(12)]
    images = {entry.key: rng.normal(size=(4, 32)) for entry in classes} if prototypes else {}
    reference = build_reference("few", digest, classes, rng.normal(size=(12, 32)), images)
    save_reference(Workspace(root).reference("few"), reference)


def pictures_of(root: Path, kind: str) -> dict[str, Path]:
    """Image id to file, of the fictional or the real concepts."""
    real = {"hedgehog", "house"}
    return {
        record.image_id: root / record.path
        for record in read_drawn(Workspace(root))
        if (record.concept in real) == (kind == "real")
    }


def noise_picture(seed: int) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, size=(40, 40, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def resaved(path: Path, form: str = "PNG") -> bytes:
    """The same pixels (JPEG: nearly) in other bytes."""
    buffer = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").save(buffer, form, **({"compress_level": 1} if form == "PNG" else {}))
    return buffer.getvalue()
