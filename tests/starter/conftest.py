"""What the tests of the starter's training share."""

import pytest


@pytest.fixture(scope="module")
def one_thread():
    """Torch on one thread: several wait for each other when the machine has other work."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
