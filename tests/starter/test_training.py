"""Training the starter: the whole command on a CPU, and that it resumes where it was stopped."""

import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors import safe_open

from isekai_gen.models.encoders import load_encoder
from isekai_gen.models.loading import load_generator
from isekai_gen.models.spec import (
    Device,
    DrawRequest,
    DrawSettings,
    EncoderSpec,
    GeneratorSpec,
    starter_folder,
)
from isekai_gen.starter.render.captions import write_caption
from isekai_gen.starter.render.sketch import sample_sketch
from isekai_gen.starter.training import autoencoder
from isekai_gen.starter.training.augment import near_duplicates
from isekai_gen.starter.training.clock import ModuleState, StageClock
from isekai_gen.starter.training.settings import TrainingSettings
from isekai_gen.starter.training.tokens import WordCache

REPOSITORY = Path(__file__).resolve().parents[2]
STAGES = ["render", "autoencoder", "denoiser", "clip", "judge", "judge on fresh renders"]


@dataclass(frozen=True)
class ResumedTraining:
    """A run of the command that was killed after its first stage, and run again.

    Attributes:
        out: Exported models.
        work: Renders and checkpoints.
        rendered: File name to (bytes, time of change) of the renders when the first was killed.
        first_steps: Steps of the autoencoder when the first was killed.
        card: The training card of the second.
    """

    out: Path
    work: Path
    rendered: dict[str, tuple[bytes, int]]
    first_steps: int
    card: dict


def clock_of(checkpoint: Path) -> dict:
    with safe_open(checkpoint, framework="np") as file:
        return json.loads(file.metadata()["clock"])


def renders_in(work: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(work.glob("*.npy"))
    }


@pytest.fixture(scope="module")
def training(tmp_path_factory) -> ResumedTraining:
    folder = tmp_path_factory.mktemp("training")
    out, work = folder / "out", folder / "work"
    command = [sys.executable, "-m", "isekai_gen.starter.training", str(out), "--work", str(work)]
    command += ["--preset", "tiny"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "CUDA_VISIBLE_DEVICES": ""}
    checkpoint = work / "autoencoder.safetensors"
    with (folder / "log").open("w+") as log:
        first = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        while not checkpoint.exists() and first.poll() is None:
            time.sleep(0.02)
        first.kill()
        first.wait()
        log.seek(0)
        assert first.returncode == -signal.SIGKILL, log.read()
    rendered, first_steps = renders_in(work), clock_of(checkpoint)["step"]
    second = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stderr
    card = json.loads((out / "training.json").read_text())
    return ResumedTraining(out, work, rendered, first_steps, card)


@pytest.mark.slow
def test_a_killed_training_goes_on_from_its_renders_and_checkpoints(training):
    assert training.rendered.keys() == {
        "train.npy",
        "train-tokens.npy",
        "judge.npy",
        "judge-tokens.npy",
    }
    assert renders_in(training.work) == training.rendered
    assert training.card["stages"]["autoencoder"]["steps"] == training.first_steps > 0
    assert clock_of(training.work / "autoencoder.safetensors")["step"] == training.first_steps


@pytest.mark.slow
def test_the_card_says_what_was_done(training):
    assert list(training.card["stages"])[: len(STAGES)] == STAGES
    tiny = json.loads(json.dumps(TrainingSettings.tiny().__dict__))
    assert training.card["settings"] == tiny
    assert training.card["hardware"] == "cpu"
    for stage in ("denoiser", "clip", "judge"):
        assert training.card["stages"][stage]["steps"] > 0
        assert training.card["stages"][stage]["seconds"] >= 0.5
    assert math.isfinite(training.card["stages"]["autoencoder"]["psnr_db"])
    assert training.card["wall_seconds"] > 1


@pytest.mark.slow
def test_trained_models_load_like_any_other(training):
    spec = GeneratorSpec(str(training.out / "image-generator"), "trained")
    drawn = load_generator(spec, Device("cpu")).draw(
        [DrawRequest(0, "a crab with a clock face", "", 3)], DrawSettings(128, 128, 2, 3.0, 1)
    )
    assert drawn[0].failure == ""
    assert drawn[0].pixels.shape == (128, 128, 3)
    encoder = load_encoder(EncoderSpec(str(training.out / "encoder"), "trained"), Device("cpu"))
    assert encoder.encode_images([Image.fromarray(drawn[0].pixels)]).shape == (1, encoder.dim)
    assert encoder.dim == TrainingSettings.tiny().clip_dim
    assert (training.out / "judge.safetensors").stat().st_size > 100_000


@pytest.mark.slow
def test_export_has_the_layout_of_the_shipped_models(training):
    """What training writes can be put in the place of what is shipped."""
    for name in ("image-generator", "encoder"):
        shipped, made = starter_folder(name), training.out / name
        files = {path.relative_to(made) for path in made.rglob("*") if path.is_file()}
        expected = {path.relative_to(shipped) for path in shipped.rglob("*") if path.is_file()}
        assert files == expected - {Path("isekai_gen.json")}  # the recommended steps are chosen


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (16, 8, 8, 3), dtype=np.uint8)
    return torch.from_numpy(coarse.repeat(16, axis=1).repeat(16, axis=2))


def test_a_stage_stopped_in_the_middle_goes_on_with_its_clock_and_steps(pictures, tmp_path):
    brief = replace(TrainingSettings.tiny(), vae_seconds=0.05)
    _, stopped = autoencoder.train_vae(brief, pictures, tmp_path)
    before = clock_of(tmp_path / "autoencoder.safetensors")
    assert before["step"] == stopped.step > 0
    longer = replace(brief, vae_seconds=before["elapsed"] + 0.3)
    started = time.monotonic()
    _, resumed = autoencoder.train_vae(longer, pictures, tmp_path)
    took = time.monotonic() - started
    assert resumed.step > stopped.step
    after = clock_of(tmp_path / "autoencoder.safetensors")
    assert after["step"] == resumed.step
    assert longer.vae_seconds <= after["elapsed"] <= before["elapsed"] + took


def test_a_finished_stage_gives_its_checkpoints_weights_and_trains_no_further(pictures, tmp_path):
    brief = replace(TrainingSettings.tiny(), vae_seconds=0.05)
    first, stopped = autoencoder.train_vae(brief, pictures, tmp_path)
    other_seed = replace(brief, seed=99)  # so that equal weights can only come from the file
    again, resumed = autoencoder.train_vae(other_seed, pictures, tmp_path)
    assert resumed.step == stopped.step
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name


def small_training(seed: int) -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(seed)
    module = torch.nn.Linear(3, 2)
    return module, torch.optim.AdamW(module.parameters(), lr=0.1, betas=(0.9, 0.99))


def train_a_little(module: torch.nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> None:
    inputs = torch.arange(12.0).reshape(4, 3)
    for _ in range(steps):
        optimizer.zero_grad()
        module(inputs).pow(2).mean().backward()
        optimizer.step()


def test_a_checkpoint_holds_the_optimizer_and_the_clock_too(tmp_path):
    module, optimizer = small_training(seed=1)
    clock = StageClock(10)
    clock.start()
    train_a_little(module, optimizer, 3)
    clock.step = 3
    clock.losses.append((3, 0.5))
    file = tmp_path / "stage.safetensors"
    clock.save(file, ModuleState({"m": module}, optimizer).tensors())
    train_a_little(module, optimizer, 2)

    other, its_optimizer = small_training(seed=2)
    restored = StageClock(10)
    ModuleState({"m": other}, its_optimizer).load(restored.restore(file))
    train_a_little(other, its_optimizer, 2)
    assert torch.equal(module.weight, other.weight)
    assert torch.equal(module.bias, other.bias)
    assert (restored.step, restored.losses) == (3, [(3, 0.5)])
    saved = clock_of(file)["elapsed"]
    assert saved > 0
    assert restored.elapsed == saved  # stands still until it is started
    restored.start()
    assert restored.elapsed > saved
    assert not list(tmp_path.glob("*.tmp"))


def test_without_a_checkpoint_a_clock_starts_at_zero(tmp_path):
    clock = StageClock(10)
    assert clock.restore(tmp_path / "none.safetensors") is None
    assert (clock.step, clock.elapsed, clock.share) == (0, 0.0, 0.0)


class SetClock(StageClock):
    """A clock whose time is set by hand."""

    now = 0.0

    @property
    def elapsed(self) -> float:
        return self.now


def test_the_rate_warms_up_by_steps_and_falls_by_the_clock():
    clock = SetClock(100)
    assert clock.rate(1.0, warm_up_steps=10) == pytest.approx(0.1)
    clock.step = 9
    assert clock.rate(1.0, warm_up_steps=10) == pytest.approx(1.0)
    rates = []
    for clock.now in (0.0, 25.0, 50.0, 75.0, 100.0, 200.0):
        rates.append(clock.rate(1.0, warm_up_steps=10))
    assert rates[:5] == sorted(rates[:5], reverse=True)
    assert len(set(rates[:5])) == 5
    assert rates[2] == pytest.approx(0.51)
    assert rates[-2:] == pytest.approx([0.02, 0.02])


def test_a_loss_that_is_not_finite_stops_the_stage(capsys):
    clock = StageClock(10)
    clock.step = 4
    clock.note(torch.tensor(0.25), "vae")
    assert clock.losses == [(4, 0.25)]
    with pytest.raises(RuntimeError, match="loss is nan at step 4"):
        clock.note(torch.tensor(math.nan), "vae")
    assert "0.2500" in capsys.readouterr().out


def test_words_are_tokenized_as_the_tokenizer_does():
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(starter_folder("image-generator") / "tokenizer")
    words = WordCache(tokenizer, 32)
    rng = random.Random("words")
    captions = [write_caption(sample_sketch(rng), rng) for _ in range(2_000)]
    whole = tokenizer(captions, padding="max_length", max_length=32).input_ids
    for caption, expected in zip(captions, whole, strict=True):
        assert words.encode(caption).tolist() == expected, caption
    with pytest.raises(ValueError, match="32 fit"):
        words.encode("a crab " * 20)


@torch.no_grad()
def test_whitening_changes_latents_and_not_pictures(pictures):
    torch.manual_seed(0)
    vae = autoencoder.build_vae(TrainingSettings.tiny()).eval()
    vae.quant_conv.bias.normal_()  # latents that are neither centered nor scaled
    vae.quant_conv.weight.mul_(3)
    images = autoencoder.to_unit_range(pictures)

    def decoded() -> torch.Tensor:
        mean = vae.quant_conv(vae.encoder(images))[:, :4]
        return vae.decoder(vae.post_quant_conv(mean))

    before = decoded()
    old = autoencoder.encode_means(vae, pictures).float()
    whitened = autoencoder.whiten(vae, old).float()
    new = autoencoder.encode_means(vae, pictures).float()
    assert old.mean((0, 2, 3)).abs().max() > 0.1
    for latents in (whitened, new):
        assert latents.mean((0, 2, 3)).abs().max() < 0.01
        assert (latents.std((0, 2, 3)) - 1).abs().max() < 0.01
    assert (decoded() - before).abs().max() < 1e-4


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(1, 4),
    rows=st.integers(1, 6),
    columns=st.integers(1, 6),
    seed=st.integers(0, 2**31),
)
def test_near_duplicates_keep_shape_and_range(count, rows, columns, seed):
    torch.manual_seed(seed)
    images = torch.rand(count, 3, 8 * rows, 8 * columns)
    copies = near_duplicates(images)
    assert copies.shape == images.shape
    assert copies.dtype == torch.float32
    assert copies.min() >= 0
    assert copies.max() <= 1


def test_near_duplicates_are_changed_and_still_alike(pictures):
    torch.manual_seed(0)
    images = pictures.permute(0, 3, 1, 2).float() / 255
    copies = near_duplicates(images)
    assert not torch.equal(copies, images)

    def tone(batch: torch.Tensor) -> torch.Tensor:
        return batch.mean((1, 2, 3))

    # Brightness varies by a quarter, and nothing else moves a picture's mean far.
    assert ((tone(copies) / tone(images) - 1).abs() < 0.35).all()
