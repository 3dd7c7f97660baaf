"""Optional dependencies are loud: a missing one names the extra that brings it."""

import importlib
from collections.abc import Mapping
from types import MappingProxyType, ModuleType

from isekai_gen.errors import MissingDependencyError

_MODELS = "pip install 'isekai-gen[cpu]' (or isekai-gen[gpu] where there is a GPU)"
INSTALL_BY_MODULE: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "accelerate",
                "anyio",
                "diffusers",
                "faiss",
                "httpx2",
                "huggingface_hub",
                "imagehash",
                "open_clip",
                "open_clip_torch",
                "safetensors",
                "scipy",
                "sentencepiece",
                "timm",
                "tokenizers",
                "torch",
                "torchvision",
                "transformers",
            ),
            _MODELS,
        ),
        "c2pa": "pip install 'isekai-gen[c2pa]'",
        "cryptography": "pip install 'isekai-gen[c2pa]'",
        "cv2": "pip install 'isekai-gen[training]'",
        "matplotlib": "pip install 'isekai-gen[plots]'",
        "peft": "pip install 'isekai-gen[lora]'",
        "ray": "pip install 'isekai-gen[ray]'",
        "starlette": "pip install 'isekai-gen[review]'",
        "uvicorn": "pip install 'isekai-gen[review]'",
    }
)
"""Import name of a library that only some commands need to what installs it."""


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


def as_missing_dependency(error: ModuleNotFoundError) -> MissingDependencyError | None:
    """The error to show for an import that failed anywhere, or None if the fault is ours.

    The base installation has no models and no search; what needs them imports them where it does.
    """
    # importlib.metadata raises the same error, and names the distribution, such as "ImageHash".
    module = (error.name or "").partition(".")[0].lower().replace("-", "_")
    install = INSTALL_BY_MODULE.get(module)
    if install is None:
        return None
    return MissingDependencyError(f"this needs {module}, which is not installed; run: {install}")
