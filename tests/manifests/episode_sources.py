"""Small sources of episodes: classes on a ring, the next ones round it being the nearest."""

from __future__ import annotations

from isekai_gen.manifests.episode_source import ClassPool, EpisodeSource, barred_by_groups


def ring(classes: int, images: int, *, neighbors: int | None = None, groups=()) -> EpisodeSource:
    """`classes` classes of `images` images, c0/0.png and so on.

    Args:
        classes: How many.
        images: Of each.
        neighbors: Ranked neighbors of each; None for all other classes.
        groups: Groups of near-duplicates, of paths.
    """
    ranked = classes - 1 if neighbors is None else neighbors
    return EpisodeSource(
        pools={
            f"c{one}": ClassPool(f"c{one}", f"kind {one}", paths_of(one, images))
            for one in range(classes)
        },
        ranked_neighbors={
            f"c{one}": tuple(f"c{(one + step) % classes}" for step in range(1, ranked + 1))
            for one in range(classes)
        },
        barred=barred_by_groups(groups),
    )


def paths_of(one: int, images: int) -> tuple[str, ...]:
    return tuple(f"c{one}/{image}.png" for image in range(images))


def rank_of_negative(episode, classes: int) -> int:
    """The rank (1: the nearest) of the negative class among the positive one's neighbors."""
    positive = number_of(episode, 0)
    return (number_of(episode, 1) - positive) % classes


def number_of(episode, way: int) -> int:
    """The number of the class of a way, by the images that go by its label."""
    (found,) = {
        shown.concept
        for shown in (*episode.support, episode.query)
        if shown.label == episode.labels[way]
    }
    return int(found.removeprefix("c"))
