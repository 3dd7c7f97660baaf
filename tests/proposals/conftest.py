"""What is slow to read, once a session."""

import pytest

from isekai_gen.prompts.imagenet_names import read_imagenet_names
from isekai_gen.proposals.names import read_name_book
from isekai_gen.proposals.parents import read_parents


@pytest.fixture(scope="session")
def imagenet():
    return read_imagenet_names()


@pytest.fixture(scope="session")
def real_parents(imagenet):
    """The package's own."""
    return read_parents(None, imagenet)


@pytest.fixture(scope="session")
def name_book(imagenet):
    return read_name_book(imagenet)
