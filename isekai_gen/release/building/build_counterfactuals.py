"""The counterfactual samples of a release: counterfactuals/, in Parquet for hubs, else loose."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from isekai_gen.errors import ChecksumError, ReleaseError
from isekai_gen.hashing import pixel_sha256
from isekai_gen.release.building.draft import ReleaseDraft
from isekai_gen.release.building.request import BuildRequest
from isekai_gen.release.containers.parquet_images import IMAGE_COLUMN, picture
from isekai_gen.release.containers.parquet_rows import ParquetRows
from isekai_gen.release.counterfactual_columns import (
    COUNTERFACTUAL_COLUMNS,
    COUNTERFACTUALS_TABLE_COLUMNS,
)
from isekai_gen.release.counterfactual_samples import (
    ReleasedSample,
    SampleFile,
    count_samples,
    sample_file_name,
    sample_path,
    sample_row,
)
from isekai_gen.release.facts import SampleFacts, TableConfig
from isekai_gen.release.images import ReleasedImage
from isekai_gen.release.layout import (
    COUNTERFACTUAL_IMAGES,
    COUNTERFACTUALS_FILE,
    COUNTERFACTUALS_FOLDER,
    parquet_name,
)

_DESCRIPTION = "Released images with their object, or all but the object, replaced."
_BROKEN = (
    "delete what is left of it and run `isekai-gen counterfactuals` to make it again, or give "
    "--no-counterfactuals"
)
Row = dict[str, Any]


def write_samples(
    request: BuildRequest, draft: ReleaseDraft, images: Sequence[ReleasedImage]
) -> SampleFacts | None:
    """Write the samples in the order of their sources (tables: split by split); None without any.

    Args:
        request: What is built.
        draft: Takes the files.
        images: In release order.

    Raises:
        ReleaseError: If a sample is not of released images of one split, or cannot be marked.
        ChecksumError: If a picture is not what its record says.
        StorageError: If the disk is full or read-only.
    """
    samples = request.content.samples
    if not samples:
        return None
    writer = _SampleWriter(request, draft, {image.record.image_id: image for image in images})
    place = {image.record.image_id: number for number, image in enumerate(images)}
    if unknown := [each.id for each in samples if each.source not in place]:
        raise ReleaseError(f"sample {unknown[0]} is of an image that is not released")
    ordered = sorted(samples, key=lambda each: (place[each.source], each.id))
    hub = request.plan.profile == "hub"
    files = writer.write_tables(ordered) if hub else writer.write_loose(ordered)
    draft.write_lines(COUNTERFACTUALS_FILE, writer.rows)
    config = TableConfig(
        name=COUNTERFACTUALS_FOLDER,
        description=_DESCRIPTION,
        files=files,
        rows=Counter(row["split"] for row in writer.rows),
        columns=COUNTERFACTUALS_TABLE_COLUMNS if hub else COUNTERFACTUAL_COLUMNS,
        format="parquet" if hub else "imagefolder",
    )
    return SampleFacts(config, count_samples(writer.rows), ordered)


class _SampleWriter:
    """Writes pictures, and gathers their rows.

    Attributes:
        rows: Of metadata.jsonl, in the order of writing.
    """

    def __init__(
        self, request: BuildRequest, draft: ReleaseDraft, images: Mapping[str, ReleasedImage]
    ) -> None:
        self._request = request
        self._draft = draft
        self._images = images
        self.rows: list[Row] = []

    def write_loose(self, samples: Sequence[ReleasedSample]) -> dict[str, list[str]]:
        """Write each picture as a file; returns the patterns of each split."""
        for sample in samples:
            row, content = self._read(sample)
            self._draft.write(sample_path(row["file_name"]), content)
        splits = dict.fromkeys(row["split"] for row in self.rows)
        return {
            split: [COUNTERFACTUALS_FILE, f"{COUNTERFACTUAL_IMAGES}*/*.png"] for split in splits
        }

    def write_tables(self, samples: Sequence[ReleasedSample]) -> dict[str, list[str]]:
        """Write Parquet files; returns those of each split."""
        labels = [concept.slug for concept in self._request.content.concepts]
        by_split: dict[str, list[ReleasedSample]] = {}
        for sample in samples:
            by_split.setdefault(self._images[sample.source].split, []).append(sample)
        files: dict[str, list[str]] = {}
        for split, of_split in by_split.items():
            parts = list(_parts(of_split, self._request.plan.max_shard_bytes))
            for number, part in enumerate(parts):
                name = parquet_name(COUNTERFACTUALS_FOLDER, split, number, len(parts))
                # Closed also after an error: a table must not outlive its file.
                with (
                    self._draft.stream(name) as file,
                    closing(ParquetRows(file, COUNTERFACTUALS_TABLE_COLUMNS, labels)) as table,
                ):
                    for sample in part:
                        row, content = self._read(sample)
                        shown = picture(row["file_name"], content)
                        table.add({**row, IMAGE_COLUMN.name: shown}, len(content))
                files.setdefault(split, []).append(name)
        return files

    def _read(self, sample: ReleasedSample) -> tuple[Row, bytes]:
        source = self._images[sample.source]
        splits = {
            self._images[each].split if each in self._images else None
            for each in (sample.source, *sample.fillers)
        }
        if splits != {source.split}:
            raise ReleaseError(f"sample {sample.id} is not of released images of one split")
        content = _read_file(sample)
        width, height = _checked_size(sample, content)
        content = self._marked(sample, content)
        file = SampleFile(width, height, hashlib.sha256(content).hexdigest())
        row = sample_row(sample, source, file)
        self.rows.append(row)
        return row, content

    def _marked(self, sample: ReleasedSample, content: bytes) -> bytes:
        """The bytes that are released; a mark names the generator that drew the source."""
        marker, source = self._request.plan.marker, self._images[sample.source]
        if marker is None:
            return content
        path = sample_path(sample_file_name(source.concept.slug, sample.id))
        return marker.mark(content, replace(source, record=replace(source.record, path=path)))


def _parts(samples: Sequence[ReleasedSample], max_bytes: int) -> Iterator[list[ReleasedSample]]:
    """Consecutive samples with at most `max_bytes` of files (or one sample)."""
    part: list[ReleasedSample] = []
    filled = 0
    for sample in samples:
        size = _size_of(sample)
        if part and filled + size > max_bytes:
            yield part
            part, filled = [], 0
        part.append(sample)
        filled += size
    if part:
        yield part


def _size_of(sample: ReleasedSample) -> int:
    try:
        return sample.picture.stat().st_size
    except OSError as error:
        raise _unreadable(sample, error) from error


def _read_file(sample: ReleasedSample) -> bytes:
    try:
        return sample.picture.read_bytes()
    except OSError as error:
        raise _unreadable(sample, error) from error


def _unreadable(sample: ReleasedSample, error: OSError) -> ChecksumError:
    return ChecksumError(f"{sample.picture} cannot be read ({error.strerror}); {_BROKEN}")


def _checked_size(sample: ReleasedSample, content: bytes) -> tuple[int, int]:
    """Width and height of a picture, which has the pixels recorded."""
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            pixels = np.asarray(image.convert("RGB"))
    # Pillow raises SyntaxError for a broken chunk.
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ChecksumError(f"{sample.picture} is no readable PNG; {_BROKEN}") from error
    if pixel_sha256(pixels) != sample.pixel_sha256:
        raise ChecksumError(f"{sample.picture} has other pixels than recorded; {_BROKEN}")
    height, width = pixels.shape[:2]
    return width, height
