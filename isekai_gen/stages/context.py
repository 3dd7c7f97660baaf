"""What every stage is given: the workspace, its settings, where to compute, whom to tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from isekai_gen.errors import InputError
from isekai_gen.executors import LOCAL, EngineChoice, cluster_devices
from isekai_gen.settings import Settings, read_settings
from isekai_gen.stages.reporting import Reporter, SilentReporter
from isekai_gen.storage import write_atomically
from isekai_gen.workspace import Workspace


@dataclass(frozen=True)
class StageContext:
    """One command's view of a workspace that it has locked.

    Attributes:
        workspace: The folder.
        settings: The settings in force.
        reporter: Receives notes and progress.
        devices: Device names to compute on; empty or ("all",) for all there are.
        force: Whether finished work under other settings is put aside instead of refused.
        engine: Where workers run.
        dry_run: Whether verdicts, reports and settings stay as they are on disk.
    """

    workspace: Workspace
    settings: Settings
    reporter: Reporter = field(default_factory=SilentReporter)
    devices: tuple[str, ...] = ()
    force: bool = False
    engine: EngineChoice = LOCAL
    dry_run: bool = False

    def device_names(self) -> list[str]:
        """The devices to compute on; for Ray the one kind of all workers, as they see it.

        Raises:
            InputError: If a named device is not there, or the CPU is mixed with GPUs.
        """
        if self.engine.name == "ray":
            return cluster_devices(self.engine, self.devices)
        from isekai_gen.models.profile import available_devices

        there = [device.name for device in available_devices()]
        named = [name for name in self.devices if name != "all"]
        if named and len(named) != len(self.devices):
            raise InputError("--devices all leaves nothing to add; name all, or single devices")
        for name in named:
            if name != "cpu" and name not in there:
                raise InputError(f"device {name!r} is not there; found: {', '.join(there)}")
        names = list(dict.fromkeys(named)) or there
        if len({name.partition(":")[0] for name in names}) > 1:
            raise InputError("--devices mixes the CPU with GPUs; their pixels would differ")
        return names

    def remember_settings(self, *sections: str) -> None:
        """Write the settings in force into isekai.toml, for the sections of a stage that succeeded.

        A setting that its stage refused is not remembered: later commands would trip over it. Nor
        is any in a dry run.
        """
        if self.dry_run:
            return
        path = self.workspace.settings_file
        before = read_settings(path)
        now = before.model_copy(update={name: getattr(self.settings, name) for name in sections})
        if not path.exists() or now != before:
            write_atomically(path, now.to_toml())


@contextmanager
def locked_context(
    root: Path,
    overrides: Mapping[str, Mapping[str, Any]],
    template: StageContext | None = None,
    *,
    must_exist: bool = True,
) -> Iterator[StageContext]:
    """Lock a workspace and read its settings.

    Args:
        root: The folder.
        overrides: Section to key to value, from environment and options.
        template: Carries reporter, devices and force; its workspace and settings are replaced.
        must_exist: Whether the folder must hold a plan already.

    Raises:
        InputError: If there is no workspace there, or settings are wrong.
        LockedError: If another process writes to it.
    """
    workspace = Workspace(root)
    if must_exist:
        require_plan(workspace)
    read_settings(workspace.settings_file).with_overrides(overrides)  # faults leave no folder
    with workspace.lock():
        # Read under the lock: another command may have written them just before.
        settings = read_settings(workspace.settings_file).with_overrides(overrides)
        if template is None:
            yield StageContext(workspace, settings)
        else:
            yield replace(template, workspace=workspace, settings=settings)


def require_plan(workspace: Workspace) -> None:
    """Raise InputError if the folder holds no plan."""
    if not workspace.parts("plan"):
        raise InputError(
            f"{workspace.root} is no workspace with images yet: run "
            "`isekai-gen generate --concepts FILE` first, or name one with --workspace"
        )
