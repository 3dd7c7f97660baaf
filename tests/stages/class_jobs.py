"""A small dataset with a folder for each class, and a context that embeds in this process."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pytest

from isekai_gen.settings import Settings
from isekai_gen.stages import class_embeddings_encoder
from isekai_gen.stages.context import StageContext
from isekai_gen.workspace import Workspace
from tests.small_jobs import Recorder, run_serially
from tests.stages.picture_jobs import painted, save

WNIDS = ("n01440764", "n01443537", "n01484850", "n01491361", "n01494475")
CLASS_MAP = "".join(f"{wnid} {6 - n} own_{n}\n" for n, wnid in enumerate(WNIDS, start=1))
"""Their ILSVRC ids run backwards: 5 for the first of them."""


@contextmanager
def in_this_process():
    """Workers run here, one shard after the other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(class_embeddings_encoder, "run_shards", run_serially)
        yield


def write_dataset(root: Path, images: int = 3) -> Path:
    """Five classes of ImageNet with a few pictures each, of a class's own look."""
    for row, wnid in enumerate(WNIDS):
        for number in range(images):
            picture = painted(100 * row + number)
            picture.paste(painted(row).resize((32, 48)), (0, 0))
            save(root / "train" / wnid / f"{wnid}_{number}.png", picture)
    return root


def class_context(root: Path, encoder: Path, **neighbors: object) -> StageContext:
    """A context of a folder that need not be a workspace yet."""
    overrides = {"embed": {"encoder": str(encoder)}, "neighbors": neighbors}
    settings = Settings().with_overrides(overrides)
    return StageContext(Workspace(root), settings, Recorder(), devices=("cpu",))
