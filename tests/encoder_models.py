"""Tiny encoders of pictures only: a folder of timm's and a TorchScript file, for tests."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from tests.tiny_models import seeded_and_quiet


def build_tiny_timm(folder: Path, **changes: Any) -> Path:
    """A vision transformer with a classifier, as timm itself saves it for the Hub."""
    import timm
    from timm.models import save_for_hf

    arguments = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 1, "num_heads": 2}
    with seeded_and_quiet():
        model = timm.create_model("vit_tiny_patch16_224", num_classes=7, **arguments)
        model.pretrained_cfg.update(input_size=(3, 32, 32), crop_pct=1.0, **changes)
        save_for_hf(model, str(folder), model_args=arguments, safe_serialization=True)
    return folder


def build_tiny_torchscript(path: Path, *, dim: int = 16, seed: int = 0) -> Path:
    """A copy detector as a program: float [n, 3, h, w] of any size to [n, dim]."""
    import torch

    with seeded_and_quiet(seed):
        network = torch.nn.Sequential(
            torch.nn.Conv2d(3, 32, 8, stride=8),
            torch.nn.Tanh(),
            torch.nn.AdaptiveAvgPool2d(4),
            torch.nn.Flatten(),
            torch.nn.Linear(32 * 16, dim),
        )
    return save_program(network, path)


def save_program(module: Any, path: Path) -> Path:
    """Write a module as TorchScript."""
    import torch

    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would rather have models exported
        torch.jit.save(torch.jit.script(module.eval()), str(path))
    return path
