"""The way of micro-batches through drawing, writing and recording.

On a GPU three of them are under way at once: one is drawn, one is copied and encoded, one is
written; the device never waits for a disk. Records are appended micro-batch after micro-batch in
the order of the plan, each after its pictures are durable.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from isekai_gen.executors import Control, Stopped
from isekai_gen.models.spec import (
    DrawnImage,
    DrawRequest,
    DrawSettings,
    ImageGenerator,
    PendingDraw,
)
from isekai_gen.records import ImageRecord, PlannedImage
from isekai_gen.shards import append_records
from isekai_gen.stages.image_writer import ImageWriter
from isekai_gen.stages.restoring import is_intact

# Micro-batches whose pictures are being written while others are drawn: more would only take
# memory, since the disk then is what is slow.
_MAX_WRITING = 2


@dataclass(frozen=True)
class Drawer:
    """Draws planned images with a generator that is loaded when it is first needed.

    Attributes:
        load: Returns the generator.
        settings: How it draws.
        check: Called between denoising steps.
    """

    load: Callable[[], ImageGenerator]
    settings: DrawSettings
    check: Callable[[], None]

    def start(self, images: Sequence[PlannedImage]) -> PendingDraw:
        """Start drawing images of distinct rows."""
        requests = [
            DrawRequest(image.row, image.prompt, image.negative_prompt, image.seed)
            for image in images
        ]
        return self.load().start(requests, self.settings, self.check)

    def draw(self, images: Sequence[PlannedImage]) -> list[DrawnImage]:
        """Draw images of distinct rows, at least one, and wait for them."""
        return self.start(images).result()


@dataclass(frozen=True)
class _Drawing:
    """A micro-batch on the device: images that have no record, and records of an older plan."""

    images: Sequence[PlannedImage]
    adopted: Mapping[str, ImageRecord]
    pending: PendingDraw | None


@dataclass(frozen=True)
class _Writing:
    """A micro-batch whose pictures are being written."""

    images: Sequence[PlannedImage]
    records: Mapping[str, ImageRecord | Future[ImageRecord]]


@dataclass
class DrawFlow:
    """Micro-batches under way for one shard; leaving it brings them all to their records.

    Attributes:
        drawer: Draws.
        writer: Writes.
        path: The shard's records.
        control: Stops and counts.
        ahead: Whether the next micro-batch is drawn while the one before is written.
        committed: Records written so far.
    """

    drawer: Drawer
    writer: ImageWriter
    path: Path
    control: Control
    ahead: bool
    committed: list[ImageRecord] = field(default_factory=list)
    _drawing: deque[_Drawing] = field(default_factory=deque)
    _writing: deque[_Writing] = field(default_factory=deque)

    def add(self, images: Sequence[PlannedImage], adoptable: Mapping[str, ImageRecord]) -> None:
        """Draw images of distinct rows that have no record; those of an older plan are adopted.

        Args:
            images: One micro-batch, or what is missing of it.
            adoptable: Image id to its record in an archived plan.
        """
        if not images:
            return
        self.control.check()
        adopted = {
            image.image_id: replace(old, planned=image)
            for image in images
            if (old := adoptable.get(image.image_id)) is not None
            and is_intact(self.writer.workspace, old)
        }
        to_draw = [image for image in images if image.image_id not in adopted]
        pending = self.drawer.start(to_draw) if to_draw else None
        self._drawing.append(_Drawing(images, adopted, pending))
        while len(self._drawing) > self.ahead:
            self._write_oldest()
        while len(self._writing) > self.ahead * _MAX_WRITING:
            self.control.check()
            self._commit_oldest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Bring everything to its records; if asked to stop, only what is being written."""
        del error, trace
        if kind is None:
            while self._drawing:
                self._write_oldest()
        if kind is None or issubclass(kind, Stopped):
            while self._writing:
                self._commit_oldest()

    def _write_oldest(self) -> None:
        drawing = self._drawing.popleft()
        records: dict[str, ImageRecord | Future[ImageRecord]] = dict(drawing.adopted)
        if drawing.pending is not None:
            drawn = drawing.pending.result()
            images = [image for image in drawing.images if image.image_id not in drawing.adopted]
            for image, record in zip(images, self.writer.submit(images, drawn), strict=True):
                records[image.image_id] = record
        self._writing.append(_Writing(drawing.images, records))

    def _commit_oldest(self) -> None:
        writing = self._writing.popleft()
        made = [writing.records[image.image_id] for image in writing.images]
        records = [one.result() if isinstance(one, Future) else one for one in made]
        self.writer.make_durable(records)
        append_records(self.path, records)
        self.committed += records
        failed = sum(not record.generated for record in records)
        self.control.advance(len(records), failed)
