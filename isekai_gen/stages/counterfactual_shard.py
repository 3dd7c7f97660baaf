"""Make the counterfactual samples of one shard in a worker process.

A sample is committed by its record, after its picture is durable; the shard by its marker, which is
written last. After a kill the next run makes what has no record, to the same bytes.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from isekai_gen.counterfactuals.records import CounterfactualRecord
from isekai_gen.executors import Control, ShardResult, WorkOnShard
from isekai_gen.hashing import file_sha256
from isekai_gen.models.inpainting import Inpainter
from isekai_gen.models.perceptual import PictureHash, PictureHashes
from isekai_gen.models.spec import Device
from isekai_gen.records import PictureLook, Provenance
from isekai_gen.shards import (
    DoneMarker,
    append_records,
    read_records,
    repair_tail,
    write_marker,
    write_records,
)
from isekai_gen.stages.counterfactual_files import (
    STAGE,
    Outcome,
    PlannedSample,
    SampleFailure,
    SampleLine,
    picture_file,
    read_outcomes,
    read_plan,
    samples_workspace,
)
from isekai_gen.stages.counterfactual_maker import SampleMaker
from isekai_gen.stages.counterfactual_making import Making
from isekai_gen.stages.counterfactual_pictures import open_sample
from isekai_gen.stages.drawn import read_drawn_part
from isekai_gen.stages.looks_files import STAGE as LOOKS_STAGE
from isekai_gen.stages.looks_files import write_looks
from isekai_gen.stages.looks_measures import look_at
from isekai_gen.stages.shard_hold import hold_shard
from isekai_gen.storage import sync_folder
from isekai_gen.workspace import Workspace

# Pictures between two commits; maps are made of as many at once on a CPU.
_SOURCES_AT_ONCE = 16


@dataclass(frozen=True)
class SampleWorker:
    """Makes samples of one workspace; picklable.

    Attributes:
        root: The workspace.
        making: What samples have in common.
        fingerprints: Part to the fingerprint its marker gets.
    """

    root: Path
    making: Making
    fingerprints: dict[int, str]

    def setup(self, device_name: str) -> WorkOnShard:
        """Load the encoder; an image generator is loaded when a sample first needs it."""
        from isekai_gen.models.activation import load_activation_mapper

        device, workspace = Device(device_name), Workspace(self.root)
        mapper = load_activation_mapper(self.making.spec, device)
        inpainters = _Inpainters(self.making, device)
        maker = SampleMaker(workspace, self.making, mapper, inpainters.load)
        return _ShardOfSamples(workspace, maker, self.fingerprints).work_on


@dataclass
class _Inpainters:
    """The image generator, loaded once."""

    making: Making
    device: Device
    loaded: Inpainter | None = field(default=None)

    def load(self) -> Inpainter:
        if self.making.inpainting is None:
            raise ValueError("a sample asks for inpainting, and the run does not")
        if self.loaded is None:
            from isekai_gen.models.inpainting import load_inpainter

            self.loaded = load_inpainter(self.making.inpainting.spec, self.device)
        return self.loaded


@dataclass(frozen=True)
class _ShardOfSamples:
    workspace: Workspace
    maker: SampleMaker
    fingerprints: dict[int, str]

    def work_on(self, part: int, control: Control) -> ShardResult:
        """Bring a shard to its end; see the module's docstring."""
        samples = samples_workspace(self.workspace)
        with hold_shard(samples.part("plan", part), control.check):
            planned, path = read_plan(self.workspace, part), samples.part("records", part)
            repair_tail(path)
            done = self._still_good(part)
            provenance = {
                record.image_id: record.provenance
                for record in read_drawn_part(self.workspace, part)
            }
            missing = [sample for sample in planned if sample.sample_id not in done]
            control.advance(len(planned) - len(missing))
            for outcome in self._make(missing, provenance, path, control):
                done[outcome.id] = outcome
            control.check()
            return self._finish(part, path, [done[sample.sample_id] for sample in planned])

    def _still_good(self, part: int) -> dict[str, Outcome]:
        """What need not be done again: samples with whole pictures, and those that cannot be."""
        return {
            outcome.id: outcome
            for outcome in read_outcomes(self.workspace, part)
            if (
                outcome.skipped
                if isinstance(outcome, SampleFailure)
                else open_sample(self.workspace, outcome)[0] is not None
            )
        }

    def _make(
        self,
        missing: Sequence[PlannedSample],
        provenance: dict[str, Provenance],
        path: Path,
        control: Control,
    ) -> list[Outcome]:
        by_source = [
            list(of_one) for _, of_one in itertools.groupby(missing, lambda one: one.recipe.source)
        ]
        made: list[Outcome] = []
        for at in range(0, len(by_source), _SOURCES_AT_ONCE):
            control.check()
            outcomes = self.maker.make(by_source[at : at + _SOURCES_AT_ONCE], provenance)
            _make_durable(self.workspace, outcomes)
            append_records(path, [SampleLine(outcome) for outcome in outcomes])
            made += outcomes
            failed = sum(isinstance(outcome, SampleFailure) for outcome in outcomes)
            control.advance(len(outcomes), failed)
        return made

    def _finish(self, part: int, path: Path, ordered: list[Outcome]) -> ShardResult:
        lines = [SampleLine(outcome) for outcome in ordered]
        if not path.exists() or read_records(path, SampleLine) != lines:
            write_records(path, lines)  # after a retry, records are put back into their order
        self._look(part, ordered)
        failures = [outcome for outcome in ordered if isinstance(outcome, SampleFailure)]
        skipped = sum(failure.skipped for failure in failures)
        counts = {
            "planned": len(ordered),
            "made": len(ordered) - len(failures),
            "skipped": skipped,
            "failed": len(failures) - skipped,
        }
        samples = samples_workspace(self.workspace)
        marker = DoneMarker(STAGE, part, self.fingerprints[part], counts, file_sha256(path))
        write_marker(samples, marker)
        tried = [failure for failure in failures if not failure.skipped]
        return ShardResult(
            part, counts, tuple(f"{one.id}: not made: {one.failure}" for one in tried)
        )

    def _look(self, part: int, outcomes: Sequence[Outcome]) -> None:
        """Measure every picture as it lies there, for the filters."""
        looks: list[PictureLook] = []
        hashes: list[PictureHash] = []
        unreadable: dict[str, str] = {}
        for record in outcomes:
            if not isinstance(record, CounterfactualRecord):
                continue
            image, reason = open_sample(self.workspace, record)
            if image is None:
                unreadable[record.id] = reason
            else:
                look = look_at(image)
                looks.append(look.record(record.id))
                hashes.append(look.hash)
        samples = samples_workspace(self.workspace)
        digest = write_looks(samples, part, looks, PictureHashes.of(hashes), unreadable)
        counts = {"looked_at": len(looks), "failed": len(unreadable)}
        marker = DoneMarker(LOOKS_STAGE, part, self.fingerprints[part], counts, digest)
        write_marker(samples, marker)


def _make_durable(workspace: Workspace, outcomes: Sequence[Outcome]) -> None:
    """Make sure that these samples' pictures are still there after a power cut."""
    folders = {
        picture_file(workspace, outcome.recipe).parent
        for outcome in outcomes
        if isinstance(outcome, CounterfactualRecord)
    }
    for folder in sorted(folders):
        sync_folder(folder)
