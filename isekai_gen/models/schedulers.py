"""Schedulers by name: which ones there are, and which fit a model; nothing heavy is imported.

Two kinds of model, whose schedulers cannot stand in for each other: those that predict noise
(Stable Diffusion 1.x, 2.x, XL, PixArt, ...) and those trained by flow matching (Stable Diffusion
3, Flux, ...).
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isekai_gen.errors import ModelError
from isekai_gen.hashing import digest_of
from isekai_gen.models.scheduler_sources import read_scheduler, scheduler_files
from isekai_gen.optional import require

_MULTISTEP = "DPMSolverMultistepScheduler"
_FLOW: dict[str, Any] = {"prediction_type": "flow_prediction", "use_flow_sigmas": True}
_SDE: dict[str, Any] = {"algorithm_type": "sde-dpmsolver++"}
_KARRAS: dict[str, Any] = {"use_karras_sigmas": True}
_PLUS: dict[str, Any] = {"algorithm_type": "dpmsolver++"}
SHORT_NAMES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "ddim": ("DDIMScheduler", {}),
    "ddpm": ("DDPMScheduler", {}),
    # As every latent diffusion model that was released with it.
    "pndm": ("PNDMScheduler", {"skip_prk_steps": True}),
    "lms": ("LMSDiscreteScheduler", {}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler-karras": ("EulerDiscreteScheduler", _KARRAS),
    "euler-a": ("EulerAncestralDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}),
    "dpm++": (_MULTISTEP, _PLUS),
    "dpm++-karras": (_MULTISTEP, {**_PLUS, **_KARRAS}),
    "dpm++-sde": (_MULTISTEP, _SDE),
    "dpm++-sde-karras": (_MULTISTEP, {**_SDE, **_KARRAS}),
    "dpm++-single": ("DPMSolverSinglestepScheduler", _PLUS),
    "dpm2": ("KDPM2DiscreteScheduler", {}),
    "dpm2-a": ("KDPM2AncestralDiscreteScheduler", {}),
    "deis": ("DEISMultistepScheduler", {}),
    "unipc": ("UniPCMultistepScheduler", {}),
    "sa": ("SASolverScheduler", {}),
    "lcm": ("LCMScheduler", {}),
    "tcd": ("TCDScheduler", {}),
    "flow-euler": ("FlowMatchEulerDiscreteScheduler", {}),
    "flow-heun": ("FlowMatchHeunDiscreteScheduler", {}),
    "flow-lcm": ("FlowMatchLCMScheduler", {}),
    "flow-dpm++": (_MULTISTEP, {**_PLUS, **_FLOW}),
    "flow-unipc": ("UniPCMultistepScheduler", _FLOW),
    "flow-deis": ("DEISMultistepScheduler", _FLOW),
}

# Their step() draws noise, yet takes no generator, or uses one seed for the whole batch.
NOT_REPRODUCIBLE = frozenset({"DPMSolverSDEScheduler", "CosineDPMSolverMultistepScheduler"})
# Draw noise at each step. Flow-matching pipelines hand step() no generator, so it would come from
# one stream that the whole process shares.
_STOCHASTIC_FLOWS = frozenset({"FlowMatchLCMScheduler", "SASolverScheduler"})
# They take betas, but lead from pictures to noise, or belong to one other kind of model.
_OTHER_PURPOSE = re.compile(r"Inverse|UnCLIP|CogVideoX")
_NEEDS = {"LMSDiscreteScheduler": "scipy", "DPMSolverSDEScheduler": "torchsde"}
_EXAMPLE = "write NAME or NAME:KEY=VALUE,..., such as euler-a:timestep_spacing=trailing"


@dataclass(frozen=True)
class SchedulerSpec:
    """A scheduler in place of a model's own.

    Attributes:
        name: As the user wrote it, without settings.
        class_name: Diffusers class.
        settings: What it changes in the configuration of the model's own scheduler.
    """

    name: str
    class_name: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class SchedulerConfig:
    """A scheduler class with its configuration.

    Attributes:
        class_name: Diffusers class.
        config: Settings that are not left to the class.
    """

    class_name: str
    config: Mapping[str, Any]

    @property
    def is_flow(self) -> bool:
        """Whether it integrates a flow rather than removing noise."""
        by_config = self.config.get("prediction_type") == "flow_prediction"
        return self.class_name.startswith("FlowMatch") or by_config

    @property
    def canonical(self) -> dict[str, Any]:
        """The configuration as JSON can hold it.

        DPM-Solver is saved with an infinite `lambda_min_clipped`.
        """
        return {
            key: str(value) if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in self.config.items()
        }

    def replaced_by(self, override: SchedulerSpec) -> SchedulerConfig:
        """The replacement, with what it knows of the configuration that it takes over."""
        known = read_scheduler(override.class_name).settings
        kept = {key: value for key, value in self.config.items() if key in known}
        return SchedulerConfig(override.class_name, {**kept, **override.settings})

    def refuse_if_not_reproducible(self, label: str) -> None:
        """Refuse a scheduler whose noise depends on more than the image's own seed.

        Raises:
            ModelError: Names the scheduler.
        """
        stochastic = (
            self.class_name in _STOCHASTIC_FLOWS
            or str(self.config.get("algorithm_type", "")).startswith("sde-")
            or bool(self.config.get("stochastic_sampling"))
        )
        if self.class_name in NOT_REPRODUCIBLE or (self.is_flow and stochastic):
            raise ModelError(
                f"{label}: {self.class_name} draws noise that does not follow from an image's own "
                "seed, so images cannot be drawn again; choose another --scheduler, or accept "
                "that with --not-reproducible"
            )


def parse_scheduler(text: str) -> SchedulerSpec:
    """A scheduler from "NAME" or "NAME:KEY=VALUE,...".

    NAME is one of `SHORT_NAMES` or a diffusers class; a value is true, false, null, an integer, a
    number, or a text.

    Raises:
        ModelError: If the name, a setting or a value is unknown to the installed diffusers.
    """
    name, colon, listed = text.partition(":")
    class_name, preset = SHORT_NAMES.get(name, (name, {}))
    if class_name not in scheduler_files():
        close = difflib.get_close_matches(name, [*SHORT_NAMES, *scheduler_files()], n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ModelError(
            f"--scheduler {name!r}: no such scheduler; {hint}"
            f"known: {', '.join(SHORT_NAMES)}, or a scheduler class of diffusers"
        )
    settings = dict(_pair(text, class_name, part) for part in listed.split(",")) if colon else {}
    if colon and len(settings) != listed.count(",") + 1:
        raise ModelError(f"--scheduler {text!r}: a setting is named twice; leave one out")
    return SchedulerSpec(name, class_name, {**preset, **settings})


def override_scheduler(own: SchedulerConfig, override: SchedulerSpec, label: str) -> str:
    """Check that a scheduler can stand in for a model's own.

    Args:
        own: The model's scheduler.
        override: The one in its place.
        label: The model, for messages.

    Returns:
        SHA-256 over what the replacement follows from: class, changes, and the configuration they
        change.

    Raises:
        ModelError: If the model's kind or the replacement's is another.
    """
    new = own.replaced_by(override)
    if not (own.is_flow or _removes_noise(own)):
        raise ModelError(f"{label}: its {own.class_name} has no equivalent; leave --scheduler out")
    new_is_flow = SchedulerConfig(override.class_name, override.settings).is_flow
    if new_is_flow != own.is_flow or not (new_is_flow or _removes_noise(new)):
        kind = "flow matching" if own.is_flow else "noise prediction"
        fitting = [name for name in SHORT_NAMES if name.startswith("flow-") == own.is_flow]
        raise ModelError(
            f"--scheduler {override.name!r}: {label} is a model of {kind}, which this scheduler "
            f"cannot draw with; use one of {', '.join(fitting)}"
        )
    return digest_of(
        {
            "class": override.class_name,
            "settings": dict(override.settings),
            "own_class": own.class_name,
            "own_config": own.canonical,
        }
    )


def require_libraries(class_name: str) -> None:
    """Raise MissingDependencyError if a scheduler needs a library that is not installed."""
    if class_name in _NEEDS:
        require(_NEEDS[class_name], f"pip install {_NEEDS[class_name]}")


def replacement_settings(own: SchedulerConfig, override: SchedulerSpec) -> dict[str, Any]:
    """What to change in a model's own scheduler configuration to make the replacement's.

    Flow schedulers call the same thing `shift` or `flow_shift`; a replacement takes it over.
    """
    known = read_scheduler(override.class_name).settings
    carried = {
        new: own.config[old]
        for old, new in (("shift", "flow_shift"), ("flow_shift", "shift"))
        if own.is_flow and old in own.config and old not in known and new in known
    }
    return {**carried, **override.settings}


def _removes_noise(scheduler: SchedulerConfig) -> bool:
    name = scheduler.class_name
    if name not in scheduler_files() or _OTHER_PURPOSE.search(name):
        return False
    return read_scheduler(name).predicts_noise and not scheduler.is_flow


def _pair(text: str, class_name: str, part: str) -> tuple[str, Any]:
    """One checked KEY=VALUE."""
    key, equals, written = (piece.strip() for piece in part.partition("="))
    if not key or not equals or not written:
        raise ModelError(f"--scheduler {text!r}: {part!r} is not KEY=VALUE; {_EXAMPLE}")
    known = read_scheduler(class_name).settings
    if key not in known:
        close = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ModelError(
            f"--scheduler {text!r}: {class_name} has no setting {key!r}; {hint}"
            f"it has {', '.join(known)}"
        )
    value = _value(written)
    choices, default = known[key].choices, known[key].default
    if (choices and value not in choices) or not _same_kind(value, default):
        fitting = " or ".join(map(str, choices)) if choices else f"such as {default!r}"
        raise ModelError(f"--scheduler {text!r}: {key} cannot be {written!r}; write {fitting}")
    return key, value


def _value(written: str) -> bool | int | float | str | None:
    words = {"true": True, "false": False, "null": None}
    if written.lower() in words:
        return words[written.lower()]
    if re.fullmatch(r"[+-]?\d+", written):
        return int(written)
    if re.fullmatch(r"[+-]?(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][+-]?\d+)?", written):
        return float(written)
    return written


def _same_kind(value: Any, default: Any) -> bool:  # noqa: ANN401 - any setting
    """Whether a value can take the place of a default; null and a default of None fit all."""
    if value is None or default is None:
        return True
    if isinstance(default, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is type(default)
