"""Train the starter's UNet with its text encoder, jointly, from scratch.

v-prediction with zero terminal signal-to-noise ratio ("Common Diffusion Noise Schedules and Sample
Steps are Flawed", arXiv 2305.08891), uniform weight, stratified timesteps, 10 % empty captions for
classifier-free guidance, averaged weights (EMA) of both networks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from isekai_gen.starter.training.clock import ModuleState, StageClock
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
    unet = build_unet(settings).to(device)
    text_encoder = build_text_encoder(settings, tokenizer).to(device)
    unet_average = build_unet(settings).to(device).requires_grad_(False)
    text_average = build_text_encoder(settings, tokenizer).to(device).requires_grad_(False)
    unet_average.load_state_dict(unet.state_dict())
    text_average.load_state_dict(text_encoder.state_dict())
    parameters = [*unet.parameters(), *text_encoder.parameters()]
    averaged = [*unet_average.parameters(), *text_average.parameters()]
    optimizer = torch.optim.AdamW(
        parameters, lr=_PEAK_RATE, betas=(0.9, 0.99), fused=device.type == "cuda"
    )
    modules = {"unet": unet, "text": text_encoder, "unet_average": unet_average,
               "text_average": text_average}  # fmt: skip
    state = ModuleState(modules, optimizer)
    clock = StageClock(settings.unet_seconds)
    checkpoint = folder / "denoiser.safetensors"
    if (saved := clock.restore(checkpoint)) is not None:
        state.load(saved)
    signal = _signal_levels(device)
    empty = torch.as_tensor(
        tokenizer("", padding="max_length", max_length=settings.context).input_ids, device=device
    )
    batch = settings.unet_batch

    def loss_of(
        clean: torch.Tensor, ids: torch.Tensor, noise: torch.Tensor, times: torch.Tensor
    ) -> torch.Tensor:
        level = signal[times].view(-1, 1, 1, 1)
        noisy = level.sqrt() * clean + (1 - level).sqrt() * noise
        target = level.sqrt() * noise - (1 - level).sqrt() * clean
        with torch.autocast(device.type, torch.bfloat16):
            context = text_encoder(input_ids=ids, return_dict=False)[0]
            predicted = unet(noisy, times, encoder_hidden_states=context, return_dict=False)[0]
        return torch.nn.functional.mse_loss(predicted.float(), target)

    compiled = torch.compile(loss_of) if settings.compiled else loss_of
    offsets = torch.arange(batch, device=device)

    def step() -> torch.Tensor:
        rows = torch.randint(len(latents), (batch,), device=device)
        captions = torch.randint(tokens.shape[1], (batch,), device=device)
        ids = tokens[rows, captions].long()
        ids = torch.where(torch.rand(batch, 1, device=device) < _EMPTY_SHARE, empty, ids)
        # One timestep in each of `batch` slices: less variance than independent draws. The power
        # favors high noise, where the picture's composition is decided.
        share = (offsets + torch.rand(batch, device=device)) / batch
        times = (share**_NOISE_POWER * _TIMESTEPS).long().clamp(max=_TIMESTEPS - 1)
        clean = latents[rows].float()
        for group in optimizer.param_groups:
            group["lr"] = clock.rate(_PEAK_RATE)
        loss = compiled(clean, ids, torch.randn_like(clean), times)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        decay = min(_EMA_DECAY, (clock.step + 1) / (clock.step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(averaged, parameters, 1 - decay)
        clock.step += 1
        return loss.detach()

    if clock.share < 1:
        step()  # compiles
        clock.start()
    while clock.share < 1:
        loss = step()
        if clock.step % 250 == 0:
            clock.note(loss, "denoiser")
        if clock.checkpoint_due():
            clock.save(checkpoint, state.tensors())
    clock.save(checkpoint, state.tensors())
    return unet_average.eval(), text_average.eval(), clock
