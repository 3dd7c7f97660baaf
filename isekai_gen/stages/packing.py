"""Pack a shard's images into micro-batches.

An image's bits may depend on its row in the micro-batch, so the row is planned and honored here:
images of distinct rows share a batch. Packing is a pure function of the shard's plan, so that a
resumed run meets the same batches in the same order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from isekai_gen.records import PlannedImage


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
