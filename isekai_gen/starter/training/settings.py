"""Sizes and budgets of the starter's training; the card records them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingSettings:
    """Everything that a training run may vary.

    The learning rates follow the clock: each stage anneals over its seconds, so that a run ends
    on time on any hardware; the card says how many samples that gave.

    Attributes:
        seed: Base of every random choice.
        pictures: Rendered pictures for training.
        captions: Captions for each picture.
        judge_pictures: Rendered pictures for the judge, over the 40 categories.
        context: Tokens of a prompt.
        vocabulary: Size of the tokenizer's vocabulary, at most.
        vae_channels: Channels of the autoencoder's three levels.
        unet_channels: Channels of the denoiser's three levels.
        unet_heads: Attention heads of those levels; 16 channels a head.
        text_width: Width of the text encoder.
        text_layers: Layers of the text encoder.
        clip_size: Side in pixels that the OpenCLIP model sees.
        clip_patch: Side of its patches.
        clip_width: Width of its image tower.
        clip_layers: Layers of its image tower.
        clip_text_width: Width of its text tower.
        clip_text_layers: Layers of its text tower.
        clip_dim: Length of an embedding.
        vae_batch: Pictures in a step of the autoencoder.
        unet_batch: Latents in a step of the denoiser.
        clip_batch: Pairs in a step of the OpenCLIP model.
        judge_batch: Pictures in a step of the judge.
        vae_seconds: Clock of the autoencoder, compilation not counted.
        unet_seconds: Clock of the denoiser, compilation not counted.
        clip_seconds: Clock of the OpenCLIP model, compilation not counted.
        judge_seconds: Clock of the judge, compilation not counted.
        compiled: Whether to use torch.compile.
    """

    seed: int = 0
    pictures: int = 256_000
    captions: int = 4
    judge_pictures: int = 60_000
    context: int = 32
    vocabulary: int = 1_000
    vae_channels: tuple[int, ...] = (32, 64, 96)
    unet_channels: tuple[int, ...] = (64, 112, 176)
    unet_heads: tuple[int, ...] = (4, 7, 11)
    text_width: int = 128
    text_layers: int = 4
    clip_size: int = 96
    clip_patch: int = 12
    clip_width: int = 192
    clip_layers: int = 6
    clip_text_width: int = 160
    clip_text_layers: int = 4
    clip_dim: int = 256
    vae_batch: int = 192
    unet_batch: int = 1024
    clip_batch: int = 3072
    judge_batch: int = 512
    vae_seconds: float = 230
    unet_seconds: float = 730
    clip_seconds: float = 110
    judge_seconds: float = 35
    compiled: bool = True

    @classmethod
    def smoke(cls) -> TrainingSettings:
        """A run of seconds a stage, to see that everything works; its models draw nothing."""
        return cls(
            pictures=6_000,
            judge_pictures=2_000,
            vae_seconds=4,
            unet_seconds=4,
            clip_seconds=4,
            judge_seconds=4,
        )

    @classmethod
    def tiny(cls) -> TrainingSettings:
        """A run for tests on a CPU: the same code, next to no work."""
        return cls(
            pictures=48,
            captions=2,
            judge_pictures=80,
            vae_channels=(16, 16, 16),
            unet_channels=(16, 16, 16),
            unet_heads=(1, 1, 1),
            text_width=32,
            text_layers=1,
            clip_width=32,
            clip_layers=1,
            clip_text_width=32,
            clip_text_layers=1,
            clip_dim=32,
            vae_batch=4,
            unet_batch=4,
            clip_batch=8,
            judge_batch=8,
            vae_seconds=0.5,
            unet_seconds=0.5,
            clip_seconds=0.5,
            judge_seconds=0.5,
            compiled=False,
        )
