"""Make the starter's reference set of real things from renders.

    python scripts/build_starter_reference.py

Writes isekai_gen/starter/weights/reference: for each of the renderer's real things the embedding
of its name, a prototype of 64 renders, and how similar its own renders are to it. Run it again
whenever the starter's OpenCLIP model changes. Needs `isekai-gen[training]`; about a minute.
"""

from __future__ import annotations

import random
import shutil

import numpy as np
from PIL import Image

from isekai_gen.models.encoders import load_encoder
from isekai_gen.models.spec import Device, Encoder, EncoderSpec, starter_folder
from isekai_gen.neighbors.reference import ReferenceClass, build_reference, save_reference
from isekai_gen.starter.prompts import starter_prompts
from isekai_gen.starter.render.sketch import render, sample_sketch
from isekai_gen.starter.render.things import all_things
from isekai_gen.workspace import slug_of

_RENDERS = 64


def embed_renders(encoder: Encoder, name: str) -> np.ndarray:
    """float32 [64, dim]: renders of a real thing in many colors, places and poses."""
    rng = random.Random(f"starter reference/{name}")
    pictures = [render(sample_sketch(rng, body=name), rng) for _ in range(_RENDERS)]
    return encoder.encode_images([Image.fromarray(picture) for picture in pictures])


def embed_name(encoder: Encoder, name: str) -> np.ndarray:
    """float64 [dim]: mean over phrases with the thing's name in every color."""
    return np.asarray(encoder.encode_texts(starter_prompts(name)).astype(np.float64).mean(axis=0))


def main() -> None:
    """Build and save the set."""
    encoder = load_encoder(EncoderSpec(str(starter_folder("encoder")), "starter"), Device("cpu"))
    names = list(all_things())
    classes = [ReferenceClass(key=slug_of(name), name=name, wnid="") for name in names]
    text = np.stack([embed_name(encoder, name) for name in names])
    images = {slug_of(name): embed_renders(encoder, name) for name in names}
    folder = starter_folder("reference")
    shutil.rmtree(folder, ignore_errors=True)
    save_reference(folder, build_reference("starter-things", encoder.digest, classes, text, images))


if __name__ == "__main__":
    main()
