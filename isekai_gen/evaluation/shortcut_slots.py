"""Which words of the prompts go with a concept: what its backgrounds have in common.

For every slot, the value of a picture (none, if its template lacks the slot) and whether it shows
the concept are two labelings of the same pictures. How much one tells about the other is their
normalized mutual information, I(V; C) / sqrt(H(V) H(C)): Strehl and Ghosh, "Cluster Ensembles",
Journal of Machine Learning Research 3 (2002), equation 2.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

MIN_EXCESS = 0.25
"""How much more often a value must be among a concept's pictures than among others to be over-used.
Values that spread over a list of a dozen differ by less from chance alone."""
_ABSENT = None


@dataclass(frozen=True)
class SlotAssociation:
    """The value of a slot that sets a concept's pictures most apart.

    Attributes:
        slot: As prompts bind it.
        value: Of the slot; the most over-used one.
        share_within: Of the concept's pictures, in [0, 1].
        share_elsewhere: Of the pictures of other concepts, in [0, 1].
        information: Normalized mutual information of the slot and the concept, in [0, 1].
    """

    slot: str
    value: str
    share_within: float
    share_elsewhere: float
    information: float

    @property
    def over_used(self) -> bool:
        """Whether the value is much more frequent here than elsewhere."""
        return self.share_within - self.share_elsewhere >= MIN_EXCESS

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "over_used": self.over_used}


def associated_slots(
    own: Sequence[Mapping[str, str]], others: Sequence[Mapping[str, str]], left_out: Iterable[str]
) -> list[SlotAssociation]:
    """Every slot of a concept's prompts, the most telling first.

    Args:
        own: Slot values of each kept picture of the concept; without any, no slot is known.
        others: Those of the pictures of all other concepts.
        left_out: Slots that the concept fills with its own name and description: they always tell.
    """
    slots = sorted({slot for each in own for slot in each} - set(left_out))
    found = [association for slot in slots if (association := _association(slot, own, others))]
    return sorted(
        found, key=lambda each: (-each.information, each.share_elsewhere - each.share_within)
    )


def _association(
    slot: str, own: Sequence[Mapping[str, str]], others: Sequence[Mapping[str, str]]
) -> SlotAssociation | None:
    within = Counter(each.get(slot, _ABSENT) for each in own)
    elsewhere = Counter(each.get(slot, _ABSENT) for each in others)

    def shares(value: str) -> tuple[float, float]:
        return within[value] / len(own), elsewhere[value] / len(others) if others else 0.0

    def excess(value: str) -> tuple[float, str]:
        inside, outside = shares(value)
        return inside - outside, value

    value = max((value for value in within if value is not None), key=excess, default=None)
    if value is None:
        return None
    inside, outside = shares(value)
    return SlotAssociation(slot, value, inside, outside, _information(within, elsewhere))


def _information(within: Counter[str | None], elsewhere: Counter[str | None]) -> float:
    """Normalized mutual information, from how often each value occurs here and elsewhere."""
    both = within + elsewhere
    total = both.total()
    sides = (within.total() / total, elsewhere.total() / total)
    value_entropy = _entropy(count / total for count in both.values())
    side_entropy = _entropy(sides)
    if not value_entropy or not side_entropy:
        return 0.0
    joint = _entropy(count / total for side in (within, elsewhere) for count in side.values())
    mutual = value_entropy + side_entropy - joint
    return max(0.0, min(1.0, mutual / math.sqrt(value_entropy * side_entropy)))


def _entropy(shares: Iterable[float]) -> float:
    # Sorted, so that the sum is the same to the bit whatever order values were met in.
    return -math.fsum(sorted(share * math.log(share) for share in shares if share > 0))
