"""The colors that renders use and captions name, as (red, green, blue) in 0-255."""

Color = tuple[int, int, int]

COLORS: dict[str, Color] = {
    "red": (214, 50, 48),
    "orange": (240, 138, 40),
    "yellow": (248, 208, 62),
    "green": (84, 168, 76),
    "teal": (40, 170, 165),
    "blue": (58, 110, 214),
    "purple": (140, 84, 196),
    "pink": (244, 140, 180),
    "brown": (142, 94, 60),
    "gray": (146, 150, 158),
    "white": (244, 244, 240),
    "black": (62, 60, 70),
}
INK: Color = (30, 26, 36)
WHITE: Color = (255, 255, 255)


def blend(color: Color, other: Color, share: float) -> Color:
    """`color` moved toward `other` by `share` in [0, 1]."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(color, other, strict=True))
    return (red, green, blue)


def darker(color: Color, share: float = 0.45) -> Color:
    """`color` moved toward a dark violet, so that shades stay colorful."""
    return blend(color, (20, 16, 30), share)


def lighter(color: Color, share: float = 0.45) -> Color:
    """`color` moved toward white."""
    return blend(color, WHITE, share)
