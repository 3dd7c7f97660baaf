"""What a drawable thing is: a body with anchors, and a signature feature others can wear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from isekai_gen.starter.render.canvas import Canvas
from isekai_gen.starter.render.palette import COLORS, Color


class Slot(Enum):
    """The place on a body where a feature sits; a body leaves out its own part there."""

    SURFACE = "surface"
    TOP = "top"
    BOTTOM = "bottom"
    SIDE = "side"
    BACK = "back"


@dataclass(frozen=True)
class Anchors:
    """Where features attach to a body, in the body's local frame.

    Attributes:
        top: (x, y, half-width) of the body's upper end.
        bottom: (x, y, half-width) of the body's lower end.
        surface: (x, y, radius_x, radius_y) of its largest plain area.
        back: (x, y) of the rear end; things look to the left, so this lies to the right.
        side: (left x, right x, y) of its flanks.
        face: (x, y, size) where eyes go on a thing that is not alive.
    """

    top: tuple[float, float, float]
    bottom: tuple[float, float, float]
    surface: tuple[float, float, float, float]
    back: tuple[float, float]
    side: tuple[float, float, float]
    face: tuple[float, float, float]


DrawFeature = Callable[[Canvas, Anchors, Color], None]


@dataclass(frozen=True)
class Feature:
    """The part by which a thing is known, drawn on another thing's body.

    Attributes:
        slot: Where it sits.
        phrases: How captions name it, with its article if it takes one ("a snail shell").
        colors: Palette names it may have.
        behind: Draws what lies behind the body, or None.
        front: Draws what lies on the body, or None.
    """

    slot: Slot
    phrases: tuple[str, ...]
    colors: tuple[str, ...]
    behind: DrawFeature | None = None
    front: DrawFeature | None = None


@dataclass(frozen=True)
class Thing:
    """A real thing of the starter's world.

    Attributes:
        name: The name the catalog uses; lower case.
        synonyms: Other names for captions.
        colors: Palette names that are natural for it.
        alive: Whether it always has a face of its own.
        anchors: Where features attach.
        draw_body: Draws it. Takes the canvas, the color of its largest flat area (used exactly
            as given: the area is found again by that color), the slot another thing's feature
            will take (its own part there is left out; None for the whole thing) and whether a
            thing that is not alive shall have a face.
        feature: Its signature part.
    """

    name: str
    synonyms: tuple[str, ...]
    colors: tuple[str, ...]
    alive: bool
    anchors: Anchors
    draw_body: Callable[[Canvas, Color, Slot | None, bool], None]
    feature: Feature

    def __post_init__(self) -> None:
        unknown = {*self.colors, *self.feature.colors} - COLORS.keys()
        if unknown:
            raise ValueError(f"{self.name}: colors not in the palette: {sorted(unknown)}")
        if self.feature.behind is None and self.feature.front is None:
            raise ValueError(f"{self.name}: its feature draws nothing")
