"""Options that commands share. Every option of a setting has an environment twin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from isekai_gen.cli.console import ConsoleReporter
from isekai_gen.cli.group import set_debug

if TYPE_CHECKING:
    from isekai_gen.executors import EngineChoice
    from isekai_gen.stages.context import StageContext

F = TypeVar("F", bound=Callable[..., Any])

_JOINT = "__"
# Settings that may name a local path: kept absolute, so that a later command finds it too.
_PATHS = frozenset(
    {
        "generate__model",
        "generate__model_config",
        "generate__vae",
        "generate__wildcards",
        "embed__encoder",
        "class_overlap__reference",
        "near_duplicate__extra_encoder",
        "release__license_file",
    }
)


def setting(flag: str, name: str, **attributes: Any) -> Callable[[F], F]:  # noqa: ANN401
    """An option that overrides a setting.

    Args:
        flag: Such as "--seed", or "--a/--no-a" for a switch.
        name: Section and key, such as "generate.seed".
        **attributes: As for `click.option`; `envvar` if the flag's own is taken.
    """
    section, key = name.split(".")
    own = "ISEKAI_GEN_" + flag.split("/")[0].split()[-1].lstrip("-").replace("-", "_").upper()
    attributes.setdefault("envvar", own)
    flags = flag.split() if "/" not in flag else [flag]
    return click.option(
        *flags, f"{section}{_JOINT}{key}", default=None, show_envvar=True, **attributes
    )


def request_option(
    flag: str,
    *names: str,
    section: str = "",
    **attributes: Any,  # noqa: ANN401 - as click has them
) -> Callable[[F], F]:
    """An option of one call, which is no setting, with its environment twin.

    Args:
        flag: Such as "--seed", or "--a/--no-a" for a switch.
        *names: A short flag, or another name for the parameter, as for `click.option`.
        section: Goes into the twin's name where the flag alone is another option's.
        **attributes: As for `click.option`.
    """
    own = flag.split("/")[0].lstrip("-")
    twin = "_".join(filter(None, ["isekai_gen", section, own])).replace("-", "_").upper()
    return click.option(*names, flag, envvar=twin, show_envvar=True, **attributes)


def overrides_from(options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Section to key to value, for the options that `setting` made and the user gave."""
    overrides: dict[str, dict[str, Any]] = {}
    for name, value in options.items():
        section, joint, key = name.partition(_JOINT)
        if not joint or value is None or value == ():
            continue
        if name in _PATHS and Path(value).exists():
            value = str(Path(value).resolve())
        overrides.setdefault(section, {})[key] = value
    return overrides


def combined(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Several decorators as one; options appear in the order given."""

    def decorate(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


def workspace_option(default: str = ".") -> Callable[[F], F]:
    """-w/--workspace."""
    return request_option(
        "--workspace",
        "-w",
        type=click.Path(file_okay=False, path_type=Path),
        default=default,
        show_default=True,
        help="Folder of the dataset.",
    )


json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")

debug_option = click.option(
    "--debug",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=set_debug,
    help="Show where an error came from.",
)
voice_options = combined(
    click.option("--quiet", is_flag=True, help="Show no notes and no progress."), debug_option
)

compute_options = combined(
    request_option(
        "--devices",
        help="all, or names such as cuda:0,cuda:1 or cpu. [default: all GPUs, else the CPU]",
    ),
    request_option(
        "--engine",
        type=click.Choice(["local", "ray"]),
        default="local",
        show_default=True,
        help="Where workers run: processes of this machine, or a Ray cluster.",
    ),
    request_option(
        "--ray-address",
        help="HOST:PORT of the cluster, or auto for the one that this machine belongs to. "
        "[default: RAY_ADDRESS, else one is started here]",
    ),
    request_option(
        "--ray-workers",
        type=click.IntRange(min=1),
        help="Workers on the cluster. [default: one per GPU, else one per CPU but one]",
    ),
    click.option(
        "--force-stage",
        is_flag=True,
        help="Redo or replace what was made under other settings instead of refusing.",
    ),
)


def common_options(default_workspace: str = ".") -> Callable[[F], F]:
    """What every command that works on a workspace takes."""
    return combined(
        workspace_option(default_workspace), compute_options, json_option, voice_options
    )


def open_workspace(
    options: Mapping[str, Any],
    *,
    must_exist: bool = True,
    presets: Mapping[str, Mapping[str, Any]] | None = None,
) -> AbstractContextManager[StageContext]:
    """Lock the workspace that the options name, with settings from file and options.

    Args:
        options: All options of the command.
        must_exist: Whether there must be a plan already.
        presets: Settings that hold unless `--preset` or an option says otherwise.
    """
    from isekai_gen.settings import Settings
    from isekai_gen.stages.context import StageContext, locked_context
    from isekai_gen.workspace import Workspace

    overrides = _overrides_beside(presets or {}, options)
    template = StageContext(
        workspace=Workspace(options["workspace"]),
        settings=Settings(),
        reporter=ConsoleReporter(quiet=options["quiet"]),
        devices=device_names_from(options.get("devices")),
        force=bool(options.get("force_stage")),
        engine=engine_from(options),
    )
    return locked_context(options["workspace"], overrides, template, must_exist=must_exist)


def _overrides_beside(
    presets: Mapping[str, Mapping[str, Any]], options: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """A command's own presets, over them those of `--preset`, over both the options."""
    chosen: Mapping[str, Mapping[str, Any]] = {}
    if options.get("preset"):
        from isekai_gen.models.presets import preset_settings

        chosen = preset_settings(options["preset"])
    overrides: dict[str, dict[str, Any]] = {}
    for stronger in (presets, chosen, overrides_from(options)):
        for section, values in stronger.items():
            overrides.setdefault(section, {}).update(values)
    return overrides


def device_names_from(text: str | None) -> tuple[str, ...]:
    """The names given with --devices; () if it was left out."""
    if not text:
        return ()
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise click.BadParameter(
            f"{text!r} has an empty name; give them as in cuda:0,cuda:1 or cpu",
            param_hint="--devices",
        )
    return names


def engine_from(options: Mapping[str, Any]) -> EngineChoice:
    """The engine that the options name; what only Ray honors is refused for any other."""
    from isekai_gen.executors import EngineChoice

    name = options.get("engine", "local")
    for option in ("ray_address", "ray_workers"):
        if name != "ray" and was_given(option):
            flag = f"--{option.replace('_', '-')}"
            raise click.BadParameter("needs --engine ray", param_hint=flag)
    return EngineChoice(name, options.get("ray_address") or "", options.get("ray_workers"))


def was_given(name: str) -> bool:
    """Whether a parameter stands on the command line of the running command.

    What another option rules out is refused there only: the environment may hold it for others.
    """
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.COMMANDLINE
