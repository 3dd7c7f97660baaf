"""Where a release may be built."""

from __future__ import annotations

import pytest

from isekai_gen.errors import InputError, ReleaseError
from isekai_gen.settings import Settings
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.release import write_release
from isekai_gen.workspace import Workspace


@pytest.fixture
def context(tmp_path):
    (tmp_path / "workspace/images").mkdir(parents=True)
    return StageContext(Workspace(tmp_path / "workspace"), Settings())


@pytest.mark.parametrize("place", ["workspace/images/mine", "workspace/new/deep/mine", "link/mine"])
def test_among_the_files_of_the_workspace_nothing_is_built(context, tmp_path, place):
    (tmp_path / "link").symlink_to(tmp_path / "workspace/images")
    with pytest.raises(ReleaseError, match=r"inside a folder of the workspace .*workspace/mine$"):
        write_release(context, tmp_path / place)
    assert not list((tmp_path / "workspace").rglob("*mine*"))


@pytest.mark.parametrize("place", ["workspace/mine", "mine", "workspace-2/mine"])
def test_beside_and_directly_in_the_workspace_the_place_is_right(context, tmp_path, place):
    with pytest.raises(InputError) as found:  # there is nothing to release
        write_release(context, tmp_path / place)
    assert "inside" not in str(found.value)
