"""Draw micro-batches of one fixed shape with a diffusers pipeline.

A picture's bits depend on the batch shape and, on GPUs, on its row in the batch, but not on what
the other rows hold (measured on CPU and H200). So every batch has `micro_batch_size` rows, each
request sits at its own row, and free rows are padded with a filler.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isekai_gen.errors import ModelError
from isekai_gen.models.families import family_of
from isekai_gen.models.quiet import quiet_libraries
from isekai_gen.models.spec import DrawnImage, DrawRequest, DrawSettings, Pixels

if TYPE_CHECKING:
    import torch

# A picture whose pixels vary by less than one step of 255 shows nothing.
_MIN_STANDARD_DEVIATION = 1.0
NOT_FINITE = "not finite"
CONSTANT = "constant picture"
FLAGGED = "flagged by the model's safety checker"


class DiffusersGenerator:
    """An image generator (`spec.ImageGenerator`) around a loaded diffusers pipeline."""

    def __init__(self, pipeline: Any, label: str) -> None:  # noqa: ANN401 - a diffusers pipeline
        self._pipeline = pipeline
        self._label = label
        self._name = type(pipeline).__name__
        self._accepted = frozenset(inspect.signature(pipeline.__call__).parameters)

    def draw(self, requests: Sequence[DrawRequest], settings: DrawSettings) -> list[DrawnImage]:
        """Draw up to `micro_batch_size` requests of distinct rows, in batches of fixed shape.

        Args:
            requests: In any order; each at its own row.
            settings: Shared by all rows.

        Returns:
            One result per request, in the order of `requests`; a row that fails (not finite,
            constant, flagged by the safety checker) fails alone.

        Raises:
            ModelError: If the device runs out of memory, or the model refuses or would ignore
                a setting.
            ValueError: If two requests share a row, or a row or seed is out of range.
        """
        _check_rows(requests, settings.micro_batch_size)
        self._check_honored(requests, settings)
        drawn: dict[int, DrawnImage] = {}
        for batch in self._batches(requests):
            rows = _fill_rows(batch, settings.micro_batch_size)
            pixels, flags = self._run(rows, settings)
            for request in batch:
                flag = flags[request.row] if flags is not None else None
                drawn[request.row] = _judge(request.row, pixels[request.row], flag)
        return [drawn[request.row] for request in requests]

    def _batches(self, requests: Sequence[DrawRequest]) -> list[list[DrawRequest]]:
        """One batch, or two where an empty negative prompt must stay apart from the others.

        SDXL replaces "no negative prompt" by zeros, for the whole batch or not at all: mixed,
        a row would depend on whether its neighbors have one.
        """
        if not self._pipeline.config.get("force_zeros_for_empty_prompt", False):
            return [list(requests)] if requests else []
        plain = [request for request in requests if not request.negative_prompt]
        negated = [request for request in requests if request.negative_prompt]
        return [batch for batch in (plain, negated) if batch]

    def _check_honored(self, requests: Sequence[DrawRequest], settings: DrawSettings) -> None:
        """Refuse settings that the pipeline would silently ignore or that break invariance."""
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
        ignored = not self._takes_guidance() or (
            self._name == "FluxPipeline" and not transformer.get("guidance_embeds", False)
        )
        if ignored:
            raise ModelError(
                f"{self._label}: this {self._name} has no guidance scale and would ignore "
                f"{guidance_scale:g}; use --guidance-scale 0"
            )

    def _takes_guidance(self) -> bool:
        return "guidance_scale" in self._accepted and family_of(self._name).guided

    def _part_config(self, part: str) -> Any:  # noqa: ANN401 - a diffusers configuration
        return getattr(getattr(self._pipeline, part, None), "config", {})

    def _arguments(self, rows: Sequence[DrawRequest], settings: DrawSettings) -> dict[str, Any]:
        import torch

        # The noise is drawn on the CPU: CUDA's generator depends on the GPU model. One generator
        # per row; diffusers would take a list of length 1 for one stream shared by all rows, which
        # is the same thing only because the batch then has one row.
        generators = [torch.Generator("cpu").manual_seed(request.seed) for request in rows]
        arguments: dict[str, Any] = {
            "prompt": [request.prompt for request in rows],
            "width": settings.width,
            "height": settings.height,
            "num_inference_steps": settings.num_inference_steps,
            "generator": generators,
            "output_type": "pt",
        }
        if self._takes_guidance():
            arguments["guidance_scale"] = settings.guidance_scale
        if any(request.negative_prompt for request in rows):
            arguments["negative_prompt"] = [request.negative_prompt for request in rows]
        return arguments

    def _run(
        self, rows: Sequence[DrawRequest], settings: DrawSettings
    ) -> tuple[npt.NDArray[np.float32], list[bool] | None]:
        """Float pictures [rows, height, width, 3] in [0, 1], and the safety checker's flags."""
        import torch

        try:
            with quiet_libraries():
                output = self._pipeline(**self._arguments(rows, settings))
                pixels = _channels_last(output.images)
        except torch.OutOfMemoryError as error:
            raise ModelError(self._out_of_memory(settings)) from error
        except Exception as error:  # pipelines refuse settings with every type of exception
            if "allocate memory" in str(error):
                raise ModelError(self._out_of_memory(settings)) from error
            detail = " ".join(str(error).split())[:300]
            raise ModelError(
                f"{self._label}: {self._name} cannot draw {settings.width} x {settings.height} in "
                f"{settings.num_inference_steps} steps at guidance {settings.guidance_scale:g} "
                f"({type(error).__name__}: {detail}); change these settings or the model"
            ) from error
        shape = (len(rows), settings.height, settings.width, 3)
        if pixels.shape != shape:
            raise ModelError(
                f"{self._label}: asked for {settings.width} x {settings.height}, {self._name} drew "
                f"{pixels.shape[2]} x {pixels.shape[1]}; use a size that it can draw"
            )
        flags = getattr(output, "nsfw_content_detected", None)
        return pixels, None if flags is None else [bool(flag) for flag in flags]

    def _out_of_memory(self, settings: DrawSettings) -> str:
        return (
            f"{self._label}: out of memory with {settings.micro_batch_size} images of "
            f"{settings.width} x {settings.height} at once; lower --micro-batch-size (images "
            "then differ in their last bits) or the image size"
        )


def _check_rows(requests: Sequence[DrawRequest], micro_batch_size: int) -> None:
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


def _fill_rows(requests: Sequence[DrawRequest], micro_batch_size: int) -> list[DrawRequest]:
    """All rows of a micro-batch in order; free ones hold an empty prompt."""
    by_row = {request.row: request for request in requests}
    return [by_row.get(row, DrawRequest(row, "", "", 0)) for row in range(micro_batch_size)]


def _channels_last(images: torch.Tensor) -> npt.NDArray[np.float32]:
    """Tensor [n, 3, height, width] of any float type to float32 [n, height, width, 3]."""
    pixels: npt.NDArray[np.float32] = images.float().cpu().permute(0, 2, 3, 1).numpy()
    return pixels


def _judge(row: int, picture: npt.NDArray[np.float32], flag: bool | None) -> DrawnImage:
    """The result for one row: its pixels, or why it failed."""
    if not np.isfinite(picture).all():
        return DrawnImage(row, None, NOT_FINITE, flag)
    pixels: Pixels = (picture * 255).round().astype(np.uint8)
    if float(pixels.std()) < _MIN_STANDARD_DEVIATION:
        # The checker blacks out what it flags.
        return DrawnImage(row, None, FLAGGED if flag else CONSTANT, flag)
    return DrawnImage(row, pixels, "", flag)
