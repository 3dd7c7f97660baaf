"""Draw one shard in a worker process: pictures first, then their records, the marker last.

A picture is committed by its record. After a kill the next run finds pictures without a record
(drawn again, to the same bytes), a torn last record (cut off), or a shard without a marker (its
recorded pictures are checked, the rest is drawn): every file ends up as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from isekai_gen.errors import ChecksumError
from isekai_gen.executors import Control, ShardResult, WorkOnShard
from isekai_gen.hashing import file_sha256, pixel_sha256
from isekai_gen.models.spec import (
    Device,
    DrawnImage,
    DrawRequest,
    DrawSettings,
    GeneratorSpec,
    ImageGenerator,
)
from isekai_gen.records import ImageRecord, PlannedImage, Provenance
from isekai_gen.shards import (
    DoneMarker,
    append_records,
    read_records,
    repair_tail,
    write_marker,
    write_records,
)
from isekai_gen.stages.drawn import STAGE
from isekai_gen.stages.fingerprints import fingerprint_of
from isekai_gen.stages.packing import pack_micro_batches
from isekai_gen.stages.pictures import png_bytes
from isekai_gen.stages.plan_files import archived_records, read_plan_part
from isekai_gen.workspace import Workspace, write_atomically


@dataclass(frozen=True)
class DrawWorker:
    """Draws shards of one workspace; picklable.

    Attributes:
        root: The workspace.
        spec: Which generator to load.
        draw: How it draws.
        provenance: What records say of it.
        prompt_in_image: Whether files carry their prompts.
    """

    root: Path
    spec: GeneratorSpec
    draw: DrawSettings
    provenance: Provenance
    prompt_in_image: bool

    def setup(self, device_name: str) -> WorkOnShard:
        """Get ready; the generator is loaded when a shard first needs it."""
        workspace = Workspace(self.root)
        return _ShardDrawer(self, workspace, device_name, archived_records(workspace)).work_on


def shard_fingerprint(provenance: Provenance, plan_digest: str) -> str:
    """Fingerprint of a drawn shard: how it was drawn, and the plan part it fulfills."""
    return fingerprint_of(provenance.__dict__, plan_digest)


def is_intact(workspace: Workspace, record: ImageRecord) -> bool:
    """Whether a generated image's file is there with the recorded bytes."""
    path = workspace.image(record.concept, record.image_id)
    return path.is_file() and file_sha256(path) == record.file_sha256


@dataclass
class _ShardDrawer:
    worker: DrawWorker
    workspace: Workspace
    device_name: str
    adoptable: dict[str, ImageRecord]
    generator: ImageGenerator | None = None
    messages: list[str] = field(default_factory=list)

    def work_on(self, part: int, control: Control) -> ShardResult:
        """Bring a shard to its end; see the module's docstring."""
        self.messages = []
        planned = read_plan_part(self.workspace, part)
        path = self.workspace.part("records", part)
        if repair_tail(path):
            self.messages.append(f"{path}: cut off a torn last line; its image is drawn again")
        recorded = {record.image_id: record for record in read_records(path, ImageRecord)}
        for batch in pack_micro_batches(planned):
            control.check()
            self._restore(batch, recorded)
            missing = [image for image in batch if image.image_id not in recorded]
            if missing:
                new = self._obtain(missing, control)
                control.check()
                append_records(path, new)
                recorded.update((record.image_id, record) for record in new)
            control.advance(len(batch))
        return self._finish(part, planned, recorded, control)

    def _finish(
        self,
        part: int,
        planned: Sequence[PlannedImage],
        recorded: dict[str, ImageRecord],
        control: Control,
    ) -> ShardResult:
        path = self.workspace.part("records", part)
        ordered = [recorded[i.image_id] for batch in pack_micro_batches(planned) for i in batch]
        control.check()
        if read_records(path, ImageRecord) != ordered:
            write_records(path, ordered)  # after a retry, records are put back into their order
        generated = sum(record.generated for record in ordered)
        counts = {
            "planned": len(ordered),
            "generated": generated,
            "failed": len(ordered) - generated,
        }
        plan_digest = file_sha256(self.workspace.part("plan", part))
        fingerprint = shard_fingerprint(self.worker.provenance, plan_digest)
        marker = DoneMarker(STAGE, part, fingerprint, counts, file_sha256(path))
        write_marker(self.workspace, marker)
        return ShardResult(part, counts, tuple(self.messages))

    def _restore(self, batch: Sequence[PlannedImage], recorded: dict[str, ImageRecord]) -> None:
        """Draw recorded images again whose files are missing or damaged, and compare."""
        broken = [
            image
            for image in batch
            if (record := recorded.get(image.image_id)) is not None
            and record.generated
            and not is_intact(self.workspace, record)
        ]
        for image, drawn in zip(broken, self._draw(broken), strict=True):
            record = recorded[image.image_id]
            path = self.workspace.image(image.concept, image.image_id)
            if drawn.pixels is None or pixel_sha256(drawn.pixels) != record.pixel_sha256:
                raise ChecksumError(
                    f"{path} is missing or damaged, and drawing it again gives other pixels than "
                    "its record has; restore it from a backup, or use a new --workspace"
                )
            content = self._encode(drawn, image, record.provenance)
            write_atomically(path, content)
            if not is_intact(self.workspace, record):
                raise ChecksumError(
                    f"{path} was restored to the recorded pixels, but not to the recorded bytes; "
                    "it was written with or without its prompt before: use the same option"
                )
            self.messages.append(f"{path} was missing or damaged: restored, pixels as recorded")

    def _obtain(self, missing: Sequence[PlannedImage], control: Control) -> list[ImageRecord]:
        """Records of images that have none: adopted from an archived plan, or drawn."""
        adopted = {
            image.image_id: replace(old, planned=image)
            for image in missing
            if (old := self.adoptable.get(image.image_id)) is not None
            and is_intact(self.workspace, old)
        }
        to_draw = [image for image in missing if image.image_id not in adopted]
        drawn = {image.row: image for image in self._draw(to_draw)}
        control.check()
        return [
            adopted.get(image.image_id) or self._save(image, drawn[image.row]) for image in missing
        ]

    def _draw(self, images: Sequence[PlannedImage]) -> list[DrawnImage]:
        if not images:
            return []
        if self.generator is None:
            from isekai_gen.models.loading import load_generator

            self.generator = load_generator(self.worker.spec, Device(self.device_name))
        requests = [
            DrawRequest(image.row, image.prompt, image.negative_prompt, image.seed)
            for image in images
        ]
        by_row = {drawn.row: drawn for drawn in self.generator.draw(requests, self.worker.draw)}
        return [by_row[image.row] for image in images]

    def _encode(self, drawn: DrawnImage, image: PlannedImage, provenance: Provenance) -> bytes:
        if drawn.pixels is None:
            raise ValueError(f"image {image.image_id} has no pixels")
        return png_bytes(
            drawn.pixels, image, provenance, prompt_in_image=self.worker.prompt_in_image
        )

    def _save(self, image: PlannedImage, drawn: DrawnImage) -> ImageRecord:
        """Write the picture, unless drawing it failed, and make its record."""
        record = ImageRecord(
            planned=image,
            provenance=self.worker.provenance,
            failure=drawn.failure,
            path="",
            file_sha256="",
            pixel_sha256="",
            safety_flagged=drawn.safety_flagged,
        )
        if drawn.pixels is None:
            return replace(record, failure=drawn.failure or "no picture")
        path = self.workspace.image(image.concept, image.image_id)
        write_atomically(path, self._encode(drawn, image, self.worker.provenance))
        return replace(
            record,
            path=path.relative_to(self.workspace.root).as_posix(),
            file_sha256=file_sha256(path),
            pixel_sha256=pixel_sha256(drawn.pixels),
        )
