"""A running server over a few pictures."""

from __future__ import annotations

import pytest

from isekai_gen.review.routes_site import Tally
from tests.review.listed_images import ListedImages
from tests.review.running import running


@pytest.fixture
def source(tmp_path):
    return ListedImages(tmp_path / "dataset")


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory):
    with running(ListedImages(tmp_path_factory.mktemp("review") / "dataset")) as started:
        yield started


@pytest.fixture
def server(shared_server):
    """One server for all, as if it had just been started."""
    shared_server.source.restore()
    vars(shared_server.site.tally).update(vars(Tally()))
    return shared_server
