"""preprocess.json beside a TorchScript file: how pictures are prepared for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from isekai_gen.errors import ModelError
from isekai_gen.models.folders import read_json

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Preprocess(BaseModel):
    """How pictures are prepared; the defaults are those of SSCD's published copy detectors.

    Attributes:
        size: Side of the square that the model gets, in pixels.
        resize_mode: "squash" resizes both sides to it; "shortest" the shorter side, and takes the
            square in the middle.
        interpolation: Of the resizing.
        mean: Of red, green and blue, subtracted from values in 0..1; ImageNet's by default.
        std: What red, green and blue are divided by then.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: Annotated[int, Field(ge=8, le=2048)] = 288
    resize_mode: Literal["squash", "shortest"] = "squash"
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    mean: tuple[Finite, Finite, Finite] = (0.485, 0.456, 0.406)
    std: tuple[Positive, Positive, Positive] = (0.229, 0.224, 0.225)


def read_preprocess(path: Path | None) -> Preprocess:
    """What the file says; the defaults where there is none.

    Raises:
        ModelError: If it is not readable, or has an unknown key or a wrong value.
    """
    if path is None or not path.exists():
        return Preprocess()
    try:
        return Preprocess.model_validate(read_json(path))
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ModelError(f"{path}: {'; '.join(faults)}; correct it") from error
