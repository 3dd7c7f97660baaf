"""Train the starter's AutoencoderKL: 128 x 128 RGB to 32 x 32 x 4 latents and back.

Loss: L1 + L1 of horizontal and vertical differences (sharp outlines) + a small KL term. No
perceptual loss: it would need somebody's pretrained weights. After training the latents are
whitened per channel by folding mean and scale into the two 1 x 1 convolutions, so that the
pipeline's `scaling_factor` is 1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from isekai_gen.starter.training.clock import (
    Averages,
    ModuleState,
    StageClock,
    optimize,
    train_until_done,
)
from isekai_gen.starter.training.settings import TrainingSettings

_PEAK_RATE = 1e-3
_KL_WEIGHT = 1e-6
_EDGE_WEIGHT = 1.0
_EMA_DECAY = 0.999


def build_vae(settings: TrainingSettings) -> Any:  # noqa: ANN401 - diffusers is untyped
    """An untrained `AutoencoderKL`, f4 with 4 latent channels."""
    from diffusers import AutoencoderKL

    levels = len(settings.vae_channels)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=settings.vae_channels,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=128,
        mid_block_add_attention=False,
        scaling_factor=1.0,
        force_upcast=False,
    )


def to_unit_range(pictures: torch.Tensor) -> torch.Tensor:
    """uint8 [n, h, w, 3] to float32 [n, 3, h, w] in [-1, 1]."""
    return pictures.permute(0, 3, 1, 2).float() / 127.5 - 1


def _differences(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return images[..., 1:] - images[..., :-1], images[..., 1:, :] - images[..., :-1, :]


def _loss(vae: Any, pictures: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:  # noqa: ANN401
    images = to_unit_range(pictures)
    with torch.autocast(pictures.device.type, torch.bfloat16):
        moments = vae.quant_conv(vae.encoder(images))
        mean, log_variance = moments.float().chunk(2, dim=1)
        log_variance = log_variance.clamp(-30, 20)
        latents = mean + torch.exp(0.5 * log_variance) * noise
        decoded = vae.decoder(vae.post_quant_conv(latents)).float()
    edges = [
        F.l1_loss(a, b) for a, b in zip(_differences(decoded), _differences(images), strict=True)
    ]
    kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum((1, 2, 3)).mean()
    loss: torch.Tensor = (
        F.l1_loss(decoded, images) + _EDGE_WEIGHT * (edges[0] + edges[1]) + _KL_WEIGHT * kl
    )
    return loss


def train_vae(
    settings: TrainingSettings, pictures: torch.Tensor, folder: Path
) -> tuple[Any, StageClock]:
    """Train on `pictures` (uint8 [n, 128, 128, 3], on the device), resuming from `folder`.

    Returns:
        The autoencoder with averaged weights (EMA), latents not yet whitened, and the clock.
    """
    device = pictures.device
    torch.manual_seed(settings.seed + 1)
    vae = build_vae(settings).to(device)
    average = build_vae(settings).to(device).requires_grad_(False)
    average.load_state_dict(vae.state_dict())
    parameters = list(vae.parameters())
    averages = Averages(list(average.parameters()), parameters, _EMA_DECAY)
    optimizer = torch.optim.AdamW(
        parameters, lr=_PEAK_RATE, betas=(0.9, 0.99), fused=device.type == "cuda"
    )
    clock = StageClock(settings.vae_seconds)
    state = ModuleState({"vae": vae, "average": average}, optimizer)
    checkpoint = folder / "autoencoder.safetensors"
    if (saved := clock.restore(checkpoint)) is not None:
        state.load(saved)
    loss_of = torch.compile(_loss) if settings.compiled else _loss

    def step() -> torch.Tensor:
        rows = torch.randint(len(pictures), (settings.vae_batch,), device=device)
        noise = torch.randn(settings.vae_batch, 4, 32, 32, device=device)
        loss = loss_of(vae, pictures[rows], noise)
        loss = optimize(loss, optimizer, parameters, clock.rate(_PEAK_RATE))
        averages.update(clock.step)
        return loss

    train_until_done(clock, step, state, checkpoint, note_every=200)
    return average.eval(), clock


@torch.no_grad()
def encode_means(vae: Any, pictures: torch.Tensor, batch: int = 512) -> torch.Tensor:  # noqa: ANN401
    """Latent means, float16 [n, 4, 32, 32], of uint8 pictures [n, 128, 128, 3]."""
    means = []
    for start in range(0, len(pictures), batch):
        images = to_unit_range(pictures[start : start + batch])
        with torch.autocast(pictures.device.type, torch.bfloat16, enabled=images.is_cuda):
            mean = vae.quant_conv(vae.encoder(images))[:, :4]
        means.append(mean.half())
    return torch.cat(means)


@torch.no_grad()
def whiten(vae: Any, latents: torch.Tensor) -> torch.Tensor:  # noqa: ANN401
    """Fold per-channel mean and deviation into the 1 x 1 convolutions; returns whitened latents.

    Exact: encode then decode is unchanged, and latents have mean 0 and deviation 1 per channel.
    """
    values = latents.float()
    mean = values.mean((0, 2, 3))
    deviation = values.std((0, 2, 3))
    quant, post = vae.quant_conv, vae.post_quant_conv
    quant.weight[:4].div_(deviation[:, None, None, None])
    quant.bias[:4].sub_(mean).div_(deviation)
    quant.bias[4:].sub_(2 * deviation.log())
    post.bias.add_((post.weight[:, :, 0, 0] * mean).sum(1))
    post.weight.mul_(deviation[None, :, None, None])
    shape = (1, 4, 1, 1)
    return ((values - mean.view(shape)) / deviation.view(shape)).half()


@torch.no_grad()
def measure_psnr(vae: Any, pictures: torch.Tensor) -> float:  # noqa: ANN401
    """Peak signal-to-noise ratio in dB of decode(encode(x)) over uint8 pictures."""
    errors = []
    for start in range(0, len(pictures), 256):
        images = to_unit_range(pictures[start : start + 256])
        mean = vae.quant_conv(vae.encoder(images))[:, :4]
        decoded = vae.decoder(vae.post_quant_conv(mean)).clamp(-1, 1)
        errors.append(((decoded - images) / 2).pow(2).mean((1, 2, 3)))
    return float(-10 * torch.log10(torch.cat(errors).mean()))
