"""Which images travel together: shards of one split, planned before any byte is read.

The plan follows from the images and the sizes of their files alone, so a build that is run again
plans the same shards, and knows which of them are finished.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from isekai_gen.release.containers.sinks import ImageShard
from isekai_gen.release.images import ReleasedImage


def plan_shards(
    images: Sequence[ReleasedImage], sizes: Mapping[str, int], max_shard_bytes: int
) -> list[ImageShard]:
    """Divide images into shards, split by split, in the order given.

    Args:
        images: In release order.
        sizes: Image id to bytes of its file.
        max_shard_bytes: A shard is closed before it would be larger; an image that is larger
            than that has a shard of its own.
    """
    by_split: dict[str, list[ReleasedImage]] = {}
    for image in images:
        by_split.setdefault(image.split, []).append(image)
    shards = []
    for split, members in by_split.items():
        parts = list(_parts(members, sizes, max_shard_bytes))
        shards += [ImageShard(split, number, len(parts), part) for number, part in enumerate(parts)]
    return shards


def _parts(
    images: Sequence[ReleasedImage], sizes: Mapping[str, int], max_shard_bytes: int
) -> Iterator[list[ReleasedImage]]:
    part: list[ReleasedImage] = []
    filled = 0
    for image in images:
        size = sizes[image.record.image_id]
        if part and filled + size > max_shard_bytes:
            yield part
            part, filled = [], 0
        part.append(image)
        filled += size
    yield part
