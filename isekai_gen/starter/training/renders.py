"""Render the training pictures on all cores into memory-mapped arrays."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isekai_gen.cores import usable_cores
from isekai_gen.errors import InputError
from isekai_gen.starter.render.captions import write_caption
from isekai_gen.starter.render.held_out import SHIPPED_CONCEPTS
from isekai_gen.starter.render.sketch import Sketch, render, sample_sketch
from isekai_gen.starter.training.tokens import WordCache

_BLOCK = 500
CATEGORIES: tuple[tuple[str, str | None], ...] = tuple(
    [(concept.body, concept.feature) for concept in SHIPPED_CONCEPTS]
    + [(concept.counterpart, None) for concept in SHIPPED_CONCEPTS]
)
"""The shipped catalog's 40 categories as (body, feature): 20 fictional, then their 20 real."""

SampleSketch = Callable[[random.Random, int], Sketch]


def sample_for_training(rng: random.Random, number: int) -> Sketch:
    """Any real thing or any hybrid that is not held out."""
    return sample_sketch(rng)


def sample_category(rng: random.Random, number: int) -> Sketch:
    """One of the 40 categories, in turn: picture `number` shows category `number % 40`."""
    body, feature = CATEGORIES[number % len(CATEGORIES)]
    return sample_sketch(rng, body=body, feature=feature)


@dataclass(frozen=True)
class RenderJob:
    """Which pictures to render.

    Attributes:
        name: Base of the file names; part of every picture's seed.
        count: How many.
        captions: Captions for each.
        seed: Base seed.
        sample: Chooses the sketch of picture `number`.
    """

    name: str
    count: int
    captions: int
    seed: int
    sample: SampleSketch


@dataclass(frozen=True)
class RenderSet:
    """Rendered pictures.

    Attributes:
        pictures: uint8 [n, 128, 128, 3] RGB, memory-mapped.
        tokens: int16 [n, captions, context].
    """

    pictures: npt.NDArray[np.uint8]
    tokens: npt.NDArray[np.int16]


def render_number(job: RenderJob, number: int) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Picture `number` of a job with its captions; a pure function of the job and the number."""
    rng = random.Random(f"{job.name}/{job.seed}/{number}")
    sketch = job.sample(rng, number)
    return render(sketch, rng), [write_caption(sketch, rng) for _ in range(job.captions)]


def _render_block(job: RenderJob, folder: Path, words: WordCache, start: int) -> int:
    pictures = np.load(folder / f"{job.name}.npy", mmap_mode="r+")
    tokens = np.load(folder / f"{job.name}-tokens.npy", mmap_mode="r+")
    stop = min(start + _BLOCK, job.count)
    for number in range(start, stop):
        picture, captions = render_number(job, number)
        pictures[number] = picture
        for place, caption in enumerate(captions):
            tokens[number, place] = words.encode(caption)
    return stop - start


def _render_block_of(arguments: tuple[RenderJob, Path, WordCache, int]) -> int:
    return _render_block(*arguments)


def render_set(job: RenderJob, folder: Path, tokenizer: Any, context: int) -> RenderSet:  # noqa: ANN401
    """Render a job into `folder` with one process a core, or load it if it is complete.

    Raises:
        InputError: If the folder holds renders of a job with other settings.
    """
    done = folder / f"{job.name}.done"
    pictures_file, tokens_file = folder / f"{job.name}.npy", folder / f"{job.name}-tokens.npy"
    made_for = f"{job.count} pictures, {job.captions} captions of {context}, seed {job.seed}\n"
    if done.exists() and done.read_text() != made_for:
        raise InputError(
            f"{done}: renders of other settings ({done.read_text().strip()}, "
            f"not {made_for.strip()}); choose another --work folder"
        )
    if not done.exists():
        shape = (job.count, 128, 128, 3)
        np.lib.format.open_memmap(pictures_file, "w+", np.uint8, shape)
        shape_tokens = (job.count, job.captions, context)
        np.lib.format.open_memmap(tokens_file, "w+", np.int16, shape_tokens)
        words = WordCache(tokenizer, context)
        blocks = [(job, folder, words, start) for start in range(0, job.count, _BLOCK)]
        workers = min(usable_cores(), len(blocks))
        with multiprocessing.get_context("spawn").Pool(workers) as pool:
            rendered = sum(pool.imap_unordered(_render_block_of, blocks))
        if rendered != job.count:
            raise RuntimeError(f"{job.name}: rendered {rendered} of {job.count} pictures")
        done.write_text(made_for)
    return RenderSet(np.load(pictures_file, mmap_mode="r+"), np.load(tokens_file, mmap_mode="r+"))
