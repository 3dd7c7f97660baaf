"""What the rest of the project knows of image generators and encoders.

No heavy library is imported here: stages plan with these types; workers load the real thing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class LoraSpec:
    """A LoRA adapter and how strongly it is applied.

    Attributes:
        source: Local .safetensors file, folder, or Hub id.
        weight: Scale of the adapter; 1 is as trained.
    """

    source: str
    weight: float = 1.0


@dataclass(frozen=True)
class GeneratorSpec:
    """Which image generator to load, and how.

    Attributes:
        source: Hub id, local diffusers folder, or single .safetensors file.
        label: What records call it ("starter", a Hub id, the last part of a path).
        revision: Branch, tag or commit of a Hub model; None for its default branch.
        variant: Weights variant such as "fp16", or None.
        dtype: "auto", "float32", "float16" or "bfloat16", then ",COMPONENT=DTYPE" for components
            that differ; auto is float32 on the CPU.
        config: Local folder with the pipeline configuration of a single file, or None.
        vae: Folder or Hub id of a VAE in place of the model's own, or None.
        loras: Adapters, in the order they are applied.
        scheduler: "NAME" or "NAME:KEY=VALUE,..." in place of the model's own, or None.
        cache: Name of a step cache, or None.
        safety_checker: Whether the model's own safety checker is loaded, if it has one.
        compiled: Whether denoiser and VAE are compiled with torch.compile.
        reproducible: Whether schedulers and caches that cannot keep the promise are refused.
    """

    source: str
    label: str
    revision: str | None = None
    variant: str | None = None
    dtype: str = "auto"
    config: str | None = None
    vae: str | None = None
    loras: tuple[LoraSpec, ...] = ()
    scheduler: str | None = None
    cache: str | None = None
    safety_checker: bool = True
    compiled: bool = False
    reproducible: bool = True


@dataclass(frozen=True)
class GeneratorIdentity:
    """What an image generator is, known from its files without loading it.

    Attributes:
        label: As in the spec.
        revision: Resolved commit of a Hub model, or "".
        digest: SHA-256 over the names and bytes of the files the pipeline loads, with the
            weights of adapters and of a VAE in place of the model's own.
        pipeline: Diffusers class that will be used.
        scheduler: Scheduler class.
        scheduler_config_digest: SHA-256 over its canonical configuration; for one in place of the
            model's own, over both and what differs.
        default_size: (width, height) in pixels.
        default_steps: Denoising steps if the user names none.
        default_guidance: Guidance scale if the user names none.
        accepts_negative_prompt: Whether the pipeline uses a negative prompt.
        size_multiple: Width and height must be multiples of this.
        adapters: "label@weight#digest12" of each LoRA in the order they are applied, then
            "label@vae#digest12" of a VAE in place of the model's own.
    """

    label: str
    revision: str
    digest: str
    pipeline: str
    scheduler: str
    scheduler_config_digest: str
    default_size: tuple[int, int]
    default_steps: int
    default_guidance: float
    accepts_negative_prompt: bool
    size_multiple: int
    adapters: tuple[str, ...] = ()


@dataclass(frozen=True)
class DrawRequest:
    """One row of a micro-batch.

    Attributes:
        row: Place in the micro-batch; the pixels may depend on it.
        prompt: Text to draw.
        negative_prompt: Text not to draw, or "".
        seed: Seed of this image's own CPU noise generator, 0 <= seed < 2**63.
    """

    row: int
    prompt: str
    negative_prompt: str
    seed: int


@dataclass(frozen=True)
class DrawSettings:
    """What all rows of a run share.

    Attributes:
        width: Pixels.
        height: Pixels.
        num_inference_steps: Denoising steps.
        guidance_scale: Classifier-free guidance scale.
        micro_batch_size: Fixed batch shape; free rows are padded.
    """

    width: int
    height: int
    num_inference_steps: int
    guidance_scale: float
    micro_batch_size: int


@dataclass(frozen=True)
class DrawnImage:
    """The result for one request.

    Attributes:
        row: The request's row.
        pixels: uint8 [height, width, 3] RGB, or None if it failed.
        failure: "" or the reason: "not finite", "constant picture".
        safety_flagged: The safety checker's flag, which changes no pixel; None without a checker.
    """

    row: int
    pixels: Pixels | None
    failure: str
    safety_flagged: bool | None


class PendingDraw(Protocol):
    """A micro-batch that a device is working on."""

    def result(self) -> list[DrawnImage]:
        """Wait for the pictures; one result per request, in their order."""
        ...


class ImageGenerator(Protocol):
    """A loaded text-to-image pipeline on one device."""

    def start(
        self,
        requests: Sequence[DrawRequest],
        settings: DrawSettings,
        check: Callable[[], None] = lambda: None,
    ) -> PendingDraw:
        """Give up to `micro_batch_size` requests of distinct rows to the device.

        On a GPU this may return before the pictures are there, so that the caller can hand over
        the next micro-batch while this one is on its way.

        Args:
            requests: In any order; each at its own row.
            settings: Shared by all rows.
            check: Called between denoising steps; what it raises ends the drawing.

        Raises:
            ModelError: If the device runs out of memory or the model refuses the settings.
        """
        ...

    def draw(self, requests: Sequence[DrawRequest], settings: DrawSettings) -> list[DrawnImage]:
        """Draw a micro-batch and wait for it.

        The same request gives the same pixels whatever the other rows hold.

        Raises:
            ModelError: As `start`.
        """
        ...


@dataclass(frozen=True)
class EncoderSpec:
    """Which encoder to load.

    Attributes:
        source: "ARCH/TAG" of OpenCLIP (such as "ViT-B-32/laion2b_s34b_b79k"), a local folder in
            the layout of OpenCLIP or timm, or a TorchScript file or a folder with one.
        label: Name of its folder in a workspace.
    """

    source: str
    label: str


@dataclass(frozen=True)
class Device:
    """Where a worker runs.

    Attributes:
        name: "cpu" or "cuda:0", ...
    """

    name: str

    @property
    def kind(self) -> str:
        """Either "cpu" or "cuda"."""
        return self.name.partition(":")[0]


def starter_folder(name: str) -> Path:
    """Folder of an embedded starter model: "image-generator" or "encoder"."""
    return Path(__file__).resolve().parent.parent / "starter" / "weights" / name
