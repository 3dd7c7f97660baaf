"""The domains that parents belong to, in words a newcomer would use."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Domain:
    """A domain.

    Attributes:
        name: Lower case, with dashes.
        about: What belongs to it.
        wider: The domain that it is a part of, or None.
    """

    name: str
    about: str
    wider: str | None = None


_ALL = (
    Domain("animals", "all animals; never people"),
    Domain("mammals", "dogs, whales, bats", "animals"),
    Domain("birds", "songbirds, owls, penguins", "animals"),
    Domain("fish", "fish, sharks, rays, seahorses", "animals"),
    Domain("reptiles", "snakes, lizards, turtles, and amphibians such as frogs", "animals"),
    Domain("insects", "insects, spiders, snails and other small crawlers", "animals"),
    Domain("sea-creatures", "octopuses, crabs, corals, starfish", "animals"),
    Domain("plants", "flowers, trees, cacti"),
    Domain("fungi", "mushrooms and their kin"),
    Domain("food", "fruit, vegetables, dishes"),
    Domain("household-objects", "brooms, lamps, umbrellas, and the next two"),
    Domain("furniture", "chairs, beds, wardrobes", "household-objects"),
    Domain("kitchenware", "kettles, pans, whisks", "household-objects"),
    Domain("tools", "hammers, saws, ladders"),
    Domain("vehicles", "cars, boats, aircraft"),
    Domain("instruments", "pianos, drums, trumpets"),
    Domain("clothing", "shoes, hats, coats"),
    Domain("buildings", "houses, towers, bridges"),
    Domain("natural-things", "icebergs, volcanoes, crystals"),
    Domain("toys", "teddy bears, kites, balls"),
    Domain("electronics", "cameras, telephones, radios"),
)
DOMAINS = MappingProxyType({domain.name: domain for domain in _ALL})
"""Every domain by its name."""


def domains_of(name: str) -> tuple[str, ...]:
    """A domain and the wider one that it is a part of, if any: ("birds", "animals").

    Raises:
        KeyError: If there is no such domain.
    """
    wider = DOMAINS[name].wider
    return (name,) if wider is None else (name, wider)


_KINDS_BY_DOMAIN = {
    "mammals": "mammal, marsupial, feline, canine, rodent, ungulate, primate, cetacean",
    "birds": "bird",
    "fish": "fish, aquatic vertebrate",
    "reptiles": "reptile, snake, lizard, turtle, amphibian, salamander, frog",
    "insects": "insect, arachnid, larva, caterpillar, myriapod",
    "sea-creatures": "crustacean, mollusk, echinoderm, coelenterate, polyp, cephalopod",
    "plants": "tree, herb, shrub, vine, flower, fern, grass, moss, orchid, succulent, bush",
    "fungi": "fungus, mushroom, agaric",
    "furniture": "furniture, seat, chair, table, cabinet",
    "kitchenware": "kitchen utensil, cooking utensil, kitchen appliance, tableware, cutlery, pan"
    ", pot, bowl, bottle, drinking vessel",
    "tools": "tool, hand tool, garden tool, power tool",
    "vehicles": "vehicle, aircraft, boat, ship, sailing vessel, carriage",
    "instruments": "musical instrument",
    "clothing": "clothing, garment, footwear, headdress, shoe, hat",
    "buildings": "building, house, dwelling, tower, bridge",
    "natural-things": "geological formation, natural elevation, natural depression",
    "toys": "toy, plaything, doll",
    "electronics": "electronic equipment, electronic device, computer, telephone",
    "household-objects": "home appliance, furnishing, lamp, clock, timepiece, brush, bedclothes",
}
DOMAIN_OF_KIND = MappingProxyType(
    {kind: domain for domain, kinds in _KINDS_BY_DOMAIN.items() for kind in kinds.split(", ")}
)
"""Kinds, as ImageNet names them, to the domain that all things of the kind belong to."""


def same_widest(first: str, second: str) -> bool:
    """Whether two domains are parts of one: "birds" and "fish"."""
    return domains_of(first)[-1] == domains_of(second)[-1]
