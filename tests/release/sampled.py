"""Counterfactual samples of the small workspace's kept images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from isekai_gen.hashing import digest_of, pixel_sha256
from isekai_gen.release.building.build import build_release
from isekai_gen.release.building.request import BuildPlan
from isekai_gen.release.counterfactual_samples import ReleasedSample
from isekai_gen.release.layout import Profile
from tests.release.conftest import SmallWorkspace, make_small
from tests.release.mutations import names

PROFILES: tuple[Profile, ...] = ("hub", "files", "webdataset")
ROWS = "counterfactuals/metadata.jsonl"
TABLE = "counterfactuals/test-00000-of-00001.parquet"


def make_samples(
    small: SmallWorkspace, splits: dict[str, str] | None = None
) -> tuple[ReleasedSample, ...]:
    """Two of each kept image: its object alone, and its context with another image's pixels.

    The other image is the next one of the same split.
    """
    records = small.content.kept_records()
    split_of = splits or small.content.splits
    samples = []
    for place, record in enumerate(records):
        later = [*records[place + 1 :], *records[:place]]
        filler = next(
            each.image_id for each in later if split_of[each.image_id] == split_of[record.image_id]
        )
        samples.append(_sample(small.workspace.root, record.image_id, "object", ()))
        samples.append(_sample(small.workspace.root, record.image_id, "context", (filler,)))
    return tuple(samples)


def build_with_samples(root: Path, plan: BuildPlan, **changes: Any) -> Path:
    """A verified release of a small workspace with samples; `changes` are of its content."""
    small = make_small(root / "workspace")
    samples = make_samples(small, changes.get("splits"))
    return build_release(small.request(root / "release", plan, samples=samples, **changes)).folder


def release_each(folders: pytest.TempPathFactory) -> dict[Profile, Path]:
    """Such a release of each profile."""
    return {
        profile: build_with_samples(folders.mktemp(profile), BuildPlan(profile=profile))
        for profile in PROFILES
    }


def loose_samples(folder: Path) -> list[Path]:
    """The pictures of samples that are files of a release, sorted."""
    return [folder / name for name in names(folder) if name.startswith("counterfactuals/images/")]


def _sample(root: Path, source: str, kept: str, fillers: tuple[str, ...]) -> ReleasedSample:
    sample_id = digest_of([source, kept])[:20]
    pixels = np.random.default_rng(int(sample_id[:8], 16)).integers(0, 256, (16, 24, 3), np.uint8)
    path = root / f"counterfactuals/images/{sample_id}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return ReleasedSample(
        id=sample_id,
        source=source,
        label_stands=kept == "object",
        kept=kept,
        method="relevance",
        area_from="",
        limit=0.25,
        mask_rate=0.5,
        refill="single" if fillers else "none",
        filler_source="other" if fillers else "",
        fillers=fillers,
        seed=0,
        pixel_sha256=pixel_sha256(pixels),
        picture=path,
    )
