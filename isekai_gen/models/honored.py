"""What a loaded pipeline would silently ignore, or what would mix its rows, is refused here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from isekai_gen.errors import ModelError
from isekai_gen.models.families import family_of
from isekai_gen.models.spec import DrawRequest, DrawSettings


def check_rows(requests: Sequence[DrawRequest], micro_batch_size: int) -> None:
    """Raise ValueError if two requests share a row, or a row or seed is out of range."""
    if micro_batch_size < 1:
        raise ValueError(f"micro_batch_size must be at least 1, got {micro_batch_size}")
    rows = [request.row for request in requests]
    if len(set(rows)) != len(rows):
        raise ValueError(f"two requests share a row: {sorted(rows)}")
    for request in requests:
        if not 0 <= request.row < micro_batch_size:
            raise ValueError(f"row {request.row} is outside a micro-batch of {micro_batch_size}")
        if not 0 <= request.seed < 2**63:
            raise ValueError(f"seed {request.seed} is not in [0, 2**63)")


class HonorCheck:
    """What one pipeline honors."""

    def __init__(self, pipeline: Any, label: str, accepted: Collection[str]) -> None:  # noqa: ANN401
        """Look at a loaded pipeline.

        Args:
            pipeline: A diffusers pipeline.
            label: What errors call it.
            accepted: Names of the parameters of its call.
        """
        self._pipeline = pipeline
        self._label = label
        self._name = type(pipeline).__name__
        self._accepted = accepted

    @property
    def takes_guidance(self) -> bool:
        """Whether there is a guidance scale to pass."""
        return "guidance_scale" in self._accepted and family_of(self._name).guided

    def check(self, requests: Sequence[DrawRequest], settings: DrawSettings) -> None:
        """Raise ModelError if the pipeline would ignore a setting or mix its rows."""
        family = family_of(self._name)
        self._check_guidance(settings.guidance_scale)
        if not family.fixed_text_length and settings.micro_batch_size > 1:
            raise ModelError(
                f"{self._label}: {self._name} may fit prompts to the longest in the batch, so "
                "images would depend on their neighbors; use --micro-batch-size 1"
            )
        negated = next((request for request in requests if request.negative_prompt), None)
        if negated is None:
            return
        distilled = self._part_config("unet").get("time_cond_proj_dim") is not None
        if "negative_prompt" not in self._accepted or not family.negative or distilled:
            raise ModelError(
                f"{self._label}: {self._name} ignores negative prompts; "
                f"remove the negative prompt {negated.negative_prompt!r}"
            )
        if family.guided and settings.guidance_scale <= 1:
            raise ModelError(
                f"{self._label}: a negative prompt has no effect at guidance scale "
                f"{settings.guidance_scale:g}; remove {negated.negative_prompt!r} or raise "
                "--guidance-scale above 1"
            )

    def _check_guidance(self, guidance_scale: float) -> None:
        if guidance_scale == 0:
            return
        transformer = self._part_config("transformer")
        ignored = not self.takes_guidance or (
            self._name == "FluxPipeline" and not transformer.get("guidance_embeds", False)
        )
        if ignored:
            raise ModelError(
                f"{self._label}: this {self._name} has no guidance scale and would ignore "
                f"{guidance_scale:g}; use --guidance-scale 0"
            )

    def _part_config(self, part: str) -> Any:  # noqa: ANN401 - a diffusers configuration
        return getattr(getattr(self._pipeline, part, None), "config", {})
