"""A CLIP tokenizer trained on the captions, and a fast way to tokenize millions of them."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from isekai_gen.starter.render.captions import write_caption
from isekai_gen.starter.render.sketch import sample_sketch

_START, _END = "<|startoftext|>", "<|endoftext|>"
_CLIP_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
_WORDS = re.compile(r"[a-z]+|[0-9]|[^\sa-z0-9]+")


def train_tokenizer(vocabulary: int, context: int, seed: int) -> Any:  # noqa: ANN401 - untyped
    """A `CLIPTokenizer` of at most `vocabulary` tokens and prompts of `context` tokens.

    Laid out as CLIP's: 256 bytes, 256 bytes that end a word, merges, start, end. Every text can
    be written with it, and the end token has the highest id.
    """
    rng = random.Random(f"tokenizer/{seed}")
    captions = [write_caption(sample_sketch(rng), rng) for _ in range(30_000)]
    tokenizer = Tokenizer(models.BPE(unk_token=_END, end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_CLIP_PATTERN), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - 2,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(captions, trainer)
    merges = [
        tuple(merge) if isinstance(merge, list) else tuple(merge.split(" "))
        for merge in json.loads(tokenizer.to_str())["model"]["merges"]
    ]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    order = alphabet + [letter + "</w>" for letter in alphabet]
    order += [a + b for a, b in merges] + [_START, _END]
    vocab = {token: i for i, token in enumerate(dict.fromkeys(order))}
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=context)


class WordCache:
    """Tokenizes captions word by word; equal to the tokenizer, since BPE never crosses a word.

    Attributes:
        context: Length of every row; a longer caption is a ValueError.
    """

    def __init__(self, tokenizer: Any, context: int) -> None:  # noqa: ANN401 - untyped library
        self.context = context
        self._tokenizer = tokenizer
        self._ids: dict[str, list[int]] = {}

    def encode(self, caption: str) -> npt.NDArray[np.int16]:
        """int16 [context]: start, tokens, end, padded with the end token."""
        start, end = self._tokenizer.bos_token_id, self._tokenizer.eos_token_id
        row = [start]
        for word in _WORDS.findall(caption.lower()):
            if word not in self._ids:
                self._ids[word] = self._tokenizer(word).input_ids[1:-1]
            row += self._ids[word]
        if len(row) >= self.context:
            raise ValueError(f"caption of {len(row) + 1} tokens, {self.context} fit: {caption!r}")
        row += [end] * (self.context - len(row))
        return np.array(row, dtype=np.int16)
