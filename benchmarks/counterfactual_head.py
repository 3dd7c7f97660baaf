"""What a zero-shot head still names, for counterfactual_masks.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from counterfactual_renders import CATEGORIES, Masks, Renders
from PIL import Image

from isekai_gen.counterfactuals.fillers import FillerPool, choose_fillers, fill_seed
from isekai_gen.counterfactuals.masks import PictureGrid, context_mask, patch_numbers
from isekai_gen.counterfactuals.refill import refill
from isekai_gen.embeddings import FloatArray
from isekai_gen.intervals import wilson_interval
from isekai_gen.models.activation import ActivationMapper
from isekai_gen.pixels import RgbPixels

SEED = 20231
_FILLERS = {"none": 0, "single": 1, "multi": 16}
_ON_SHEET = 12


def measure_head(
    mapper: ActivationMapper,
    renders: Renders,
    vectors: FloatArray,
    masks: dict[str, Masks],
    grid: PictureGrid,
) -> list[dict[str, Any]]:
    """How often the head names the concept among all, in each kind of picture."""

    def row(kind: str, mask: str, fill: str, pictures: list[RgbPixels]) -> dict[str, Any]:
        embedded = mapper.encoder.encode_images([Image.fromarray(each) for each in pictures])
        right = int(((embedded @ vectors.T).argmax(axis=1) == renders.own).sum())
        share = wilson_interval(right, len(pictures))
        named = {"named": share.estimate, "low": share.low, "high": share.high}
        return {"kind": kind, "mask": mask, "refill": fill, **named}

    rows = [row("untouched", "-", "-", list(renders.pictures))]
    for mask, found in masks.items():
        for kind, masked in (("object gone", found), ("object kept", context_mask(found))):
            for fill in _FILLERS:
                rows.append(row(kind, mask, fill, refilled(renders, masked, grid, fill)))
    return rows


def print_head(rows: list[dict[str, Any]]) -> None:
    """One line for each kind of picture."""
    print("\nnamed by the zero-shot head among 40 (chance 0.025)")
    for row in rows:
        print(
            f"{row['kind']:12} {row['mask']:16} {row['refill']:7} {row['named']:.3f} "
            f"[{row['low']:.3f}, {row['high']:.3f}]"
        )


def refilled(renders: Renders, masked: Masks, grid: PictureGrid, fill: str) -> list[RgbPixels]:
    """Pictures, as many as masks, with their masked pixels replaced from other categories."""
    patches = patch_numbers(grid)
    return [
        refill(
            renders.pictures[row],
            mask,
            _fillers(renders, row, _FILLERS[fill]),
            patches,
            fill_seed(SEED, renders.ids[row]),
        )
        for row, mask in enumerate(masked)
    ]


def _fillers(renders: Renders, row: int, count: int) -> list[RgbPixels]:
    if not count:
        return []
    by_concept: dict[str, list[str]] = {}
    for image_id, own in zip(renders.ids, renders.own, strict=True):
        by_concept.setdefault(f"c{own}", []).append(image_id)
    groups = len(CATEGORIES) // 2
    counterparts = {f"c{own}": f"c{(own + groups) % (2 * groups)}" for own in range(2 * groups)}
    pool = FillerPool(by_concept, counterparts)
    own = f"c{renders.own[row]}"
    chosen = choose_fillers(pool, renders.ids[row], own, "other", count, SEED)
    place = {image_id: number for number, image_id in enumerate(renders.ids)}
    return [renders.pictures[place[image_id]] for image_id in chosen]


def draw_sheet(
    renders: Renders, maps: FloatArray, found: Masks, grid: PictureGrid, path: Path
) -> None:
    """Each row: a picture, the truth, the map, the mask; the object kept, and gone, 3 refills."""

    def shaded(mask: npt.NDArray[Any]) -> list[RgbPixels]:
        share = 0.2 + 0.8 * mask[:_ON_SHEET, :, :, None].astype(np.float64)
        return list((renders.pictures[:_ON_SHEET] * share).astype(np.uint8))

    side = renders.pictures.shape[1]
    heat = np.repeat(np.repeat(maps, side // maps.shape[1], 1), side // maps.shape[2], 2)
    columns = [list(renders.pictures), shaded(renders.truth), shaded(heat), shaded(found)]
    for masked in (context_mask(found[:_ON_SHEET]), found[:_ON_SHEET]):
        columns += [refilled(renders, masked, grid, fill) for fill in _FILLERS]
    rows = [np.concatenate(row, axis=1) for row in zip(*columns, strict=False)]
    Image.fromarray(np.concatenate(rows)).save(path)
