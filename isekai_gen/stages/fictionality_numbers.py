"""How new a fictional concept is, in numbers.

Intervals are Wilson's at 95 %, as if images were drawn independently of each other; what follows
from one encoder and one reference set says nothing of others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from isekai_gen.intervals import wilson_interval


@dataclass(frozen=True)
class Share:
    """A share of images with its confidence interval.

    Attributes:
        images: How many.
        of: Of how many.
        share: images / of; 0 of none.
        low: Lower end of the interval.
        high: Upper end.
    """

    images: int
    of: int
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class NearClass:
    """A class near a concept's images.

    Attributes:
        key: Of the class.
        name: Of the class.
        similarity: Mean over the images of their similarity to the class's prototype, or to its
            name where the reference set has no prototypes.
        percentile: Where that lies among the class's own images (`ReferenceSet.percentile`); None
            without prototypes.
        own_images: How many images of the class that is known from; None if it is not.
    """

    key: str
    name: str
    similarity: float
    percentile: float | None
    own_images: int | None


@dataclass(frozen=True)
class Confusion:
    """How many images are nearer to another fictional concept than to their own.

    Attributes:
        nearer: Share of the images.
        concept: Whom they are nearest to most often; "" if none is nearer to any.
    """

    nearer: Share
    concept: str


@dataclass(frozen=True)
class ConceptFictionality:
    """What was measured of one fictional concept.

    Attributes:
        concept: Slug.
        name: Its name.
        images: Generated images; judged + left_out.
        judged: Those that all numbers but `reasons` are of.
        left_out: Dropped by people, or by filters that come before.
        over_quantile: Quantile of a class's own images to the share of images that reach that of
            their nearest class; empty without prototypes.
        nearest: The classes most similar on average, the most similar first.
        copies: Images that `reference_copy` drops; None if there was nothing to compare with.
        near_copies: Images that it leaves to people.
        same_name: Reason of `name_overlap` with its evidence.
        by_text: Nearer to another fictional concept's text.
        by_images: Nearer to another fictional concept's images (their normalized mean) than to the
            other images of its own.
        mean_margin: Mean of what `alignment` measured; None without images.
        reasons: Filter to reason to number of images, over all `images`.
    """

    concept: str
    name: str
    images: int
    judged: int
    left_out: int
    over_quantile: Mapping[str, Share]
    nearest: tuple[NearClass, ...]
    copies: int | None
    near_copies: int | None
    same_name: Mapping[str, Any]
    by_text: Confusion
    by_images: Confusion
    mean_margin: float | None
    reasons: Mapping[str, Mapping[str, int]]

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return asdict(self)


def share_of(hits: np.ndarray) -> Share:
    """The share of true entries with its Wilson interval."""
    interval = wilson_interval(int(np.count_nonzero(hits)), len(hits))
    return Share(
        int(np.count_nonzero(hits)), len(hits), interval.estimate, interval.low, interval.high
    )
