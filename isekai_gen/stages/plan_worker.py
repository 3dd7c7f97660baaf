"""Make the lines of a plan: in this process, or for a large one in worker processes.

Workers hand lines over in files, one for each piece of the plan, which the parent reads in order;
so memory stays small however many images there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.executors import Control, ShardResult, WorkOnShard, run_shards
from isekai_gen.stages.plan import Planner, PlanRequest, PlanSlice, first_row, slices_of
from isekai_gen.stages.plan_lines import PlannedLine, encode_planned
from isekai_gen.stages.reporting import Reporter
from isekai_gen.storage import storage_errors

# Below this, starting processes takes longer than planning.
LARGE = 50_000
_PIECE = 10_000
_STEP = 5_000


@dataclass(frozen=True)
class PlanWorker:
    """Writes the lines of pieces of a plan into files of a folder; picklable.

    Attributes:
        request: What to plan.
        folder: Where the files go.
        piece_size: Images of a piece.
    """

    request: PlanRequest
    folder: Path
    piece_size: int

    def setup(self, device_name: str) -> WorkOnShard:
        """Get ready; planning needs no device."""
        del device_name
        planner = Planner(self.request)
        pieces = list(slices_of(self.request, self.piece_size))

        def work_on(part: int, control: Control) -> ShardResult:
            path = piece_file(self.folder, part)
            with storage_errors(path), path.open("wb") as file:
                for step in (step for piece in pieces[part] for step in _steps(piece)):
                    control.check()
                    file.writelines(map(encode_planned, planner.images(step)))
                    control.advance(len(step.indices))
            return ShardResult(part, {})

        return work_on


def _steps(piece: PlanSlice) -> Iterator[PlanSlice]:
    """A slice in steps small enough to stop between them."""
    indices = piece.indices
    for start in range(indices.start, indices.stop, _STEP):
        yield PlanSlice(piece.concept, range(start, min(start + _STEP, indices.stop)))


def piece_file(folder: Path, part: int) -> Path:
    """Where a worker puts the lines of a piece."""
    return folder / f"piece-{part:05d}"


def planned_lines(request: PlanRequest, folder: Path, reporter: Reporter) -> Iterator[PlannedLine]:
    """Every line of a plan, in the order of the catalog.

    Args:
        request: What to plan.
        folder: An empty folder for files of this call.
        reporter: Is told of the progress.
    """
    if request.total < LARGE:
        with reporter.task("Planning", request.total) as advance:
            yield from _lines_made_here(request, advance)
        return
    pieces = list(slices_of(request, _PIECE))
    with reporter.task("Planning", request.total) as advance:
        worker = PlanWorker(request, folder, _PIECE)
        run_shards(worker, range(len(pieces)), ["cpu"], advance)
    with reporter.task("Checking and writing the plan", request.total) as advance:
        for part, piece in enumerate(pieces):
            path = piece_file(folder, part)
            yield from _lines_of(piece, path.read_bytes(), request.micro_batch_size)
            path.unlink()
            advance(sum(len(each.indices) for each in piece))


def _lines_made_here(request: PlanRequest, advance: Callable[[int], None]) -> Iterator[PlannedLine]:
    planner = Planner(request)
    for concept in request.catalog.concepts:
        for step in _steps(PlanSlice(concept, range(request.counts[concept.slug]))):
            for image in planner.images(step):
                yield PlannedLine(image.concept, image.index, image.row, encode_planned(image))
            advance(len(step.indices))


def _lines_of(piece: list[PlanSlice], content: bytes, rows: int) -> Iterator[PlannedLine]:
    """The lines of a file that a worker wrote, with what they are lines of."""
    lines = iter(content.splitlines(keepends=True))
    for concept, indices in piece:
        slug, first = concept.slug, first_row(concept, rows)
        for index in indices:
            yield PlannedLine(slug, index, (first + index) % rows, next(lines))
