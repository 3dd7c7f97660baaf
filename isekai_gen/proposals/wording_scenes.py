"""Places and poses that a concept and its counterpart share, so that neither tells them apart."""

from __future__ import annotations

from types import MappingProxyType

from isekai_gen.proposals.domains import domains_of
from isekai_gen.proposals.parent_records import Parent
from isekai_gen.proposals.wording_sentences import Combination

_SETTINGS = 6
_OF_EACH = 2
_WATER = frozenset({"fish", "sea-creatures"})
_LARGE = frozenset({"mammals", "vehicles", "buildings", "natural-things"})
_SMALL = frozenset({"household-objects", "tools", "instruments", "clothing", "food", "toys"})
_ON_LAND = (
    "on a wide lawn",
    "on a sandy beach",
    "in a sunny garden",
    "on a rocky hill",
    "in a snowy field",
    "on a gravel path",
    "in a quiet street",
    "in a large empty room",
)
# Where nothing tells how large a thing is: an iceberg fits into no street.
_IN_THE_OPEN = (
    "on a wide plain",
    "on a sandy beach",
    "on a rocky hill",
    "in a snowy field",
    "under a cloudy sky",
    "beside a calm lake",
)
_IN_WATER = (
    "in clear blue water",
    "above pale sand under water",
    "among green water plants",
    "near a rocky reef",
    "in deep dark water",
    "just below the surface of the water",
)
_ANIMAL_POSES = ("standing still", "resting", "turned to the left", "looking at the viewer")
_THING_POSES = ("turned to the left", "turned to the right", "facing the viewer")
_POSES = MappingProxyType(
    {
        "fish": ("swimming", "turning", "seen from the side", "facing the viewer"),
        "sea-creatures": ("resting", "moving slowly", "seen from the side", "facing the viewer"),
        "vehicles": ("parked", "turned to the left", "turned to the right", "facing the viewer"),
        "plants": ("standing alone", "leaning to one side", "seen up close"),
        "fungi": ("standing alone", "leaning to one side", "seen up close"),
        "buildings": ("seen from the front", "seen from one side", "seen from a distance"),
        "natural-things": ("seen from the front", "seen from one side", "seen from a distance"),
    }
)


def attributes_of(made: Combination) -> dict[str, tuple[str, ...]]:
    """Values of the slots "setting" (four at least) and "pose"."""
    return {"setting": _settings(made), "pose": _poses(made.body)}


def _poses(body: Parent) -> tuple[str, ...]:
    usual = _ANIMAL_POSES if domains_of(body.domain)[-1] == "animals" else _THING_POSES
    return _POSES.get(body.domain, usual)


def _settings(made: Combination) -> tuple[str, ...]:
    own, lent = made.body.traits.habitat[:_OF_EACH], made.lender.traits.habitat[:_OF_EACH]
    in_water = made.body.domain in _WATER
    huge = made.body.domain in ("buildings", "natural-things")
    neutral = _IN_WATER if in_water else _IN_THE_OPEN if huge else _ON_LAND
    if made.lends("habitat"):
        # Whoever lends its home gives the only places: elsewhere nothing would show the rule.
        own, lent = (), made.lender.traits.habitat
        neutral = _IN_WATER if made.lender.domain in _WATER else _ON_LAND
    elif not _shares_places(made):
        lent = ()
    turned = neutral[made.variant % len(neutral) :] + neutral[: made.variant % len(neutral)]
    return tuple(dict.fromkeys((*own, *lent, *turned)))[:_SETTINGS]


def _shares_places(made: Combination) -> bool:
    """Whether the body could be where the lender is, by water and by size."""
    body, lender = made.body.domain, made.lender.domain
    if (body in _WATER) != (lender in _WATER):
        return False
    return not (body in _LARGE and domains_of(lender)[-1] in _SMALL)
