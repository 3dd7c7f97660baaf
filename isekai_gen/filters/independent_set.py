"""Choose which images to keep so that no two kept ones are alike and every other has a witness.

A greedy maximal independent set: an image is dropped only on account of an image that is kept.
Keeping one image per connected component, or dropping an image for its likeness to a dropped one,
would drop images through chains: images that resemble nothing that is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    """Two images that cannot both be kept.

    Attributes:
        first: Image id.
        second: Image id.
        similarity: As measured, or None if it is not known.
        marked: Whether only a person's mark, not the similarity, makes this a link.
    """

    first: str
    second: str
    similarity: float | None
    marked: bool = False

    @property
    def strength(self) -> float:
        """For ranking: the similarity; a person's mark without one counts as 1."""
        return 1.0 if self.similarity is None else self.similarity


def choose_kept(ids_in_priority_order: Sequence[str], links: Iterable[Link]) -> list[str]:
    """Keep each image in turn unless it is linked to one already kept.

    The kept images are pairwise unlinked (independent), and every other image is linked to a kept
    one (dominating). Time is linear in images and links.

    Args:
        ids_in_priority_order: Most wanted first, no repeats.
        links: In any order; links to other images are ignored.

    Returns:
        Kept ids in priority order.

    Raises:
        ValueError: If ids repeat.
    """
    linked: dict[str, list[str]] = {image_id: [] for image_id in ids_in_priority_order}
    if len(linked) != len(ids_in_priority_order):
        raise ValueError("ids repeat")
    for link in links:
        if link.first in linked and link.second in linked:
            linked[link.first].append(link.second)
            linked[link.second].append(link.first)
    kept: dict[str, None] = {}
    for image_id in ids_in_priority_order:
        if not any(other in kept for other in linked[image_id]):
            kept[image_id] = None
    return list(kept)


def find_witnesses(kept: Collection[str], links: Iterable[Link]) -> dict[str, tuple[str, Link]]:
    """For every image linked to a kept one: its most similar kept image (ties: the lower id).

    Args:
        kept: From `choose_kept`.
        links: The same links.

    Returns:
        Dropped id to its witness and the link between them.
    """
    chosen = frozenset(kept)
    best: dict[str, tuple[str, Link]] = {}
    for link in links:
        for image_id, other in ((link.first, link.second), (link.second, link.first)):
            if image_id in chosen or other not in chosen:
                continue
            known = best.get(image_id)
            if known is None or (-link.strength, other) < (-known[1].strength, known[0]):
                best[image_id] = (other, link)
    return best
