"""Draw micro-batches of one fixed shape with a diffusers pipeline.

A picture's bits depend on the batch shape and, on GPUs, on its row in the batch, but not on what
the other rows hold (measured on CPU and H200). So every batch has `micro_batch_size` rows, each
request sits at its own row, and free rows are padded with a filler.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from isekai_gen.errors import ModelError
from isekai_gen.executors.contract import Stopped
from isekai_gen.models.honored import HonorCheck, check_rows
from isekai_gen.models.pending import CONSTANT, NOT_FINITE, send_to_host
from isekai_gen.models.quiet import quiet_libraries
from isekai_gen.models.safety import take_out_safety_checker
from isekai_gen.models.side_stream import beside_the_drawing
from isekai_gen.models.spec import DrawnImage, DrawRequest, DrawSettings, PendingDraw
from isekai_gen.models.text_embeddings import TextEmbeddings, has_embeddings

__all__ = ["CONSTANT", "NOT_FINITE", "DiffusersGenerator"]


class DiffusersGenerator:
    """An image generator (`spec.ImageGenerator`) around a loaded diffusers pipeline."""

    def __init__(self, pipeline: Any, label: str) -> None:  # noqa: ANN401 - a diffusers pipeline
        self._pipeline = pipeline
        self._label = label
        self._name = type(pipeline).__name__
        self._accepted = frozenset(inspect.signature(pipeline.__call__).parameters)
        self._honors = HonorCheck(pipeline, label, self._accepted)
        self._flags = take_out_safety_checker(pipeline)
        self._embeddings = TextEmbeddings(pipeline) if has_embeddings(self._name) else None

    def draw(self, requests: Sequence[DrawRequest], settings: DrawSettings) -> list[DrawnImage]:
        """Draw up to `micro_batch_size` requests of distinct rows and wait for them.

        Args:
            requests: In any order; each at its own row.
            settings: Shared by all rows.

        Returns:
            One result per request, in the order of `requests`; a row that fails (not finite,
            constant) fails alone.

        Raises:
            ModelError: If the device runs out of memory, or the model refuses or would ignore
                a setting.
            ValueError: If two requests share a row, or a row or seed is out of range.
        """
        return self.start(requests, settings).result()

    def start(
        self,
        requests: Sequence[DrawRequest],
        settings: DrawSettings,
        check: Callable[[], None] = lambda: None,
    ) -> PendingDraw:
        """Give requests to the device; on a GPU, returns while it still works.

        Args:
            requests: As for `draw`.
            settings: Shared by all rows.
            check: Called after each denoising step, where the pipeline allows it.

        Raises:
            ModelError, ValueError: As for `draw`.
            Stopped: If `check` raised it.
        """
        check_rows(requests, settings.micro_batch_size)
        self._honors.check(requests, settings)
        pending = [
            send_to_host(self._run(batch, settings, check), batch, self._flags)
            for batch in self._batches(requests)
        ]
        return _Joined(tuple(requests), tuple(pending))

    def _batches(self, requests: Sequence[DrawRequest]) -> list[list[DrawRequest]]:
        """One batch, or two where an empty negative prompt must stay apart from the others.

        SDXL's relatives replace "no negative prompt" by zeros, for the whole batch or not at all:
        mixed, a row would depend on whether its neighbors have one. `TextEmbeddings` does it row
        by row.
        """
        mixed = self._embeddings is not None
        if mixed or not self._pipeline.config.get("force_zeros_for_empty_prompt", False):
            return [list(requests)] if requests else []
        plain = [request for request in requests if not request.negative_prompt]
        negated = [request for request in requests if request.negative_prompt]
        return [batch for batch in (plain, negated) if batch]

    def _run(
        self,
        requests: Sequence[DrawRequest],
        settings: DrawSettings,
        check: Callable[[], None],
    ) -> Any:  # noqa: ANN401 - torch.Tensor
        """Float pictures [rows, 3, height, width] in [0, 1], on the device."""
        import torch

        rows = _fill_rows(requests, settings.micro_batch_size)
        try:
            with quiet_libraries():
                images = self._pipeline(**self._arguments(rows, settings, check)).images
        except Stopped:
            raise
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
        if tuple(images.shape) != (len(rows), 3, settings.height, settings.width):
            raise ModelError(
                f"{self._label}: asked for {settings.width} x {settings.height}, {self._name} drew "
                f"{images.shape[-1]} x {images.shape[-2]}; use a size that it can draw"
            )
        return images

    def _arguments(
        self, rows: Sequence[DrawRequest], settings: DrawSettings, check: Callable[[], None]
    ) -> dict[str, Any]:
        import torch

        # The noise is drawn on the CPU: CUDA's generator depends on the GPU model. One generator
        # per row; diffusers would take a list of length 1 for one stream shared by all rows, which
        # is the same thing only because the batch then has one row.
        generators = [torch.Generator("cpu").manual_seed(request.seed) for request in rows]
        arguments: dict[str, Any] = {
            **self._words(rows, settings),
            "width": settings.width,
            "height": settings.height,
            "num_inference_steps": settings.num_inference_steps,
            "generator": generators,
            "output_type": "pt",
        }
        if self._honors.takes_guidance:
            arguments["guidance_scale"] = settings.guidance_scale
        if "callback_on_step_end" in self._accepted:
            arguments["callback_on_step_end"] = _checking(check)
        return arguments

    def _words(self, rows: Sequence[DrawRequest], settings: DrawSettings) -> dict[str, Any]:
        """The prompts, as embeddings where they are made here."""
        prompts = [request.prompt for request in rows]
        negatives = [request.negative_prompt for request in rows]
        if self._embeddings is not None:
            against = negatives if settings.guidance_scale > 1 else None
            with beside_the_drawing(self._pipeline.device) as hand_over:
                return hand_over(self._embeddings.arguments(prompts, against))
        if any(negatives):
            return {"prompt": prompts, "negative_prompt": negatives}
        return {"prompt": prompts}

    def _out_of_memory(self, settings: DrawSettings) -> str:
        return (
            f"{self._label}: out of memory with {settings.micro_batch_size} images of "
            f"{settings.width} x {settings.height} at once; lower --micro-batch-size (images "
            "then differ in their last bits) or the image size"
        )


@dataclass(frozen=True)
class _Joined:
    """The batches of one call, as one result in the order of its requests."""

    requests: tuple[DrawRequest, ...]
    batches: tuple[PendingDraw, ...]

    def result(self) -> list[DrawnImage]:
        drawn = {image.row: image for batch in self.batches for image in batch.result()}
        return [drawn[request.row] for request in self.requests]


def _checking(check: Callable[[], None]) -> Callable[[Any, int, Any, dict[str, Any]], Any]:
    """A diffusers step callback that calls `check` and changes nothing."""

    def after_step(
        _pipeline: Any,  # noqa: ANN401
        _step: int,
        _timestep: Any,  # noqa: ANN401
        tensors: dict[str, Any],
    ) -> dict[str, Any]:
        check()
        return tensors

    return after_step


def _fill_rows(requests: Sequence[DrawRequest], micro_batch_size: int) -> list[DrawRequest]:
    """All rows of a micro-batch in order; free ones hold an empty prompt."""
    by_row = {request.row: request for request in requests}
    return [by_row.get(row, DrawRequest(row, "", "", 0)) for row in range(micro_batch_size)]
