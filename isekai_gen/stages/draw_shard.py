"""Draw one shard in a worker process: pictures first, then their records, the marker last.

A picture is committed by its record. After a kill the next run finds pictures without a record
(drawn again, to the same bytes), a torn last record (cut off), or a shard without a marker (its
recorded pictures are checked, the rest is drawn): every file ends up as if nothing had happened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from isekai_gen.executors import Control, ShardResult, WorkOnShard
from isekai_gen.hashing import file_sha256
from isekai_gen.models.spec import Device, DrawSettings, GeneratorSpec, ImageGenerator
from isekai_gen.records import ImageRecord, Provenance
from isekai_gen.shards import (
    DoneMarker,
    read_records,
    repair_tail,
    write_marker,
    write_records,
)
from isekai_gen.stages.draw_flow import Drawer, DrawFlow
from isekai_gen.stages.drawn import STAGE
from isekai_gen.stages.fingerprints import fingerprint_of
from isekai_gen.stages.image_writer import ImageWriter, writer_threads
from isekai_gen.stages.packing import pack_micro_batches
from isekai_gen.stages.pictures import FileStyle
from isekai_gen.stages.plan_files import archived_records, read_plan_part
from isekai_gen.stages.restoring import restore_images
from isekai_gen.stages.shard_hold import hold_shard
from isekai_gen.workspace import Workspace


@dataclass(frozen=True)
class DrawWorker:
    """Draws shards of one workspace; picklable.

    Attributes:
        root: The workspace.
        spec: Which generator to load.
        draw: How it draws.
        provenance: What records say of it.
        style: How image files are written.
    """

    root: Path
    spec: GeneratorSpec
    draw: DrawSettings
    provenance: Provenance
    style: FileStyle

    def setup(self, device_name: str) -> WorkOnShard:
        """Get ready; the generator is loaded when a shard first needs it."""
        return _ShardDrawer(self, Device(device_name)).work_on


def shard_fingerprint(provenance: Provenance, plan_digest: str) -> str:
    """Fingerprint of a drawn shard: how it was drawn, and the plan part it fulfills."""
    return fingerprint_of(provenance.__dict__, plan_digest)


@dataclass
class _ShardDrawer:
    worker: DrawWorker
    device: Device
    workspace: Workspace = field(init=False)
    writer: ImageWriter = field(init=False)
    adoptable: dict[str, ImageRecord] = field(init=False)
    generator: ImageGenerator | None = None

    def __post_init__(self) -> None:
        self.workspace = Workspace(self.worker.root)
        self.adoptable = archived_records(self.workspace)
        threads = ThreadPoolExecutor(writer_threads(self.device), "isekai-gen image writer")
        self.writer = ImageWriter(
            self.workspace, self.worker.provenance, self.worker.style, threads
        )

    def work_on(self, part: int, control: Control) -> ShardResult:
        """Bring a shard to its end; see the module's docstring."""
        with hold_shard(self.workspace.part("plan", part), control.check):
            return self._work_on(part, control)

    def _work_on(self, part: int, control: Control) -> ShardResult:
        messages = []
        planned = read_plan_part(self.workspace, part)
        path = self.workspace.part("records", part)
        if repair_tail(path):
            messages.append(f"{path}: cut off a torn last line; its image is drawn again")
        recorded = {record.image_id: record for record in read_records(path, ImageRecord)}
        drawer = Drawer(self._load, self.worker.draw, control.check)
        # A GPU works on one micro-batch while the one before is encoded; a CPU has nothing to gain.
        flow = DrawFlow(drawer, self.writer, path, control, ahead=self.device.kind != "cpu")
        batches = pack_micro_batches(planned)
        with flow:
            for batch in batches:
                messages += restore_images(batch, recorded, drawer, self.writer)
                missing = [image for image in batch if image.image_id not in recorded]
                flow.add(missing, self.adoptable)
                if len(missing) < len(batch):
                    control.advance(len(batch) - len(missing))
        recorded.update((record.image_id, record) for record in flow.committed)
        ordered = [recorded[image.image_id] for batch in batches for image in batch]
        control.check()
        return self._finish(part, path, ordered, tuple(messages))

    def _load(self) -> ImageGenerator:
        if self.generator is None:
            from isekai_gen.models.loading import load_generator

            self.generator = load_generator(self.worker.spec, self.device)
        return self.generator

    def _finish(
        self, part: int, path: Path, ordered: Sequence[ImageRecord], messages: tuple[str, ...]
    ) -> ShardResult:
        if read_records(path, ImageRecord) != ordered:
            write_records(path, ordered)  # after a retry, records are put back into their order
        by_concept = _count(ordered)
        counts = dict(sum((Counter(count) for count in by_concept.values()), Counter()))
        counts = {key: counts.get(key, 0) for key in ("planned", "generated", "failed")}
        plan_digest = file_sha256(self.workspace.part("plan", part))
        fingerprint = shard_fingerprint(self.worker.provenance, plan_digest)
        marker = DoneMarker(STAGE, part, fingerprint, counts, file_sha256(path), by_concept)
        write_marker(self.workspace, marker)
        return ShardResult(part, counts, messages)


def _count(records: Sequence[ImageRecord]) -> dict[str, dict[str, int]]:
    """Concept slug to planned, generated and failed images of a shard."""
    counts: dict[str, dict[str, int]] = {}
    for record in records:
        count = counts.setdefault(record.concept, {"planned": 0, "generated": 0, "failed": 0})
        count["planned"] += 1
        count["generated" if record.generated else "failed"] += 1
    return counts
