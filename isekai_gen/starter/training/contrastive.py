"""Train the starter's OpenCLIP model on renders and captions.

Two losses: image against caption (CLIP, arXiv 2103.00020), and image against a near-duplicate of
itself (SimCLR, arXiv 2002.05709), so that similarity between images tells copies from other
pictures of the same concept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from isekai_gen.starter.training.augment import near_duplicates
from isekai_gen.starter.training.clock import (
    ModuleState,
    StageClock,
    optimize,
    train_until_done,
)
from isekai_gen.starter.training.settings import TrainingSettings

_PEAK_RATE = 1e-3
_COPY_WEIGHT = 0.5
_COPY_SCALE = 12.0
MEAN = DEVIATION = (0.5, 0.5, 0.5)


def clip_config(settings: TrainingSettings, vocabulary: int, end: int) -> dict[str, Any]:
    """OpenCLIP's model configuration (`model_cfg`)."""
    return {
        "embed_dim": settings.clip_dim,
        "vision_cfg": {
            "image_size": settings.clip_size,
            "layers": settings.clip_layers,
            "width": settings.clip_width,
            "head_width": 32,
            "patch_size": settings.clip_patch,
        },
        "text_cfg": {
            "context_length": settings.context,
            "vocab_size": vocabulary,
            "hf_tokenizer_name": "./",
            "width": settings.clip_text_width,
            "heads": settings.clip_text_width // 32,
            "layers": settings.clip_text_layers,
            "pool_type": "eos",
            "eos_id": end,
        },
    }


def build_clip(settings: TrainingSettings, tokenizer: Any) -> Any:  # noqa: ANN401 - untyped
    """An untrained OpenCLIP `CLIP` for the tokenizer."""
    from open_clip.model import CLIP

    config = clip_config(settings, len(tokenizer), tokenizer.eos_token_id)
    text = {key: v for key, v in config["text_cfg"].items() if key != "hf_tokenizer_name"}
    return CLIP(config["embed_dim"], vision_cfg=config["vision_cfg"], text_cfg=text)


def shrink(pictures: torch.Tensor, side: int) -> torch.Tensor:
    """uint8 [n, h, w, 3] to float32 [n, 3, side, side] in [0, 1], as the encoder resizes."""
    images = pictures.permute(0, 3, 1, 2).float() / 255
    size = (side, side)
    return F.interpolate(images, size=size, mode="bicubic", antialias=True).clamp(0, 1)


def _matching_loss(logits: torch.Tensor) -> torch.Tensor:
    target = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def _loss(
    model: Any,  # noqa: ANN401 - an open_clip model
    images: torch.Tensor,
    copies: torch.Tensor,
    ids: torch.Tensor,
) -> torch.Tensor:
    with torch.autocast(images.device.type, torch.bfloat16):
        both = torch.cat([images, copies]) * 2 - 1
        vectors = F.normalize(model.encode_image(both).float(), dim=1)
        text = F.normalize(model.encode_text(ids).float(), dim=1)
    first, second = vectors.chunk(2)
    scale = model.logit_scale.exp()
    matching = _matching_loss(scale * first @ text.T) + _matching_loss(scale * second @ text.T)
    return matching / 2 + _COPY_WEIGHT * _matching_loss(_COPY_SCALE * first @ second.T)


def train_clip(
    settings: TrainingSettings,
    pictures: torch.Tensor,
    tokens: torch.Tensor,
    tokenizer: Any,  # noqa: ANN401 - untyped library
    folder: Path,
) -> tuple[Any, StageClock]:
    """Train on uint8 pictures [n, 128, 128, 3] and int16 tokens [n, captions, context].

    Returns:
        The model and the clock.
    """
    device = pictures.device
    torch.manual_seed(settings.seed + 3)
    model = build_clip(settings, tokenizer).to(device)
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(
        parameters,
        lr=_PEAK_RATE,
        betas=(0.9, 0.98),
        weight_decay=0.1,
        fused=device.type == "cuda",
    )
    state = ModuleState({"clip": model}, optimizer)
    clock = StageClock(settings.clip_seconds)
    checkpoint = folder / "clip.safetensors"
    if (saved := clock.restore(checkpoint)) is not None:
        state.load(saved)
    batch = settings.clip_batch

    def loss_of(images: torch.Tensor, copies: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        return _loss(model, images, copies, ids)

    compiled = torch.compile(loss_of) if settings.compiled else loss_of

    def step() -> torch.Tensor:
        rows = torch.randint(len(pictures), (batch,), device=device)
        captions = torch.randint(tokens.shape[1], (batch,), device=device)
        images = shrink(pictures[rows], settings.clip_size)
        loss = compiled(images, near_duplicates(images), tokens[rows, captions].long())
        loss = optimize(loss, optimizer, parameters, clock.rate(_PEAK_RATE))
        with torch.no_grad():
            model.logit_scale.clamp_(0, 4.6052)  # at most 100, as CLIP
        return loss

    train_until_done(clock, step, state, checkpoint, note_every=100)
    return model.eval(), clock
