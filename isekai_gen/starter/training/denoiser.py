"""Train the starter's UNet with its text encoder, jointly, from scratch.

v-prediction with zero terminal signal-to-noise ratio ("Common Diffusion Noise Schedules and Sample
Steps are Flawed", arXiv 2305.08891), uniform weight, stratified timesteps, 10 % empty captions for
classifier-free guidance, averaged weights (EMA) of both networks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from isekai_gen.starter.training.clock import (
    Averages,
    ModuleState,
    StageClock,
    optimize,
    train_until_done,
)
from isekai_gen.starter.training.settings import TrainingSettings

_PEAK_RATE = 7e-4
_EMA_DECAY = 0.9993
_EMPTY_SHARE = 0.1
_TIMESTEPS = 1000
_NOISE_POWER = 0.75


def build_unet(settings: TrainingSettings) -> Any:  # noqa: ANN401 - diffusers is untyped
    """An untrained `UNet2DConditionModel` for 32 x 32 x 4 latents."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=32,
        in_channels=4,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=settings.unet_channels,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=settings.text_width,
        # diffusers' name; in this class it is the number of heads
        attention_head_dim=settings.unet_heads,
        norm_num_groups=16,
        use_linear_projection=True,
    )


def build_text_encoder(settings: TrainingSettings, tokenizer: Any) -> Any:  # noqa: ANN401
    """An untrained `CLIPTextModel` for the tokenizer."""
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=settings.text_width,
            intermediate_size=4 * settings.text_width,
            projection_dim=settings.text_width,
            num_hidden_layers=settings.text_layers,
            num_attention_heads=4,
            max_position_embeddings=settings.context,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def noise_schedule() -> dict[str, Any]:
    """Arguments shared by the training schedule and the shipped scheduler."""
    return {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "prediction_type": "v_prediction",
        "rescale_betas_zero_snr": True,
        "clip_sample": False,
        "timestep_spacing": "trailing",
        "steps_offset": 1,
    }


def _signal_levels(device: torch.device) -> torch.Tensor:
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler(**noise_schedule())
    return torch.as_tensor(scheduler.alphas_cumprod, dtype=torch.float32, device=device)


class _Networks:
    """UNet and text encoder in training, and their averages.

    Attributes:
        modules: By name, as checkpoints hold them.
        parameters: What the optimizer moves.
        averages: Follows `parameters`.
    """

    def __init__(self, settings: TrainingSettings, tokenizer: Any, device: torch.device) -> None:  # noqa: ANN401
        self.unet = build_unet(settings).to(device)
        self.text = build_text_encoder(settings, tokenizer).to(device)
        self.unet_average = build_unet(settings).to(device).requires_grad_(False)
        self.text_average = build_text_encoder(settings, tokenizer).to(device).requires_grad_(False)
        self.unet_average.load_state_dict(self.unet.state_dict())
        self.text_average.load_state_dict(self.text.state_dict())
        self.modules: dict[str, torch.nn.Module] = {
            "unet": self.unet,
            "text": self.text,
            "unet_average": self.unet_average,
            "text_average": self.text_average,
        }
        self.parameters = [*self.unet.parameters(), *self.text.parameters()]
        averaged = [*self.unet_average.parameters(), *self.text_average.parameters()]
        self.averages = Averages(averaged, self.parameters, _EMA_DECAY)

    def loss(
        self, clean: torch.Tensor, ids: torch.Tensor, level: torch.Tensor, times: torch.Tensor
    ) -> torch.Tensor:
        """Mean squared error of the predicted velocity at signal level [n, 1, 1, 1]."""
        noise = torch.randn_like(clean)
        noisy = level.sqrt() * clean + (1 - level).sqrt() * noise
        target = level.sqrt() * noise - (1 - level).sqrt() * clean
        with torch.autocast(clean.device.type, torch.bfloat16):
            context = self.text(input_ids=ids, return_dict=False)[0]
            predicted = self.unet(noisy, times, encoder_hidden_states=context, return_dict=False)
        return torch.nn.functional.mse_loss(predicted[0].float(), target)


class _Samples:
    """Random batches of latents, token ids and timesteps."""

    def __init__(
        self, latents: torch.Tensor, tokens: torch.Tensor, empty: torch.Tensor, batch: int
    ) -> None:
        self._latents, self._tokens, self._empty = latents, tokens, empty
        self._batch = batch
        self._offsets = torch.arange(batch, device=latents.device)

    def draw(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Latents float32 [batch, 4, 32, 32], ids int64 [batch, context], times int64 [batch]."""
        batch, device = self._batch, self._latents.device
        rows = torch.randint(len(self._latents), (batch,), device=device)
        captions = torch.randint(self._tokens.shape[1], (batch,), device=device)
        ids = self._tokens[rows, captions].long()
        dropped = torch.rand(batch, 1, device=device) < _EMPTY_SHARE
        ids = torch.where(dropped, self._empty, ids)
        # One timestep in each of `batch` slices: less variance than independent draws. The power
        # favors high noise, where the picture's composition is decided.
        share = (self._offsets + torch.rand(batch, device=device)) / batch
        times = (share**_NOISE_POWER * _TIMESTEPS).long().clamp(max=_TIMESTEPS - 1)
        return self._latents[rows].float(), ids, times


def train_denoiser(
    settings: TrainingSettings,
    latents: torch.Tensor,
    tokens: torch.Tensor,
    tokenizer: Any,  # noqa: ANN401 - untyped library
    folder: Path,
) -> tuple[Any, Any, StageClock]:
    """Train on whitened latents, resuming from `folder`.

    Args:
        settings: Sizes and budget.
        latents: float16 [n, 4, 32, 32] on the device.
        tokens: int16 [n, captions, context] on the device.
        tokenizer: The tokenizer of `tokens`.
        folder: Where checkpoints lie.

    Returns:
        UNet and text encoder with averaged weights, and the clock.
    """
    device = latents.device
    torch.manual_seed(settings.seed + 2)
    networks = _Networks(settings, tokenizer, device)
    optimizer = torch.optim.AdamW(
        networks.parameters, lr=_PEAK_RATE, betas=(0.9, 0.99), fused=device.type == "cuda"
    )
    state = ModuleState(networks.modules, optimizer)
    clock = StageClock(settings.unet_seconds)
    checkpoint = folder / "denoiser.safetensors"
    if (saved := clock.restore(checkpoint)) is not None:
        state.load(saved)
    signal = _signal_levels(device)
    empty = torch.as_tensor(
        tokenizer("", padding="max_length", max_length=settings.context).input_ids, device=device
    )
    samples = _Samples(latents, tokens, empty, settings.unet_batch)
    loss_of = torch.compile(networks.loss) if settings.compiled else networks.loss

    def step() -> torch.Tensor:
        clean, ids, times = samples.draw()
        loss = loss_of(clean, ids, signal[times].view(-1, 1, 1, 1), times)
        loss = optimize(loss, optimizer, networks.parameters, clock.rate(_PEAK_RATE))
        networks.averages.update(clock.step)
        return loss

    train_until_done(clock, step, state, checkpoint, note_every=250)
    return networks.unet_average.eval(), networks.text_average.eval(), clock
