"""The schedulers of the installed diffusers, read from its source without importing it.

Importing diffusers takes seconds; a misspelled scheduler should be said at once.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isekai_gen.errors import MissingDependencyError

_CLASS = re.compile(r"^class (\w+Scheduler)\(", re.MULTILINE)
# What step() is always given; a scheduler that needs more cannot stand in for another.
_STEP = ["self", "model_output", "timestep", "sample"]


@dataclass(frozen=True)
class Setting:
    """One setting of a scheduler.

    Attributes:
        default: Its default; None also where the source computes it.
        choices: The values it takes, () if any.
    """

    default: Any
    choices: tuple[Any, ...]


@dataclass(frozen=True)
class SchedulerSource:
    """A scheduler class, as its source describes it.

    Attributes:
        settings: What its constructor takes.
        drop_in: Whether step() needs no more than every pipeline gives.
        step_takes_generator: Whether step() can draw its noise from an image's own generator.
        draws_noise: Whether the module draws random numbers anywhere.
        timestep_arguments: What set_timesteps() takes.
        needs_dynamic_shift_for_mu: Whether set_timesteps() refuses `mu` unless the configuration
            has dynamic shifting.
    """

    settings: Mapping[str, Setting]
    drop_in: bool
    step_takes_generator: bool
    draws_noise: bool
    timestep_arguments: frozenset[str]
    needs_dynamic_shift_for_mu: bool

    @property
    def predicts_noise(self) -> bool:
        """Whether it can take over the noise schedule of a model trained on betas."""
        return self.drop_in and {"beta_schedule", "prediction_type"} <= self.settings.keys()


def diffusers_folder() -> Path:
    """Where the installed diffusers lies; not imported.

    Raises:
        MissingDependencyError: If it is not installed.
    """
    found = importlib.util.find_spec("diffusers")
    if found is None or found.origin is None:
        raise MissingDependencyError("diffusers is not installed; run: pip install isekai-gen")
    return Path(found.origin).parent


@functools.cache
def scheduler_files() -> Mapping[str, Path]:
    """Source file by class name, of all schedulers of the installed diffusers."""
    folder = diffusers_folder() / "schedulers"
    return {
        name: path
        for path in sorted(folder.glob("scheduling_*.py"))
        for name in _CLASS.findall(path.read_text(encoding="utf-8"))
    }


@functools.cache
def read_scheduler(class_name: str) -> SchedulerSource:
    """What the source says of one of `scheduler_files()`."""
    text = scheduler_files()[class_name].read_text(encoding="utf-8")
    node = next(
        part
        for part in ast.parse(text).body
        if isinstance(part, ast.ClassDef) and part.name == class_name
    )
    methods = {part.name: part for part in node.body if isinstance(part, ast.FunctionDef)}
    step, set_timesteps = methods.get("step"), methods.get("set_timesteps")
    return SchedulerSource(
        settings=_settings(methods["__init__"]) if "__init__" in methods else {},
        drop_in=step is not None and _required(step) == _STEP,
        step_takes_generator="generator" in _arguments(step),
        draws_noise=re.search(r"randn|torch\.rand|Brownian", text) is not None,
        timestep_arguments=_arguments(set_timesteps),
        needs_dynamic_shift_for_mu="assert self.config.use_dynamic_shifting" in text,
    )


def _required(function: ast.FunctionDef) -> list[str]:
    names = [argument.arg for argument in function.args.args]
    return names[: len(names) - len(function.args.defaults)]


def _arguments(function: ast.FunctionDef | None) -> frozenset[str]:
    named = [] if function is None else function.args.args
    return frozenset(argument.arg for argument in named)


def _settings(init: ast.FunctionDef) -> dict[str, Setting]:
    arguments = init.args.args[1:]
    defaults: list[ast.expr | None] = [None] * (len(arguments) - len(init.args.defaults))
    pairs = zip(arguments, [*defaults, *init.args.defaults], strict=True)
    return {
        argument.arg: Setting(_literal(default), _choices(argument.annotation))
        for argument, default in pairs
    }


def _literal(node: ast.expr | None) -> Any:  # noqa: ANN401 - any Python literal
    try:
        return None if node is None else ast.literal_eval(node)
    except ValueError:
        return None


def _choices(annotation: ast.expr | None) -> tuple[Any, ...]:
    """The values of a `Literal[...]` annotation."""
    if not isinstance(annotation, ast.Subscript):
        return ()
    if not isinstance(annotation.value, ast.Name) or annotation.value.id != "Literal":
        return ()
    listed = annotation.slice
    nodes = listed.elts if isinstance(listed, ast.Tuple) else [listed]
    return tuple(_literal(node) for node in nodes)
