"""Count a prompt's tokens with the model's own tokenizers, without loading any weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from isekai_gen.errors import ModelError
from isekai_gen.models.families import family_of, text_to_image_class_name
from isekai_gen.models.quiet import quiet_libraries
from isekai_gen.models.sources import GeneratorFiles, find_generator_files
from isekai_gen.models.spec import GeneratorSpec

_CLIP_WORDS = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d"
    r"|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)
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

    Raises:
        ModelError: If the model has no tokenizer that can be loaded, or none with a limit.
    """
    return TokenCounter(spec).count(texts)


class TokenCounter:
    """Counts texts in the widest window among a model's text encoders.

    A model with several encoders (SDXL, SD3, Flux) sees a prompt as far as the widest of them
    does; what lies beyond is lost to all.

    Attributes:
        limit: Tokens of that window, with the tokenizer's own marks.
    """

    def __init__(self, spec: GeneratorSpec) -> None:
        """Load the tokenizers of a model.

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
        self.limit, self._tokenizer = max(windows, key=lambda window: window[0])
        self._marks = int(self._tokenizer.num_special_tokens_to_add())
        # Millions of prompts are made of a few thousand words.
        self._tokens_of_word: dict[str, int] | None = (
            {} if _splits_at_whitespace(self._tokenizer) else None
        )

    def count(self, texts: Sequence[str]) -> list[TokenCount]:
        """Count each text."""
        longer = dict(self.too_long(texts))
        return [
            longer.get(place) or TokenCount(used, self.limit, "")
            for place, used in enumerate(self._used(texts))
        ]

    def too_long(self, texts: Sequence[str]) -> list[tuple[int, TokenCount]]:
        """The texts that do not fit, each with its 0-based place in `texts`."""
        return [
            (place, self._count_cut(texts[place]))
            for place, used in enumerate(self._used(texts))
            if used > self.limit
        ]

    def _used(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, with the tokenizer's own marks."""
        if self._tokens_of_word is None:
            return self._lengths(texts, marks=True)
        known = self._tokens_of_word
        words = [text.split() for text in texts]
        new = sorted({word for split in words for word in split if word not in known})
        known.update(zip(new, self._lengths(new, marks=False), strict=True))
        return [self._marks + sum([known[word] for word in split]) for split in words]

    def _lengths(self, texts: Sequence[str], *, marks: bool) -> list[int]:
        if not texts:
            return []
        with quiet_libraries():
            ids = self._tokenizer(list(texts), truncation=False, add_special_tokens=marks)
        return [len(text_ids) for text_ids in ids["input_ids"]]

    def _count_cut(self, text: str) -> TokenCount:
        """Count a text that does not fit, with what is cut off."""
        tokenizer = self._tokenizer
        offsets = {"return_offsets_mapping": True} if tokenizer.is_fast else {}
        with quiet_libraries():
            content = tokenizer(text, truncation=False, add_special_tokens=False, **offsets)
        ids = content["input_ids"]
        seen = max(0, self.limit - self._marks)
        if tokenizer.is_fast:
            cut_off = text[content["offset_mapping"][seen][0] :]
        else:
            cut_off = str(tokenizer.decode(ids[seen:]))
        return TokenCount(len(ids) + self._marks, self.limit, cut_off.strip())


def _splits_at_whitespace(tokenizer: Any) -> bool:  # noqa: ANN401
    """Whether a text has as many tokens as its words together.

    So it is where the first thing a tokenizer does is to take whitespace out: those of T5 split
    there, those of CLIP keep only what their expression matches, which is never whitespace.
    """
    if not tokenizer.is_fast:
        return False
    steps = json.loads(tokenizer.backend_tokenizer.to_str())["pre_tokenizer"] or {}
    first = steps["pretokenizers"][0] if steps.get("type") == "Sequence" else steps
    if first.get("type") == "WhitespaceSplit":
        return True
    return (
        first.get("type") == "Split"
        and first["pattern"].get("Regex") == _CLIP_WORDS
        and (first["behavior"], first["invert"]) == ("Removed", True)
    )


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
