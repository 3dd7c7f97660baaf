"""A stage's clock, its checkpoints and its log: what lets a run end on time and resume."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

_CHECKPOINT_EVERY = 120.0


class StageClock:
    """Measures one stage against its seconds, across interruptions.

    The clock starts at the first `tick` after `warm_up`, so that compilation is not counted.

    Attributes:
        seconds: The stage's budget.
        step: Steps done.
        losses: (step, loss) pairs for the card.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.step = 0
        self.losses: list[tuple[int, float]] = []
        self._before = 0.0
        self._started: float | None = None
        self._saved = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds on this clock so far, earlier runs included."""
        running = 0.0 if self._started is None else time.monotonic() - self._started
        return self._before + running

    @property
    def share(self) -> float:
        """Progress in [0, 1]."""
        return min(1.0, self.elapsed / self.seconds)

    def start(self) -> None:
        """Begin (or go on) counting."""
        self._started = time.monotonic()

    def stop(self) -> None:
        """Stand still: what comes after the stage is not its time."""
        self._before, self._started = self.elapsed, None

    def rate(self, peak: float, warm_up_steps: int = 300) -> float:
        """Learning rate: linear warm-up by steps, then half a cosine to 2 % by the clock."""
        ramp = min(1.0, (self.step + 1) / warm_up_steps)
        return peak * ramp * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * self.share)))

    def note(self, loss: torch.Tensor, name: str) -> None:
        """Record and print a loss; the only place that waits for the device."""
        value = float(loss)
        if not math.isfinite(value):
            raise RuntimeError(f"{name}: the loss is {value} at step {self.step}")
        self.losses.append((self.step, round(value, 5)))
        print(f"{name} {self.elapsed:6.1f}s step {self.step:6d} loss {value:.4f}", flush=True)  # noqa: T201 - a script's log

    def checkpoint_due(self) -> bool:
        """Whether the last checkpoint is old enough for another."""
        return time.monotonic() - self._saved > _CHECKPOINT_EVERY

    def save(self, path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
        """Write tensors and the clock's state atomically."""
        state = {"step": self.step, "elapsed": self.elapsed, "losses": self.losses}
        temporary = path.with_suffix(".tmp")
        whole = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
        save_file(whole, temporary, metadata={"clock": json.dumps(state)})
        temporary.replace(path)
        self._saved = time.monotonic()

    def restore(self, path: Path) -> dict[str, torch.Tensor] | None:
        """Tensors of a checkpoint, with the clock set to where it stood; None if there is none."""
        if not path.exists():
            return None
        from safetensors import safe_open

        with safe_open(path, framework="pt") as file:
            state = json.loads(file.metadata()["clock"])
        self.step, self._before = state["step"], state["elapsed"]
        self.losses = [(step, loss) for step, loss in state["losses"]]
        return load_file(path)


class ModuleState:
    """The tensors of modules and their optimizer as one flat dict, for checkpoints."""

    def __init__(
        self, modules: Mapping[str, torch.nn.Module], optimizer: torch.optim.Optimizer
    ) -> None:
        self._modules = modules
        self._optimizer = optimizer

    def tensors(self, extra: Mapping[str, torch.Tensor] | None = None) -> dict[str, torch.Tensor]:
        """Copies of everything that training needs to go on."""
        flat = dict(extra or {})
        for prefix, module in self._modules.items():
            for name, tensor in module.state_dict().items():
                flat[f"{prefix}/{name}"] = tensor.clone()
        for number, state in self._optimizer.state_dict()["state"].items():
            for name, tensor in state.items():
                flat[f"optimizer/{number}/{name}"] = torch.as_tensor(tensor).clone()
        return flat

    def load(self, flat: Mapping[str, torch.Tensor]) -> None:
        """Put back what `tensors` gave."""
        for prefix, module in self._modules.items():
            start = f"{prefix}/"
            module.load_state_dict(
                {name[len(start) :]: t for name, t in flat.items() if name.startswith(start)}
            )
        state: dict[int, dict[str, Any]] = {}
        for name, tensor in flat.items():
            if name.startswith("optimizer/"):
                _, number, key = name.split("/", 2)
                state.setdefault(int(number), {})[key] = tensor
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": state, "param_groups": groups})


def train_until_done(
    clock: StageClock,
    step: Callable[[], torch.Tensor],
    state: ModuleState,
    checkpoint: Path,
    note_every: int,
) -> None:
    """Call `step` until the clock runs out, with a log and checkpoints.

    Args:
        clock: Of this stage; set to where an earlier run stood.
        step: One optimizer step; returns its loss. The first call compiles and is not timed.
        state: What checkpoints hold.
        checkpoint: Their file; its stem names the stage in the log.
        note_every: Steps between lines of the log.
    """
    if clock.share < 1:
        step()
        clock.step += 1
        clock.start()
    while clock.share < 1:
        loss = step()
        clock.step += 1
        if clock.step % note_every == 0:
            clock.note(loss, checkpoint.stem)
        if clock.checkpoint_due():
            clock.save(checkpoint, state.tensors())
    clock.stop()
    clock.save(checkpoint, state.tensors())


class Averages:
    """Exponential moving averages of parameters, with a short memory at the start."""

    def __init__(self, averaged: Sequence[Any], parameters: Sequence[Any], decay: float) -> None:
        self._averaged = list(averaged)
        self._parameters = list(parameters)
        self._decay = decay

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move the averages toward the parameters as they are after step number `step`."""
        decay = min(self._decay, (step + 1) / (step + 10))
        torch._foreach_lerp_(self._averaged, self._parameters, 1 - decay)


def optimize(
    loss: torch.Tensor, optimizer: torch.optim.Optimizer, parameters: Sequence[Any], rate: float
) -> torch.Tensor:
    """One optimizer step at rate `rate`, gradients clipped to norm 1; returns the loss."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
    return loss.detach()
