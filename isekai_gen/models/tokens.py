"""Count a prompt's tokens with the model's own tokenizers, without loading any weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from isekai_gen.errors import ModelError
from isekai_gen.models.families import family_of, text_to_image_class_name
from isekai_gen.models.quiet import quiet_libraries
from isekai_gen.models.sources import GeneratorFiles, find_generator_files
from isekai_gen.models.spec import GeneratorSpec

# Tokenizers that were saved without a limit carry a placeholder of 10^30.
_NO_LIMIT = 10**9


@dataclass(frozen=True)
class TokenCount:
    """How a prompt fits the widest window of a model's text encoders.

    Attributes:
        used: Tokens of the whole prompt, with the tokenizer's own marks.
        limit: Tokens the text encoder sees.
        cut_off: The end of the prompt that no text encoder sees, or "".
    """

    used: int
    limit: int
    cut_off: str


def count_tokens(spec: GeneratorSpec, texts: Sequence[str]) -> list[TokenCount]:
    """Count each text in the widest window among the model's text encoders.

    A model with several encoders (SDXL, SD3, Flux) sees a prompt as far as the widest of them
    does; what lies beyond is lost to all.

    Raises:
        ModelError: If the model has no tokenizer that can be loaded, or none with a limit.
    """
    files = find_generator_files(spec)
    with quiet_libraries():
        windows = [
            (limit, tokenizer)
            for name, tokenizer in _load_tokenizers(files).items()
            if (limit := _limit(files, name, tokenizer)) < _NO_LIMIT
        ]
        if not windows:
            raise ModelError(f"{files.root}: no tokenizer with a known window; cannot count tokens")
        limit, tokenizer = max(windows, key=lambda window: window[0])
        return [_count(tokenizer, limit, text) for text in texts]


def _load_tokenizers(files: GeneratorFiles) -> dict[str, Any]:
    import transformers

    tokenizers = {}
    for name, kind in files.index.components.items():
        if kind is None or "Tokenizer" not in kind:
            continue
        folder = files.root / name
        try:
            tokenizers[name] = getattr(transformers, kind).from_pretrained(
                str(folder), local_files_only=True
            )
        except Exception as error:  # transformers raises many types for broken files
            detail = " ".join(str(error).split())[:200]
            raise ModelError(
                f"{folder}: the tokenizer cannot be loaded ({type(error).__name__}: {detail}); "
                "download the model again"
            ) from error
    return tokenizers


def _limit(files: GeneratorFiles, name: str, tokenizer: Any) -> int:  # noqa: ANN401
    family = family_of(text_to_image_class_name(files.index.class_name))
    return min(int(tokenizer.model_max_length), (family.text_limits or {}).get(name, _NO_LIMIT))


def _count(tokenizer: Any, limit: int, text: str) -> TokenCount:  # noqa: ANN401
    ids = tokenizer(text, truncation=False)["input_ids"]
    if len(ids) <= limit:
        return TokenCount(len(ids), limit, "")
    content = tokenizer(text, truncation=False, add_special_tokens=False, **_offsets(tokenizer))
    seen = max(0, limit - (len(ids) - len(content["input_ids"])))
    if tokenizer.is_fast:
        start = content["offset_mapping"][seen][0]
        return TokenCount(len(ids), limit, text[start:].strip())
    cut_off = tokenizer.decode(content["input_ids"][seen:])
    return TokenCount(len(ids), limit, str(cut_off).strip())


def _offsets(tokenizer: Any) -> dict[str, bool]:  # noqa: ANN401
    return {"return_offsets_mapping": True} if tokenizer.is_fast else {}
