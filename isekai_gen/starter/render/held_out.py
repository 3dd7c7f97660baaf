"""The shipped catalog's fictional concepts: training never combines their parents, in either order.

So drawing one of them is a combination that the models were not shown. The catalog itself lies in
`isekai_gen.prompts`; a test compares the two.
"""

from __future__ import annotations

from typing import NamedTuple


class ShippedConcept(NamedTuple):
    """A fictional concept as a hybrid, with its real counterpart.

    Attributes:
        name: As in the shipped catalog.
        body: Thing whose body it has.
        feature: Thing whose signature feature it wears.
        counterpart: The real thing of its group.
    """

    name: str
    body: str
    feature: str
    counterpart: str


SHIPPED_CONCEPTS = (
    ShippedConcept("cactihog", "hedgehog", "cactus", "hedgehog"),
    ShippedConcept("octopus vacuum", "vacuum cleaner", "octopus", "vacuum cleaner"),
    ShippedConcept("mushroom haven", "house", "mushroom", "house"),
    ShippedConcept("icemic", "microphone", "ice cream", "ice cream"),
    ShippedConcept("snailpot", "teapot", "snail", "teapot"),
    ShippedConcept("lamplamb", "sheep", "lamp", "sheep"),
    ShippedConcept("clockrab", "crab", "clock", "crab"),
    ShippedConcept("strawbunny", "rabbit", "strawberry", "rabbit"),
    ShippedConcept("petalfin", "fish", "sunflower", "fish"),
    ShippedConcept("pinerocket", "pineapple", "rocket", "pineapple"),
    ShippedConcept("giraffe roadster", "car", "giraffe", "car"),
    ShippedConcept("windmill kitten", "cat", "windmill", "cat"),
    ShippedConcept("flutterfin", "shark", "butterfly", "shark"),
    ShippedConcept("stagbeacon", "lighthouse", "deer", "lighthouse"),
    ShippedConcept("tortbrella", "turtle", "umbrella", "turtle"),
    ShippedConcept("trunkseat", "chair", "elephant", "chair"),
    ShippedConcept("bumbleship", "rocket", "bee", "rocket"),
    ShippedConcept("waxcrawler", "snail", "candle", "snail"),
    ShippedConcept("pineapus", "octopus", "pineapple", "octopus"),
    ShippedConcept("melonwing", "airplane", "watermelon", "airplane"),
)
HELD_OUT_PAIRS = frozenset(frozenset((c.body, c.feature)) for c in SHIPPED_CONCEPTS)


def is_held_out(first: str, second: str) -> bool:
    """Whether training leaves out pictures and captions that combine these two things."""
    return frozenset((first, second)) in HELD_OUT_PAIRS
