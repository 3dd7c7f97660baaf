"""Draw a part of a picture anew with the image generator that drew it, where its family can.

Diffusers has an inpainting pipeline for some families, which shares the loaded parts of the
text-to-image one. For others there is no way round: an error, never another model.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from isekai_gen.errors import ModelError
from isekai_gen.models.honored import HonorCheck
from isekai_gen.models.loading import load_pipeline
from isekai_gen.models.quiet import quiet_libraries
from isekai_gen.models.safety import take_out_safety_checker
from isekai_gen.models.spec import Device, DrawRequest, DrawSettings, GeneratorSpec
from isekai_gen.pixels import RgbPixels

Flags = npt.NDArray[np.bool_]


class NotFiniteError(ModelError):
    """One picture came out as what is not a number; others need not."""


@dataclass(frozen=True)
class InpaintRequest:
    """What to draw where the mask is.

    Attributes:
        prompt: Text to draw.
        negative_prompt: Text not to draw, or "".
        seed: Of the noise, 0 <= seed < 2**63.
        num_inference_steps: Denoising steps.
        guidance_scale: Classifier-free guidance scale.
        strength: How much of what was there is replaced by noise, in (0, 1]; 1 leaves nothing.
    """

    prompt: str
    negative_prompt: str
    seed: int
    num_inference_steps: int
    guidance_scale: float
    strength: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.strength <= 1:
            raise ValueError(f"strength must be in (0, 1], got {self.strength}")
        # Steps that start later than the first are left out; none left would draw nothing.
        if self.num_inference_steps * self.strength < 1:
            raise ValueError(
                f"{self.num_inference_steps} steps at strength {self.strength} are none at all"
            )


class Inpainter:
    """An image generator's parts as an inpainting pipeline."""

    def __init__(self, pipeline: Any, label: str) -> None:  # noqa: ANN401 - a diffusers pipeline
        """Around a loaded text-to-image pipeline.

        Args:
            pipeline: Its parts are shared, not copied, and its safety checker is taken out.
            label: What errors call it.

        Raises:
            ModelError: If its family cannot inpaint.
        """
        require_inpainting(type(pipeline).__name__, label)
        with quiet_libraries():
            from diffusers import AutoPipelineForInpainting
        # It would black out what it flags, and a black patch tells nobody why.
        take_out_safety_checker(pipeline)
        self._label = label
        self._honors = HonorCheck(
            pipeline, label, frozenset(inspect.signature(pipeline.__call__).parameters)
        )
        try:
            with quiet_libraries():
                self._pipeline: Any = AutoPipelineForInpainting.from_pipe(pipeline)
        except Exception as error:  # diffusers raises nearly every type for parts that do not fit
            detail = " ".join(str(error).split())[:300]
            raise ModelError(
                f"{label}: its parts do not make an inpainting pipeline "
                f"({type(error).__name__}: {detail}); choose another refill"
            ) from error
        self._pipeline.set_progress_bar_config(disable=True)

    def inpaint(self, picture: RgbPixels, masked: Flags, request: InpaintRequest) -> RgbPixels:
        """Draw one picture; alone, so that its bits depend on nothing else.

        Args:
            picture: uint8 [height, width, 3], of a size the model can draw.
            masked: bool [height, width], True on what is drawn anew; at least one pixel.
            request: What to draw there.

        Returns:
            uint8 [height, width, 3]; pixels outside the mask may have changed a little, too.

        Raises:
            ModelError: If the model would ignore a setting, refuses the size, or runs out of
                memory.
            NotFiniteError: If it draws what is not a number.
        """
        import torch

        height, width = picture.shape[:2]
        if masked.shape != (height, width) or not masked.any():
            raise ValueError(f"a mask must cover a part of {height} x {width} pixels")
        self._check(request, width, height)
        try:
            with quiet_libraries(), torch.inference_mode():
                drawn = self._pipeline(**self._arguments(picture, masked, request)).images
        except torch.OutOfMemoryError as error:
            raise ModelError(
                f"{self._label}: out of memory when inpainting {width} x {height}; use a device "
                "with more memory, or another refill"
            ) from error
        except Exception as error:  # pipelines refuse settings with every type of exception
            detail = " ".join(str(error).split())[:300]
            raise ModelError(
                f"{self._label}: {type(self._pipeline).__name__} cannot inpaint {width} x {height} "
                f"({type(error).__name__}: {detail}); choose other settings or another refill"
            ) from error
        return self._pixels(np.asarray(drawn[0]), (height, width, 3))

    def _check(self, request: InpaintRequest, width: int, height: int) -> None:
        steps, guidance = request.num_inference_steps, request.guidance_scale
        draw = DrawRequest(0, request.prompt, request.negative_prompt, request.seed)
        self._honors.check([draw], DrawSettings(width, height, steps, guidance, 1))

    def _arguments(
        self, picture: RgbPixels, masked: Flags, request: InpaintRequest
    ) -> dict[str, Any]:
        import torch

        height, width = masked.shape
        arguments: dict[str, Any] = {
            "prompt": request.prompt,
            "image": Image.fromarray(picture),
            "mask_image": Image.fromarray(masked.astype(np.uint8) * 255),
            "width": width,
            "height": height,
            "strength": request.strength,
            "num_inference_steps": request.num_inference_steps,
            "generator": torch.Generator("cpu").manual_seed(request.seed),
            "output_type": "np",
        }
        if self._honors.takes_guidance:
            arguments["guidance_scale"] = request.guidance_scale
        if request.negative_prompt:
            arguments["negative_prompt"] = request.negative_prompt
        return arguments

    def _pixels(self, drawn: npt.NDArray[np.float32], shape: tuple[int, ...]) -> RgbPixels:
        if drawn.shape != shape:
            raise ModelError(
                f"{self._label}: asked for pixels {list(shape)}, the model drew "
                f"{list(drawn.shape)}; use pictures of a size that it can draw"
            )
        if not np.isfinite(drawn).all():
            raise NotFiniteError("the model drew what is not a number; use another dtype or refill")
        made: RgbPixels = np.round(drawn.clip(0, 1) * 255).astype(np.uint8)
        return made


def load_inpainter(spec: GeneratorSpec, device: Device) -> Inpainter:
    """Load an image generator to inpaint with.

    Raises:
        ModelError: If it cannot be loaded, or its family cannot inpaint.
    """
    return Inpainter(load_pipeline(spec, device), spec.label)


def require_inpainting(pipeline: str, label: str) -> None:
    """Raise ModelError if diffusers has no inpainting for a text-to-image class.

    Args:
        pipeline: Name of the class.
        label: The model, for the error.
    """
    with quiet_libraries():
        from diffusers.pipelines.auto_pipeline import (
            AUTO_INPAINT_PIPELINES_MAPPING,
            _get_task_class,
        )

    if _get_task_class(AUTO_INPAINT_PIPELINES_MAPPING, pipeline, False) is None:
        raise ModelError(
            f"{label}: {pipeline} draws whole pictures only, there is no inpainting with it; "
            "choose another refill, or a model of Stable Diffusion or Flux"
        )
