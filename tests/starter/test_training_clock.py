"""A stage's clock and checkpoints: it resumes where it stood, and ends when its time is over."""

import json
import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch  # noqa: TID253 - the code under test is torch's
from safetensors import safe_open

from isekai_gen.starter.training import autoencoder
from isekai_gen.starter.training.clock import ModuleState, StageClock
from isekai_gen.starter.training.settings import TrainingSettings

pytestmark = pytest.mark.usefixtures("one_thread")


def clock_of(checkpoint: Path) -> dict:
    with safe_open(checkpoint, framework="np") as file:
        return json.loads(file.metadata()["clock"])


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    return torch.from_numpy(coarse.repeat(16, axis=1).repeat(16, axis=2))


def test_a_stage_stopped_in_the_middle_goes_on_with_its_clock_and_steps(pictures, tmp_path):
    brief = replace(TrainingSettings.tiny(), vae_seconds=0.05, vae_batch=1)
    _, stopped = autoencoder.train_vae(brief, pictures, tmp_path)
    before = clock_of(tmp_path / "autoencoder.safetensors")
    assert before["step"] == stopped.step > 0
    assert before["elapsed"] == stopped.elapsed  # it stands still after its stage
    longer = replace(brief, vae_seconds=before["elapsed"] + 0.3)
    started = time.monotonic()
    _, resumed = autoencoder.train_vae(longer, pictures, tmp_path)
    took = time.monotonic() - started
    assert resumed.step > stopped.step
    after = clock_of(tmp_path / "autoencoder.safetensors")
    assert after["step"] == resumed.step
    assert longer.vae_seconds <= after["elapsed"] <= before["elapsed"] + took


def test_a_finished_stage_gives_its_checkpoints_weights_and_trains_no_further(pictures, tmp_path):
    brief = replace(TrainingSettings.tiny(), vae_seconds=0.05, vae_batch=1)
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
