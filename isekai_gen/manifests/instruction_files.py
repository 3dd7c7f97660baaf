"""Files of instructions on disk: any number of samples in bounded memory, whole or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isekai_gen.errors import ManifestError
from isekai_gen.hashing import canonical_json
from isekai_gen.manifests.instruction_formats import Content, InstructionFormat
from isekai_gen.manifests.instruction_samples import InstructionSample
from isekai_gen.storage import streamed_file


@dataclass
class SampleCounts:
    """What a file holds; each count adds up to `rows`.

    Attributes:
        rows: Samples.
        by_concept: Slug or class key to samples about it.
        by_template: Template to samples worded with it.
    """

    rows: int = 0
    by_concept: Counter[str] = field(default_factory=Counter)
    by_template: Counter[str] = field(default_factory=Counter)

    def add(self, sample: InstructionSample) -> None:
        self.rows += 1
        self.by_concept[sample.concept] += 1
        self.by_template[sample.template] += 1


def write_samples(
    folder: Path,
    made: InstructionFormat,
    content: Content,
    samples: Iterable[InstructionSample],
) -> SampleCounts:
    """Write one file of a format, row by row.

    Args:
        folder: Where; the file is named by the content.
        made: The format.
        content: One that the format has.
        samples: In the order of their keys.

    Raises:
        ManifestError: If there are no samples, two have one key, or a row would break the rules
            of the format. An older file stays as it is.
        StorageError: If the disk is full or read-only.
    """
    counts = SampleCounts()
    path = folder / made.file_name(content)
    with streamed_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for text in _texts(_checked_rows(made, content, samples, counts), made.is_array):
            file.write(text)
        if not counts.rows:
            raise ManifestError(f"{made.name}: there are no {content} to write")
    return counts


def _texts(rows: Iterable[dict[str, Any]], is_array: bool) -> Iterator[str]:
    if not is_array:
        yield from (f"{canonical_json(row)}\n" for row in rows)
        return
    opening = "[\n"
    for row in rows:
        yield opening + canonical_json(row)
        opening = ",\n"
    yield "\n]\n"


def _checked_rows(
    made: InstructionFormat,
    content: Content,
    samples: Iterable[InstructionSample],
    counts: SampleCounts,
) -> Iterator[dict[str, Any]]:
    before = ""
    for sample in samples:
        if sample.key <= before:
            raise ManifestError(
                f"{made.name}: sample {sample.key!r} comes after {before!r}; "
                "keys must differ and ascend"
            )
        before = sample.key
        row = made.row_of[content](sample)
        faults = made.row_faults(row)
        if faults:
            raise ManifestError(
                f"{made.name}: sample {sample.key!r} would break the format: {faults[0]}"
            )
        counts.add(sample)
        yield row
