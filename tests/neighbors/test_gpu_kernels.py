"""The kernels' logic is proved without a GPU, by Triton's interpreter, in a process of its own."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest


@pytest.mark.slow
@pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")
def test_nearest_and_joined_pairs_are_those_of_full_tables():
    ran = subprocess.run(
        [sys.executable, "-m", "tests.neighbors.interpreted_kernels"],
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
