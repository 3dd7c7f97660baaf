"""Optional dependencies are loud: a missing one names the extra that brings it."""

import importlib
from types import ModuleType

from isekai_gen.errors import MissingDependencyError


def require(module: str, install: str) -> ModuleType:
    """Import `module`, or say how to install it.

    Args:
        module: Import name, such as "faiss".
        install: What to type, such as "pip install 'isekai-gen[cpu]'".

    Raises:
        MissingDependencyError: If the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != module.split(".")[0]:
            raise
        raise MissingDependencyError(f"{module} is not installed; run: {install}") from error
