"""What a command is given: settings that are right at the moment it may write."""

from contextlib import contextmanager

from isekai_gen.settings import Settings
from isekai_gen.stages.context import StageContext, locked_context
from isekai_gen.workspace import Workspace


def test_settings_that_another_command_wrote_just_before_are_not_lost(tmp_path, monkeypatch):
    lock = Workspace.lock

    @contextmanager
    def other_ends_first(workspace):
        with lock(workspace):
            workspace.settings_file.write_text("[manifest]\nseed = 7\n")
        with lock(workspace):
            yield

    monkeypatch.setattr(Workspace, "lock", other_ends_first)
    overrides = {"generate": {"seed": 3}}
    with locked_context(tmp_path, overrides, must_exist=False) as context:
        assert (context.settings.manifest.seed, context.settings.generate.seed) == (7, 3)


def test_only_the_settings_of_a_stage_that_succeeded_are_remembered(tmp_path):
    settings = Settings().with_overrides(
        {"generate": {"seed": 3}, "release": {"name": "refused later"}}
    )
    StageContext(Workspace(tmp_path), settings).remember_settings("generate")
    with locked_context(tmp_path, {}, must_exist=False) as context:
        assert context.settings.generate.seed == 3
        assert context.settings.release.name is None
