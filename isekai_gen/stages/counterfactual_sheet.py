"""A picture to look at: images, each with what was made of it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from isekai_gen.errors import InputError
from isekai_gen.records import ImageRecord
from isekai_gen.stages.counterfactual_read import KeptSample, read_counterfactuals
from isekai_gen.stages.drawn import read_drawn
from isekai_gen.stages.pictures import decode_picture
from isekai_gen.storage import write_atomically
from isekai_gen.workspace import Workspace

_ROWS = 16
_SAMPLES = 12
_SIDE = 128
_GAP = 4


def write_sheet(workspace: Workspace, path: Path) -> None:
    """Write a contact sheet: a row for each of up to 16 images, of concepts in turn.

    First the image, then its kept samples: those with the object kept come before those without.

    Raises:
        InputError: If no sample was kept.
    """
    samples_of: dict[str, list[KeptSample]] = {}
    for sample in read_counterfactuals(workspace):
        samples_of.setdefault(sample.record.recipe.source, []).append(sample)
    if not samples_of:
        raise InputError(f"{path}: no sample was kept, so there is nothing to show")
    there = [record for record in read_drawn(workspace) if record.image_id in samples_of]
    rows = [_row(workspace, image, samples_of[image.image_id]) for image in _of_all(there)]
    step = _SIDE + _GAP
    columns = max(len(row) for row in rows)
    sheet = Image.new("RGB", (columns * step + _GAP, len(rows) * step + _GAP), "white")
    for down, row in enumerate(rows):
        for across, picture in enumerate(row):
            sheet.paste(picture, (across * step + _GAP, down * step + _GAP))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    write_atomically(path, buffer.getvalue())


def _of_all(images: Sequence[ImageRecord]) -> list[ImageRecord]:
    """One image of each concept, in the order of their slugs, evenly chosen if there are many."""
    first = {image.concept: image for image in reversed(images)}
    chosen = [first[slug] for slug in sorted(first)]
    step = max(1, len(chosen) // _ROWS)
    return chosen[::step][:_ROWS]


def _row(
    workspace: Workspace, image: ImageRecord, samples: Sequence[KeptSample]
) -> list[Image.Image]:
    by_factor = sorted(samples, key=lambda sample: not sample.record.label_stands)
    files = [workspace.root / image.path, *(sample.picture for sample in by_factor[:_SAMPLES])]
    return [_shown(file) for file in files]


def _shown(file: Path) -> Image.Image:
    picture = decode_picture(file.read_bytes(), file.suffix)
    picture.thumbnail((_SIDE, _SIDE))
    return picture
