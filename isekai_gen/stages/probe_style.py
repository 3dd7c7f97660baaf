"""Which pictures of a dataset count as another style, and are kept from training.

A style is all pictures of one template, or with one value of a slot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from isekai_gen.errors import InputError
from isekai_gen.records import ImageRecord
from isekai_gen.stages.reporting import first_few

AUTO, NO_STYLE = "auto", "none"
TEMPLATE = "template"
_STYLE_SLOT = "style"
_WANTED_SHARE = 0.125
_LEAST_LEFT = 2
"""Pictures that a concept must have beside those of the style, if it is chosen unasked."""


@dataclass(frozen=True)
class HeldOutStyle:
    """A style to be measured and never learned.

    Attributes:
        name: "template", or the slot.
        value: The template's id, or the slot's value.
    """

    name: str
    value: str

    def __str__(self) -> str:
        """As `--hold-out` takes it."""
        return f"{self.name}={self.value}"

    def has(self, image: ImageRecord) -> bool:
        """Whether a picture is of this style."""
        return _value_of(image, self.name) == self.value


@dataclass(frozen=True)
class OtherStyle:
    """The held-out style, or why there is none.

    Attributes:
        style: Or None.
        missing: Why it is None.
    """

    style: HeldOutStyle | None
    missing: str = ""

    def __str__(self) -> str:
        """For people."""
        return str(self.style) if self.style else f"none: {self.missing}"


def choose_style(text: str, images: Sequence[ImageRecord]) -> OtherStyle:
    """The style that a `--hold-out` names, or why there is none.

    By "auto" it is a template; where all pictures are of one template, a value of the slot
    "style". Of several, the one whose share of the pictures is nearest to an eighth, of those that
    leave every concept two pictures to divide.

    Args:
        text: "auto", "none", "template=ID" or "SLOT=VALUE".
        images: All there are.

    Raises:
        InputError: If no picture, or every one, is of the style that was named.
    """
    if text == NO_STYLE:
        return OtherStyle(None, "not asked for (--hold-out none)")
    if text != AUTO:
        return OtherStyle(_named(text, images))
    for name in (TEMPLATE, _STYLE_SLOT):
        counts = Counter(_value_of(image, name) for image in images)
        if len(counts) < 2:
            continue
        found = [HeldOutStyle(name, value) for value in counts if value]
        fit = [style for style in found if _leaves_enough(style, images)]
        if fit:
            wanted = _WANTED_SHARE * len(images)
            nearest = min(fit, key=lambda each: (abs(counts[each.value] - wanted), each.value))
            return OtherStyle(nearest)
        return OtherStyle(
            None, f"holding out any {name} would leave a concept fewer than two images"
        )
    return OtherStyle(None, "all images are of one template and one style")


def _named(text: str, images: Sequence[ImageRecord]) -> HeldOutStyle:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise InputError(
            f"--hold-out {text!r} is neither auto nor none nor NAME=VALUE, such as "
            "template=plain or style=a drawing of"
        )
    style = HeldOutStyle(name, value)
    count = sum(style.has(image) for image in images)
    if 0 < count < len(images):
        return style
    there = sorted({_value_of(image, name) for image in images})
    raise InputError(
        f"--hold-out {text}: {'no' if not count else 'every'} image is of it; values of {name} "
        f"are {first_few([repr(each) for each in there])}"
    )


def _leaves_enough(style: HeldOutStyle, images: Sequence[ImageRecord]) -> bool:
    left = Counter(image.concept for image in images if not style.has(image))
    return all(left[image.concept] >= _LEAST_LEFT for image in images)


def _value_of(image: ImageRecord, name: str) -> str:
    planned = image.planned
    return planned.template if name == TEMPLATE else planned.slots.get(name, "")
