"""A small drawn workspace whose images are judged in this process, with tiny real models."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from isekai_gen.stages import calibrate_copies, embed, generate, looks
from isekai_gen.stages.context import StageContext
from tests.small_jobs import make_context, run_serially, write_job


@contextmanager
def in_this_process():
    """Workers run here, one shard after the other."""
    with pytest.MonkeyPatch.context() as patch:
        for stage in (calibrate_copies, embed, generate, looks):
            patch.setattr(stage, "run_shards", run_serially)
        yield


def draw_workspace(folder: Path, generator: Path, images_per_concept: int) -> Path:
    """Images of four concepts, two shards at least."""
    settings = {"images_per_concept": images_per_concept, "shard_size": 2 * images_per_concept}
    context = make_context(folder / "ws", generator, **settings)
    with in_this_process():
        generate.generate(context, write_job(folder).request)
    return folder / "ws"


def curation_context(root: Path, generator: Path, encoder: Path, **near_duplicate) -> StageContext:
    """A context that embeds with `encoder`."""
    made = make_context(root, generator)
    settings = made.settings.with_overrides(
        {"embed": {"encoder": str(encoder)}, "near_duplicate": near_duplicate}
    )
    return replace(made, settings=settings)
