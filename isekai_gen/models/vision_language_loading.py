"""Load the network and the processor of an image-text-to-text model with transformers.

Local files only, never custom code, and never a weight that was not in the files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isekai_gen.errors import ModelError
from isekai_gen.models.quiet import hide_progress_bars, quiet_libraries
from isekai_gen.models.vision_language_files import VisionLanguageFiles

if TYPE_CHECKING:
    import torch


def load_network_and_processor(
    files: VisionLanguageFiles, source: str, dtype: str, target: torch.device
) -> tuple[Any, Any]:
    """The network on its device, in evaluation mode, and its processor, padding on the left.

    Args:
        files: What to load.
        source: As the user named it, for messages.
        dtype: Of the network's numbers, such as "float32".
        target: Device.

    Raises:
        ModelError: One line with the remedy.
    """
    with quiet_libraries():
        import torch

        hide_progress_bars()
        _check_known(files, source)
        try:
            network = _load_network(files, source, dtype).to(target).eval()
            processor = _load_processor(files, source)
        except torch.OutOfMemoryError as error:
            raise ModelError(
                f"{source}: the model does not fit into the memory of {target}; use a smaller "
                "model or a device with more memory"
            ) from error
        except ModelError:
            raise
        except Exception as error:  # the library raises nearly every type for a broken model
            detail = " ".join(str(error).split())[:300]
            raise ModelError(
                f"{source}: transformers cannot load this model "
                f"({type(error).__name__}: {detail}); download it again or choose another"
            ) from error
    return network, processor


def _check_known(files: VisionLanguageFiles, source: str) -> None:
    import transformers
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as KNOWN,
    )

    if files.model_type not in KNOWN:
        raise ModelError(
            f"{source}: transformers {transformers.__version__} knows no model of type "
            f"{files.model_type!r} that reads images and text (a model's own code is never run); "
            "choose another, or serve it and name it as openai:URL#MODEL"
        )


def _load_network(files: VisionLanguageFiles, source: str, dtype: str) -> Any:  # noqa: ANN401
    import torch
    from transformers import AutoModelForImageTextToText

    network, found = AutoModelForImageTextToText.from_pretrained(
        str(files.folder),
        dtype=getattr(torch, dtype),
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    missing = sorted(found["missing_keys"])
    if missing:
        raise ModelError(
            f"{source}: {len(missing)} weights are in none of its files (the first: {missing[0]}), "
            "and would be random; download the model again or choose another"
        )
    return network


def _load_processor(files: VisionLanguageFiles, source: str) -> Any:  # noqa: ANN401
    from transformers import AutoProcessor

    processor = AutoProcessor.from_pretrained(
        str(files.folder), local_files_only=True, trust_remote_code=False
    )
    tokenizer = getattr(processor, "tokenizer", None)
    if tokenizer is None or getattr(processor, "image_processor", None) is None:
        raise ModelError(
            f"{source}: its processor is not one of images and text; copy preprocessor_config.json "
            "and the tokenizer's files next to the weights"
        )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    # Answers of one batch all begin where their prompts end.
    tokenizer.padding_side = "left"
    return processor
