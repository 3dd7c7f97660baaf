"""A small drawn workspace whose images get counterfactual samples in this process."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from isekai_gen.stages import counterfactuals
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.counterfactual_files import read_outcomes, samples_workspace
from tests.small_jobs import run_serially
from tests.stages.curated_jobs import curation_context, in_this_process


@contextmanager
def samples_in_this_process():
    """Workers run here, one shard after the other."""
    with in_this_process(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(counterfactuals, "run_shards", run_serially)
        yield


class Bench:
    """A copy of a drawn workspace, and the models that it is worked on with."""

    def __init__(self, drawn: Path, root: Path, generator: Path, encoder: Path) -> None:
        shutil.copytree(drawn, root)
        self.root = root
        self._models = (generator, encoder)

    def context(self, *, force: bool = False, **settings) -> StageContext:
        """A context with settings of [counterfactuals]."""
        made = curation_context(self.root, *self._models)
        chosen = made.settings.with_overrides({"counterfactuals": settings})
        return replace(made, settings=chosen, force=force, devices=("cpu",))

    def make(self, *, force: bool = False, **settings) -> counterfactuals.CounterfactualReport:
        """Make samples."""
        with samples_in_this_process():
            return counterfactuals.make_counterfactuals(self.context(force=force, **settings))

    @property
    def outcomes(self) -> list:
        """What became of every sample."""
        workspace = self.context().workspace
        parts = samples_workspace(workspace).parts("records")
        return [each for part in parts for each in read_outcomes(workspace, part)]
