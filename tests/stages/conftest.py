"""What many stages are tested on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stages.curated_jobs import draw_workspace


@pytest.fixture(scope="session")
def drawn(tiny_generator, tmp_path_factory) -> Path:
    """A workspace with two images of each of four concepts; to be copied, never worked in."""
    return draw_workspace(tmp_path_factory.mktemp("drawn"), tiny_generator, 2)
