"""What a parent is when not all is written of it: its domain, kinds and traits, from what is known.

Traits that a list leaves out are taken from the nearest kind that has them ("shark" for a
hammerhead), else from the domain ("birds": feathers, wings, a beak), and said to be so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from isekai_gen.prompts.imagenet_names import ImageNetNames
from isekai_gen.proposals.commonness import commonness_of
from isekai_gen.proposals.domains import DOMAIN_OF_KIND, same_widest
from isekai_gen.proposals.genus import family_of, kinds_of
from isekai_gen.proposals.parent_records import Parent
from isekai_gen.proposals.parents_file import WrittenParent
from isekai_gen.proposals.traits import Traits
from isekai_gen.workspace import slug_of

_DOMAIN_OF_FAMILY = MappingProxyType(
    {"animal": "animals", "food": "food", "nature": "natural-things", "plant": "plants"}
)


@dataclass(frozen=True)
class KnownKinds:
    """What traits can be taken from.

    Attributes:
        by_wnid: Parents with traits of their own, by the class that means just them.
        by_domain: The traits of every domain.
    """

    by_wnid: Mapping[str, Parent]
    by_domain: Mapping[str, Traits]

    def nearest(self, wnids: Sequence[str], imagenet: ImageNetNames) -> Parent | None:
        """The parent with traits that is one of these classes, or their nearest kind."""
        for wnid in wnids:
            for above in (wnid, *kinds_of(wnid, imagenet)):
                if above in self.by_wnid:
                    return self.by_wnid[above]
        return None


def find_domain(wnids: Sequence[str], known: KnownKinds, imagenet: ImageNetNames) -> str | None:
    """The domain of a thing by its classes; None if they do not tell."""
    for kind in _kind_names(wnids, imagenet):
        if kind in DOMAIN_OF_KIND:
            return DOMAIN_OF_KIND[kind]
    nearest = known.nearest(wnids, imagenet)
    if nearest is not None:
        return nearest.domain
    return next((_DOMAIN_OF_FAMILY.get(family_of(wnid)) for wnid in wnids), None)


def complete_parent(
    entry: WrittenParent, domain: str, known: KnownKinds, imagenet: ImageNetNames
) -> Parent:
    """A parent with all that its author left out, but its domain and wnids.

    Args:
        entry: With `wnids` as they shall be.
        domain: Where it belongs.
        known: What traits are taken from if it has none.
        imagenet: ImageNet's names and definitions.
    """
    traits, traits_of = _traits_of(entry, domain, known, imagenet)
    return Parent(
        key=entry.wnids[0] if entry.wnids else f"own:{slug_of(entry.name)}",
        name=entry.name,
        definition=entry.definition
        or (imagenet.definitions[entry.wnids[0]] if entry.wnids else ""),
        domain=domain,
        wnids=entry.wnids,
        traits=traits,
        commonness=commonness_of(entry.name),
        kinds=_kinds(entry, domain, imagenet),
        traits_of=traits_of,
    )


def _traits_of(
    entry: WrittenParent, domain: str, known: KnownKinds, imagenet: ImageNetNames
) -> tuple[Traits, str]:
    # What is written stands alone: a horn of its kind would look odd on a thing described without.
    if not entry.traits.is_empty:
        return entry.traits, "itself"
    nearest = known.nearest(entry.wnids, imagenet)
    if nearest is not None and same_widest(nearest.domain, domain):
        return nearest.traits, nearest.name
    return known.by_domain[domain], domain


def _kinds(entry: WrittenParent, domain: str, imagenet: ImageNetNames) -> tuple[str, ...]:
    """What the author wrote, other names of the thing, and kinds that do not lead elsewhere."""
    names = [*entry.kinds]
    for wnid in entry.wnids:
        names += imagenet.lemmas[wnid]
        chain = _kind_names([wnid], imagenet)
        led_to = [DOMAIN_OF_KIND[kind] for kind in chain if kind in DOMAIN_OF_KIND]
        # "vessel" in the definition of a bucket is found as a ship: such a chain is dropped whole.
        if all(same_widest(domain, other) for other in led_to):
            names += chain
    return tuple(name for name in dict.fromkeys(names) if name != entry.name)


def _kind_names(wnids: Sequence[str], imagenet: ImageNetNames) -> list[str]:
    return [
        name
        for wnid in wnids
        for above in kinds_of(wnid, imagenet)
        for name in imagenet.lemmas[above]
    ]
