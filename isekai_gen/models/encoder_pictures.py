"""Pictures as an encoder wants them: size by Pillow one at a time, numbers for a batch at once.

torchvision's own `ToTensor` and `Normalize` do the same arithmetic in the same order, picture by
picture, with Python in between that lets no other thread run; the results are equal to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image

from isekai_gen.errors import ModelError
from isekai_gen.models.encoder_protocols import PreparedPicture
from isekai_gen.pixels import rgb_pixels

if TYPE_CHECKING:
    import torch

Resizing = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True)
class Preparation:
    """How an encoder's pictures are prepared.

    Attributes:
        steps: Make an RGB picture of any size one of the right size.
        mean: Subtracted from each channel, of values in 0..1.
        std: What each channel is divided by then.
    """

    steps: tuple[Resizing, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def resized(self, image: Image.Image) -> PreparedPicture:
        """uint8 [height, width, 3] of a picture of any size and mode."""
        picture = image if image.mode == "RGB" else image.convert("RGB")
        for step in self.steps:
            picture = step(picture)
        return rgb_pixels(picture)

    def normalizer(self, device: torch.device) -> Callable[[torch.Tensor], torch.Tensor]:
        """From uint8 [n, height, width, 3] to float32 [n, 3, height, width], on that device."""
        import torch

        # Divisors lie on the device: by a plain number, CUDA multiplies with its inverse, which
        # gives other bits than dividing.
        white = torch.tensor(255.0, device=device)
        mean = torch.tensor(self.mean, dtype=torch.float32, device=device).view(-1, 1, 1)
        std = torch.tensor(self.std, dtype=torch.float32, device=device).view(-1, 1, 1)

        def normalize(pictures: torch.Tensor) -> torch.Tensor:
            channels = pictures.permute(0, 3, 1, 2).contiguous()
            return channels.to(torch.float32).div_(white).sub_(mean).div_(std)

        return normalize


def preparation_of(transform: Any, where: str) -> Preparation:  # noqa: ANN401 - of torchvision
    """The preparation that a library composed for inference.

    Args:
        transform: Its `Compose`, which ends in `ToTensor` and `Normalize`.
        where: The encoder, for errors.

    Raises:
        ModelError: If it is anything else.
    """
    from torchvision.transforms import Normalize, ToTensor

    *steps, to_tensor, normalize = getattr(transform, "transforms", [None, None])
    if not (isinstance(to_tensor, ToTensor) and isinstance(normalize, Normalize)):
        found = type(normalize).__name__
        raise ModelError(
            f"{where}: prepares pictures in a way that is not supported (it ends in {found}, not "
            "in ToTensor and Normalize); choose another encoder"
        )
    steps = [step for step in steps if not _converts_to_rgb(step)]
    return Preparation(tuple(steps), _three(normalize.mean), _three(normalize.std))


def _converts_to_rgb(step: Resizing) -> bool:
    """Whether a step is OpenCLIP's conversion to RGB, which `Preparation.resized` begins with.

    By its name: OpenCLIP is not imported for encoders of others.
    """
    kind = type(step)
    return (kind.__module__, kind.__name__) == ("open_clip.transform", "MaybeConvertMode")


def _three(values: Sequence[float] | torch.Tensor) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
