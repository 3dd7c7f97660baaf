"""A picture to look at: images, each with what was made of it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from isekai_gen.errors import ChecksumError, InputError
from isekai_gen.records import ImageRecord
from isekai_gen.stages.counterfactual_pictures import open_sample, require_pictures
from isekai_gen.stages.counterfactual_read import KeptSample, read_counterfactuals
from isekai_gen.stages.drawn import read_drawn
from isekai_gen.stages.embed_shard import open_recorded
from isekai_gen.stages.report_images import evenly_spaced
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
        ChecksumError: If a picture to show is not what was recorded.
    """
    samples_of: dict[str, list[KeptSample]] = {}
    for sample in read_counterfactuals(workspace):
        samples_of.setdefault(sample.record.recipe.source, []).append(sample)
    if not samples_of:
        raise InputError(f"{path}: no sample was kept, so there is nothing to show")
    there = [record for record in read_drawn(workspace) if record.image_id in samples_of]
    rows = [
        _row(workspace, image, samples_of[image.image_id]) for image in one_of_each_concept(there)
    ]
    step = _SIDE + _GAP
    columns = max(len(row) for row in rows)
    sheet = Image.new("RGB", (columns * step + _GAP, len(rows) * step + _GAP), "white")
    for down, row in enumerate(rows):
        for across, picture in enumerate(row):
            sheet.paste(picture, (across * step + _GAP, down * step + _GAP))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    write_atomically(path, buffer.getvalue())


def one_of_each_concept(images: Sequence[ImageRecord]) -> list[ImageRecord]:
    """The first image of each concept by slug; of 16 concepts evenly chosen if there are more."""
    first = {image.concept: image for image in reversed(images)}
    chosen = [first[slug] for slug in sorted(first)]
    return [chosen[place] for place in evenly_spaced(len(chosen), _ROWS)]


def _row(
    workspace: Workspace, image: ImageRecord, samples: Sequence[KeptSample]
) -> list[Image.Image]:
    by_factor = sorted(samples, key=lambda sample: not sample.record.label_stands)
    shown = [sample.record for sample in by_factor[:_SAMPLES]]
    require_pictures(workspace, shown)
    source, why = open_recorded(workspace, image)
    if source is None:
        raise ChecksumError(f"{workspace.root / image.path}: {why}")
    pictures = [source, *(open_sample(workspace, each)[0] for each in shown)]
    return [_small(picture) for picture in pictures if picture is not None]


def _small(picture: Image.Image) -> Image.Image:
    picture.thumbnail((_SIDE, _SIDE))
    return picture
