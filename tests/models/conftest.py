"""Tiny real models, built once a session; every test runs offline with an empty Hub cache."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from isekai_gen.models.spec import (
    Device,
    DrawnImage,
    DrawRequest,
    DrawSettings,
    GeneratorSpec,
    ImageGenerator,
)
from tests import tiny_models

CPU = Device("cpu")
BUILDERS: dict[str, Callable[[Path], Path]] = {
    "sd": tiny_models.build_tiny_sd,
    "sdxl": tiny_models.build_tiny_sdxl,
    "sd3": tiny_models.build_tiny_sd3,
    "flux": tiny_models.build_tiny_flux,
}


@pytest.fixture(autouse=True)
def hub_cache(tmp_path_factory, monkeypatch) -> Path:
    """Offline, with a Hub cache of this test's own."""
    import huggingface_hub.constants

    cache = tmp_path_factory.mktemp("hub-cache")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    return cache


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory) -> Callable[[str], Path]:
    """Folder of a tiny generator by family name; read-only, so tests copy before they break it."""
    root = tmp_path_factory.mktemp("tiny-models")

    def folder(name: str) -> Path:
        path = root / name
        return path if path.exists() else BUILDERS[name](path)

    return folder


@pytest.fixture(scope="session")
def tiny_generator(tiny_folder) -> Callable[[str], ImageGenerator]:
    """A loaded tiny generator by family name."""
    from isekai_gen.models.loading import load_generator

    loaded: dict[str, ImageGenerator] = {}

    def generator(name: str) -> ImageGenerator:
        if name not in loaded:
            loaded[name] = load_generator(GeneratorSpec(str(tiny_folder(name)), name), CPU)
        return loaded[name]

    return generator


@pytest.fixture(scope="session")
def tiny_encoder_folder(tmp_path_factory) -> Path:
    """Folder of a tiny OpenCLIP model; read-only."""
    return tiny_models.build_tiny_openclip(tmp_path_factory.mktemp("tiny-encoder") / "clip")


def settings(micro_batch_size: int = 4, **changes) -> DrawSettings:
    """Few steps, small pictures."""
    values = {
        "width": 32,
        "height": 32,
        "num_inference_steps": 2,
        "guidance_scale": 3.0,
        "micro_batch_size": micro_batch_size,
    }
    return DrawSettings(**{**values, **changes})


def draw_one(generator: ImageGenerator, **changes) -> DrawnImage:
    """One picture in row 0."""
    (image,) = generator.draw([DrawRequest(0, "a red hedgehog", "", 1)], settings(2, **changes))
    return image


def one_line(error: pytest.ExceptionInfo[BaseException]) -> str:
    """The message, having checked that it is one line without a path of this installation."""
    message = str(error.value)
    assert "\n" not in message
    assert "site-packages" not in message
    assert os.linesep not in message
    return message
