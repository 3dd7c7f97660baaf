"""What is asked of the probe."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.errors import InputError, ModelError
from isekai_gen.models.finetune import TuneSettings
from isekai_gen.models.finetune_tower import TuneDtype
from isekai_gen.models.profile import resolve_dtype
from isekai_gen.models.spec import Device
from isekai_gen.settings import STARTER
from isekai_gen.stages.probe_style import AUTO

STARTER_LEARNING_RATE, LEARNING_RATE = 1e-4, 1e-5
"""For the starter encoder, of 0.0001 and 0.0005 the one at which plain fine-tuning costs fewer
held-out images of the demo (measured); for full-size towers, what is common for CLIP."""


@dataclass(frozen=True)
class ProbeRequest:
    """What to probe, and how.

    Attributes:
        out: Folder for results.
        encoder: The starter, ARCH/TAG or a folder; None for that of the settings.
        seeds: Distinct, at least one; intervals over seeds need two, and say little under three.
        epochs: Times that every training image is shown.
        batch: Images per step.
        learning_rate: The highest; None for what suits the encoder.
        distill_weight: Of the difference of features beside the cross-entropy.
        dtype: Number format of arithmetic; None for float32 on the CPU, bfloat16 on a GPU.
        hold_out: The other style, as `probe_style.choose_style` takes it.
        test_share: Of images held out, where the settings divide none by image, in (0, 1).
        save: Folder for trained weights, or None.
    """

    out: Path
    encoder: str | None = None
    seeds: tuple[int, ...] = (0, 1, 2)
    epochs: int = 6
    batch: int = 32
    learning_rate: float | None = None
    distill_weight: float = 1.0
    dtype: TuneDtype | None = None
    hold_out: str = AUTO
    test_share: float = 0.25
    save: Path | None = None

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) != len(self.seeds) or min(self.seeds) < 0:
            raise InputError(
                f"--seeds {','.join(map(str, self.seeds))}: give distinct numbers from 0 up, such "
                "as 0,1,2"
            )
        rates = [self.distill_weight, self.learning_rate or 0.0, self.test_share]
        if not all(math.isfinite(each) for each in rates):
            raise InputError(
                "--learning-rate, --distill-weight and --test-share must be finite numbers"
            )

    def tune_settings(self, encoder: str) -> TuneSettings:
        """How long and how fast an encoder is trained."""
        rate = self.learning_rate
        if rate is None:
            rate = STARTER_LEARNING_RATE if encoder == STARTER else LEARNING_RATE
        return TuneSettings(self.epochs, self.batch, rate, self.distill_weight)

    def dtype_on(self, device: Device) -> TuneDtype:
        """Number format of arithmetic on a device.

        Raises:
            ModelError: If that device has no bfloat16, and it was asked for.
        """
        if device.kind == "cpu":
            return self.dtype or "float32"
        if resolve_dtype("auto", device) == "bfloat16":
            return self.dtype or "bfloat16"
        if self.dtype == "bfloat16":
            raise ModelError(f"{device.name} has no bfloat16; use --dtype float32")
        return "float32"
