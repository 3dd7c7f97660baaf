"""Table of isekai.toml on counterfactual samples.

The words are those of `counterfactuals` and `models.activation_maps`, which lie above settings.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field

from isekai_gen.settings.section import Positive, Section

T = TypeVar("T")


def _distinct(chosen: tuple[T, ...]) -> tuple[T, ...]:
    """A choice that is named twice would be made twice."""
    if not chosen or len(set(chosen)) != len(chosen):
        raise ValueError("name at least one, and each of them once")
    return chosen


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
    kept: Annotated[tuple[Literal["object", "context"], ...], AfterValidator(_distinct)] = (
        "object",
        "context",
    )
    refills: Annotated[
        tuple[Literal["none", "single", "multi", "inpaint"], ...], AfterValidator(_distinct)
    ] = ("single",)
    filler_sources: Annotated[
        tuple[Literal["same", "other", "counterpart"], ...], AfterValidator(_distinct)
    ] = ("other",)
    method: Literal["auto", "relevance", "gradcam", "gradcam-elementwise", "random"] = "auto"
    limit: Annotated[float, Field(ge=0, lt=1)] | None = None
    shape: Literal["smooth", "grid"] = "smooth"
    target: Literal["similarity", "contrast", "logit"] = "contrast"
    random_control: bool = False
    seed: Annotated[int, Field(ge=0, lt=2**62)] = 0
