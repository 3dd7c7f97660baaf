"""Whether a flow scheduler takes the time steps that a pipeline gives it.

Some pipelines (Flux, Qwen-Image, ...) compute noise levels, or a shift `mu` for the picture's size,
and hand them over; a scheduler that does not take them fails only when it draws. Read from the
source of the installed diffusers, without importing it.
"""

from __future__ import annotations

import re

from isekai_gen.errors import ModelError
from isekai_gen.models.scheduler_sources import diffusers_folder, read_scheduler
from isekai_gen.models.schedulers import SchedulerConfig

_SIGMAS = re.compile(r"^ *sigmas = .*np\.linspace", re.MULTILINE)
_MU = re.compile(r"\bmu=mu\b")
_KNOWS_FLOW_SIGMAS = re.compile(r"scheduler\.config\.use_flow_sigmas")


def check_timesteps(new: SchedulerConfig, pipeline: str, label: str) -> None:
    """Refuse a flow scheduler that cannot be stepped by this pipeline.

    Args:
        new: In place of the model's own.
        pipeline: Text-to-image class.
        label: The model, for messages.

    Raises:
        ModelError: Names the scheduler and one that fits.
    """
    source = read_scheduler(new.class_name)
    given = _given_timesteps(pipeline, uses_flow_sigmas=bool(new.config.get("use_flow_sigmas")))
    shift_is_fixed = not new.config.get("use_dynamic_shifting", False)
    if given - source.timestep_arguments or (
        "mu" in given and shift_is_fixed and source.needs_dynamic_shift_for_mu
    ):
        raise ModelError(
            f"{label}: {pipeline} sets the time steps of this model in a way that "
            f"{new.class_name} does not take; use --scheduler flow-euler or flow-unipc"
        )


def _given_timesteps(pipeline: str, *, uses_flow_sigmas: bool) -> set[str]:
    """Which of "sigmas" and "mu" a pipeline hands to `set_timesteps`."""
    text = _pipeline_source(pipeline)
    given = set()
    if _SIGMAS.search(text) and not (uses_flow_sigmas and _KNOWS_FLOW_SIGMAS.search(text)):
        given.add("sigmas")
    if _MU.search(text):
        given.add("mu")
    return given


def _pipeline_source(pipeline: str) -> str:
    """Source of the module of a pipeline class, "" if diffusers has none of that name."""
    declared = f"class {pipeline}("
    for path in sorted((diffusers_folder() / "pipelines").rglob("pipeline_*.py")):
        text = path.read_text(encoding="utf-8")
        if declared in text:
            return text
    return ""
