"""Table of isekai.toml on counterfactual samples.

The words are those of `counterfactuals` and `models.activation_maps`, which lie above settings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from isekai_gen.settings.section import Positive, Section

_Kept = Literal["object", "context"]
_Refill = Literal["none", "single", "multi", "inpaint"]
_Source = Literal["same", "other", "counterpart"]


def _some_of(*choices: str) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    """Check and sort what was chosen, so that the order in which it was named changes nothing."""

    def in_order(chosen: tuple[str, ...]) -> tuple[str, ...]:
        if not chosen or len(set(chosen)) != len(chosen):
            raise ValueError("name at least one, and each of them once")
        return tuple(sorted(chosen, key=choices.index))

    return in_order


class CounterfactualSettings(Section):
    """[counterfactuals]: samples with the object or its context replaced.

    Attributes:
        per_image: Samples of each kind of every kept image, with other fillers or another seed.
        kept: Which factor stays.
        refills: What stands where the other factor was.
        filler_sources: Whose pixels single and multi take.
        method: How the object is found: "auto" for what finds it best in the encoder's kind of
            tower; "random" for patches at random alone, of the area that "auto" finds.
        limit: Activation above which a place belongs to the object; None for what suits the
            encoder.
        shape: Of masks: smooth, or whole patches.
        target: What an activation map explains.
        random_control: Whether each sample has a companion with random patches of equal area.
        seed: Of fillers, refills and random patches.
    """

    per_image: Positive = 1
    kept: Annotated[tuple[_Kept, ...], AfterValidator(_some_of(*get_args(_Kept)))] = (
        "object",
        "context",
    )
    refills: Annotated[tuple[_Refill, ...], AfterValidator(_some_of(*get_args(_Refill)))] = (
        "single",
    )
    filler_sources: Annotated[tuple[_Source, ...], AfterValidator(_some_of(*get_args(_Source)))] = (
        "other",
    )
    method: Literal["auto", "relevance", "gradcam", "gradcam-elementwise", "random"] = "auto"
    limit: Annotated[float, Field(ge=0, lt=1)] | None = None
    shape: Literal["smooth", "grid"] = "smooth"
    target: Literal["similarity", "contrast", "logit"] = "contrast"
    random_control: bool = False
    seed: Annotated[int, Field(ge=0, lt=2**62)] = 0
