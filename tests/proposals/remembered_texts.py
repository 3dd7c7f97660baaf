"""A real text encoder that reads each text once a session: deep checks read the same 2,000."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import numpy as np
import pytest

from isekai_gen.embeddings import FloatArray
from isekai_gen.models import encoders
from isekai_gen.models.encoder_protocols import TextEncoder
from isekai_gen.models.encoders import load_text_encoder


class RememberedTexts:
    """An encoder and what it made of the texts that it was given."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._rows: dict[str, FloatArray] = {}

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        new = [text for text in texts if text not in self._rows]
        if new:
            self._rows.update(zip(new, self._encoder.encode_texts(new), strict=True))
        return np.stack([self._rows[text] for text in texts])


load_remembered = cache(lambda *asked: RememberedTexts(load_text_encoder(*asked)))


@contextmanager
def one_text_encoder() -> Iterator[None]:
    """Let all that loads a text encoder have the same one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoders, "load_text_encoder", load_remembered)
        yield
