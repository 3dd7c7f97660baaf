"""How well do masks from activation maps find the object, where the renderer knows the truth?

    python benchmarks/counterfactual_masks.py [--pictures N] [--sheet OUT.png] [--json OUT.json]

Needs `isekai-gen[training]`; about three minutes on one core. Renders of the shipped catalog's 40
categories that no model was trained on, with the starter encoder. Prints

* mean intersection over union (IoU) of object masks with the true ones, for each way of making
  maps, on the grid and smoothed, at limits from 0.1 to 0.6, beside two controls of exactly the
  same area: random patches, and a disk in the middle of the picture. Renders stand there, so the
  same is measured on pictures cut at a corner, whose objects stand off center. `inside` is the
  share of the mask that lies on the object;
* how often the encoder's zero-shot head still names the concept among 40 when the object is gone,
  and when the object is kept in another context.

Intervals are 95 %, over pictures: of means by the normal approximation, of shares by Wilson.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from counterfactual_head import SEED, draw_sheet, measure_head, print_head
from counterfactual_renders import Masks, Renders, category_texts, draw, grid_of, moved

from isekai_gen.counterfactuals.fillers import fill_seed
from isekai_gen.counterfactuals.masks import (
    DEFAULT_LIMIT,
    MaskShape,
    PictureGrid,
    object_mask,
    random_mask,
)
from isekai_gen.embeddings import FloatArray
from isekai_gen.models.activation import (
    ACTIVATION_METHODS,
    TARGETS,
    ActivationMapper,
    ConceptTexts,
    Target,
    load_activation_mapper,
)
from isekai_gen.models.spec import Device, EncoderSpec, starter_folder

_LIMITS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)


@dataclass(frozen=True)
class Case:
    """Pictures to find objects in, with what is needed for it."""

    name: str
    renders: Renders
    grid: PictureGrid
    mapper: ActivationMapper
    vectors: FloatArray

    def masks(self, maps: FloatArray, limit: float, shape: MaskShape = "smooth") -> Masks:
        """Object masks of all pictures."""
        return np.array([object_mask(each, self.grid, limit, shape) for each in maps])

    def controls(self, found: Masks, shape: MaskShape = "smooth") -> Masks:
        """Random masks of the same areas."""
        pairs = zip(found, self.renders.ids, strict=True)
        return np.array(
            [random_mask(mask, self.grid, shape, fill_seed(SEED, name)) for mask, name in pairs]
        )


def overlaps(found: Masks, truth: Masks) -> npt.NDArray[np.float64]:
    """IoU of each picture's mask with the true one."""
    both = (found & truth).sum(axis=(1, 2))
    either = (found | truth).sum(axis=(1, 2))
    shares: npt.NDArray[np.float64] = both / np.maximum(either, 1)
    return shares


def mean_of(values: npt.NDArray[np.float64]) -> dict[str, float]:
    """A mean with its interval."""
    half = 1.96 * float(values.std(ddof=1)) / len(values) ** 0.5
    mean = float(values.mean())
    return {"mean": mean, "low": mean - half, "high": mean + half}


def middle_disks(found: Masks) -> Masks:
    """Disks in the middle of the picture, each with as many pixels as a mask."""
    side = found.shape[1]
    rows, columns = np.indices(found.shape[1:]) + 0.5
    away = (rows - side / 2) ** 2 + (columns - side / 2) ** 2
    nearest = np.argsort(away, axis=None, kind="stable")
    disks = np.zeros((len(found), side * side), dtype=np.bool_)
    for disk, mask in zip(disks, found, strict=True):
        disk[nearest[: int(mask.sum())]] = True
    return disks.reshape(found.shape)


def measure_masks(case: Case, maps: FloatArray, shape: MaskShape, limit: float) -> dict[str, Any]:
    """IoU of one way of making masks, and of its controls."""
    truth = case.renders.truth
    found = case.masks(maps, limit, shape)
    own = overlaps(found, truth)
    control = overlaps(case.controls(found, shape), truth)
    middle = overlaps(middle_disks(found), truth)
    inside = (found & truth).sum() / max(1, int(found.sum()))
    return {
        "pictures": case.name,
        "shape": shape,
        "limit": limit,
        "area": float(found.mean()),
        "inside": float(inside),
        "iou": mean_of(own),
        "random": mean_of(control),
        "middle": mean_of(middle),
        "above_random": mean_of(own - control),
        "above_middle": mean_of(own - middle),
    }


def measure_case(
    case: Case, targets: Sequence[Target], shapes: Sequence[MaskShape]
) -> list[dict[str, Any]]:
    """Every way of making masks on some pictures."""
    rows = []
    for target in targets:
        for method in ACTIVATION_METHODS:
            texts = ConceptTexts(case.vectors, case.renders.own, target)
            made = case.mapper.maps(case.renders.images(), texts, method)
            how = {"target": target, "method": method, "found": float(made.found.mean())}
            rows += [
                {**how, **measure_masks(case, made.values, shape, limit)}
                for shape in shapes
                for limit in _LIMITS
            ]
    return rows


def print_masks(rows: list[dict[str, Any]]) -> None:
    """One line for each way."""
    print("pictures  target     method              shape  limit area  inside IoU", end="")
    print(" " * 18 + "random middle")
    for row in rows:
        iou = row["iou"]
        print(
            f"{row['pictures']:9} {row['target']:10} {row['method']:19} {row['shape']:6} "
            f"{row['limit']:.1f}   {row['area']:.3f} {row['inside']:.3f}  "
            f"{iou['mean']:.3f} [{iou['low']:.3f}, {iou['high']:.3f}] "
            f"{row['random']['mean']:.3f}  {row['middle']['mean']:.3f}"
        )


def measure_replaced(case: Case, sheet: Path | None) -> list[dict[str, Any]]:
    """What the head names with masks as they are made by default, with true ones and random."""
    method = case.mapper.best_method
    texts = ConceptTexts(case.vectors, case.renders.own)
    maps = case.mapper.maps(case.renders.images(), texts, method).values
    found = case.masks(maps, DEFAULT_LIMIT)
    masks = {
        "true": case.renders.truth,
        **{f"{method} > {limit}": case.masks(maps, limit) for limit in (0.1, 0.2)},
        f"{method} > {DEFAULT_LIMIT}": found,
        "random": case.controls(found),
    }
    if sheet:
        draw_sheet(case.renders, maps, found, case.grid, sheet)
    return measure_head(case.mapper, case.renders, case.vectors, masks, case.grid)


def main(arguments: list[str]) -> None:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=400)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    spec = EncoderSpec(str(starter_folder("encoder")), "starter")
    mapper = load_activation_mapper(spec, Device("cpu"))
    vectors = mapper.encoder.encode_texts(category_texts())
    whole = draw(options.pictures)
    cut = moved(whole)
    cases = [
        Case(name, renders, grid_of(mapper, renders), mapper, vectors)
        for name, renders in (("whole", whole), ("cut", cut))
    ]
    print(f"{options.pictures} renders; the object covers {whole.truth.mean():.3f} of a picture,")
    print(f"{cut.truth.mean():.3f} of one that was cut")
    rows = measure_case(cases[0], TARGETS, ("smooth",))
    rows += measure_case(cases[0], ("contrast",), ("grid",))
    rows += measure_case(cases[1], ("contrast",), ("smooth",))
    print_masks(rows)
    head = measure_replaced(cases[0], options.sheet)
    print_head(head)
    if options.json:
        options.json.write_text(json.dumps({"masks": rows, "head": head}, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
