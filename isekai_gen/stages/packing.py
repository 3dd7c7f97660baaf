"""Pack images into micro-batches.

An image's bits may depend on its row in the micro-batch, so the row is planned and honored here:
images of distinct rows share a batch. The plan is packed as a whole (`Packer`) and cut into parts
between batches; drawing packs a part by itself (`pack_micro_batches`) and so meets the same
batches, also after a kill.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from isekai_gen.records import PlannedImage
from isekai_gen.stages.plan_lines import PlannedLine

_FEW_PARTS = 16
_MANY_PARTS = 512
_SMALL, _MEDIUM, _LARGE = 16, 64, 1024


def pack_micro_batches(images: Sequence[PlannedImage]) -> list[list[PlannedImage]]:
    """First fit: each image goes into the first batch whose row of its number is free.

    Args:
        images: One shard's plan, in order.

    Returns:
        Batches; within each, rows are distinct and images are in plan order.
    """
    taken: Counter[int] = Counter()
    batches: list[list[PlannedImage]] = []
    for image in images:
        number = taken[image.row]
        taken[image.row] += 1
        if number == len(batches):
            batches.append([])
        batches[number].append(image)
    return batches


class Packer:
    """Packs a whole plan, image by image, while it is made.

    As many consecutive images of a concept as a micro-batch has rows fill one exactly. What is left
    of all concepts is pooled and packed first-fit by row when the plan ends; every batch of the
    pool has the rows of the next one and perhaps more, so that first fit inside a part that holds
    some of them finds them again.
    """

    def __init__(self, micro_batch_size: int) -> None:
        self._size = micro_batch_size
        self._run: list[PlannedLine] = []
        self._pool: list[list[PlannedLine]] = []
        self._taken: Counter[int] = Counter()

    def add(self, planned: PlannedLine) -> list[PlannedLine] | None:
        """Take the next image; returns a full batch when it completes one."""
        run = self._run
        if run and (run[-1].concept, run[-1].number + 1) != (planned.concept, planned.number):
            self._to_pool()
        self._run.append(planned)
        if len(self._run) < self._size:
            return None
        full, self._run = self._run, []
        return full

    def rest(self) -> Iterator[list[PlannedLine]]:
        """The batches of the pool, the fullest first; to be called once, at the end."""
        self._to_pool()
        yield from self._pool

    def _to_pool(self) -> None:
        for planned in self._run:
            number = self._taken[planned.row]
            self._taken[planned.row] += 1
            if number == len(self._pool):
                self._pool.append([])
            self._pool[number].append(planned)
        self._run = []


def fill_rate(images: int, micro_batches: int, micro_batch_size: int) -> float:
    """Share of rows that hold an image, in [0, 1]; the others are padding."""
    return images / (micro_batches * micro_batch_size)


def shard_size_for(total: int, micro_batch_size: int) -> int:
    """Images a part of a plan holds, where the user names no size.

    Large plans have about 512 parts, of 64 to 1,024 images; small ones at least about 16, so that
    they spread over several workers. Always whole micro-batches.
    """
    size = min(max(total // _MANY_PARTS, _MEDIUM), _LARGE)
    size = min(size, max(-(-total // _FEW_PARTS), _SMALL))
    return -(-size // micro_batch_size) * micro_batch_size
