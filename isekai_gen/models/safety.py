"""A model's own safety checker, run beside its pipeline.

Inside the pipeline it would black out what it flags, and a black picture tells nobody what
happened. Here the picture stays as drawn and the flag goes into its record, for a filter and for
people to judge by.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isekai_gen.models.pending import FlagPictures


def take_out_safety_checker(pipeline: Any) -> FlagPictures | None:  # noqa: ANN401
    """Remove the checker from a diffusers pipeline; None if it has none.

    Returns:
        A function from pictures, uint8 [n, height, width, 3], to one flag each.
    """
    checker = getattr(pipeline, "safety_checker", None)
    extractor = getattr(pipeline, "feature_extractor", None)
    if checker is None or extractor is None:
        return None
    pipeline.safety_checker = None

    def flag(pixels: npt.NDArray[np.uint8]) -> list[bool]:
        import torch
        from PIL import Image

        first = next(checker.parameters())
        inputs = extractor([Image.fromarray(picture) for picture in pixels], return_tensors="pt")
        with torch.no_grad():
            # The checker blacks out the pictures it is given: it gets blanks of its own.
            _, flags = checker(
                images=np.zeros((len(pixels), 1, 1, 3), dtype=np.float32),
                clip_input=inputs.pixel_values.to(first.device, first.dtype),
            )
        return [bool(flagged) for flagged in flags]

    return flag
