"""No test reaches the network; tiny real models are built once a session."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import small_jobs, tiny_models

# Before huggingface_hub is imported, and inherited by every process that tests start.
os.environ["HF_HUB_OFFLINE"] = "1"
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background jobs ignore Ctrl-C, and so would every process whose Ctrl-C is tested.
    signal.signal(signal.SIGINT, signal.default_int_handler)
# How fast examples are made and run says something of the machine, nothing of the code. They are
# the same ones in every run: what failed fails again, and what passed passes for others, too.
settings.register_profile(
    "same",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("search", settings.get_profile("same"), derandomize=False)
settings.load_profile("same")
_LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(autouse=True)
def refuse_network(monkeypatch):
    """A connection to another machine fails the test that tries it."""
    connect = socket.socket.connect

    def guarded(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(
            _LOOPBACK
        ):
            pytest.fail(f"a test connected to {address}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def tiny_generator(tmp_path_factory) -> Path:
    return tiny_models.build_tiny_sd(tmp_path_factory.mktemp("models") / "tiny-sd")


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory) -> Path:
    return tiny_models.build_tiny_openclip(tmp_path_factory.mktemp("models") / "tiny-clip")


@pytest.fixture
def job(tmp_path) -> small_jobs.Job:
    """A catalog of two groups and templates, on disk."""
    return small_jobs.write_job(tmp_path)
