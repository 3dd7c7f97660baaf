"""How the starter encoder is asked for a thing: an ensemble of phrases in its own words.

It tells colors well, so that the text "a sheep" alone lies near the colors that sheep usually
have. The mean over all colors stands for the thing itself: on renders made for this choice
(32 of each of the 40 shipped concepts) it found 95.6 % of them, the plain phrase in four frames
88.2 %.
"""

from isekai_gen.starter.render.palette import COLORS


def with_article(noun: str) -> str:
    """`noun` behind "a" or "an", by its first letter."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def starter_prompts(short: str) -> list[str]:
    """Phrases for `short` ("hedgehog with cactus spines"): itself, and in every color."""
    return [with_article(short), *(with_article(f"{color} {short}") for color in COLORS)]
