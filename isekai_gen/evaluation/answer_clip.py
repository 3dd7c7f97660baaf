"""`clip:ENCODER`: a floor under every table, an encoder that compares images with images.

With demonstrations, nearest prototype (as in Snell et al., "Prototypical Networks for Few-shot
Learning", NeurIPS 2017, with fixed embeddings and cosine similarity): a label's prototype is the
normalized mean of its demonstrations' embeddings, and the query gets the label whose prototype is
most similar. Without any, zero-shot as in CLIP (Radford et al., 2021): a label's embedding is the
normalized mean over prompts with its name. Of equal similarities the first label's counts.

Only pictures and labels are looked at, never the names of files.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from isekai_gen.embeddings import FloatArray
from isekai_gen.errors import ModelError
from isekai_gen.evaluation.metrics import ANSWER
from isekai_gen.evaluation.protocols import Answer, Question
from isekai_gen.hashing import digest_of
from isekai_gen.models.encoder_files import encoder_library, identify_encoder
from isekai_gen.models.spec import Device, EncoderSpec

if TYPE_CHECKING:
    from isekai_gen.models.encoder_protocols import Encoder

_METHOD = "nearest prototype 1"
# Images of so many questions are embedded at once, between two steps of the progress.
_QUESTIONS_AT_ONCE = 64
_UNREADABLE = "unreadable image"


@dataclass(frozen=True)
class ClipOptions:
    """What the baseline needs of the rest of the program.

    Attributes:
        spec_of: From what the user wrote behind "clip:" to an encoder.
        prompts_of: Phrases with a name, whose mean stands for it without demonstrations.
        open_picture: A file's picture, or None and why it cannot be used.
    """

    spec_of: Callable[[str], EncoderSpec]
    prompts_of: Callable[[str, EncoderSpec], list[str]]
    open_picture: Callable[[Path], tuple[Image.Image | None, str]]


class ClipAnswerer:
    """The baseline as an `Answerer`. The encoder is loaded when it is first asked.

    Attributes:
        name: Such as "clip:starter".
        identity: Names encoder, library versions, device kind, method and prompts.
    """

    def __init__(self, spec: EncoderSpec, options: ClipOptions, device: Device) -> None:
        self._spec = spec
        self._options = options
        self._device = device
        self._encoder: Encoder | None = None
        self._vectors: dict[Path, FloatArray] = {}
        self._unreadable: dict[Path, str] = {}
        self._name_vectors: dict[str, FloatArray] = {}
        self.name = f"clip:{spec.label}"
        self.identity = digest_of(
            {
                "method": _METHOD,
                "encoder": identify_encoder(spec),
                "versions": {"torch": version("torch"), **encoder_library(spec)},
                "device": device.kind,
                "prompts": options.prompts_of("NAME", spec),
            }
        )

    @classmethod
    def open(cls, source: str, options: ClipOptions, device: Device) -> Self:
        """The baseline with an encoder: "starter", ARCH/TAG, a folder or a file.

        Raises:
            ModelError: If there is no such encoder.
        """
        return cls(options.spec_of(source), options, device)

    def answers(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """One answer for each question, in order.

        Raises:
            ModelError: If the encoder cannot be loaded, or has to read text and cannot.
        """
        for start in range(0, len(questions), _QUESTIONS_AT_ONCE):
            some = questions[start : start + _QUESTIONS_AT_ONCE]
            started = time.monotonic()
            self._embed_images([file for question in some for file in question.images.values()])
            self._embed_names(some)
            seconds = (time.monotonic() - started) / len(some)
            for question in some:
                yield self._answer(question, seconds)

    def _answer(self, question: Question, seconds: float) -> Answer:
        for path, file in question.images.items():
            if file in self._unreadable:
                failure = f"{_UNREADABLE}: {path}: {self._unreadable[file]}"
                return Answer(question.key, "", failure, seconds=seconds)
        label = self._nearest_label(question)
        return Answer(question.key, ANSWER.format(label), seconds=seconds)

    def _nearest_label(self, question: Question) -> str:
        episode, images = question.episode, question.images
        query = self._vectors[images[episode.query.image]].astype(np.float64)
        similarities = []
        for label in episode.labels:
            if episode.support:
                shown = [each.image for each in episode.support if each.label == label]
                rows = [self._vectors[images[path]] for path in shown]
            else:
                rows = [self._name_vectors[label]]
            similarities.append(_similarity(query, rows))
        return episode.labels[int(np.argmax(similarities))]  # the first of equal ones

    def _embed_images(self, files: Sequence[Path]) -> None:
        """Embed those that are new; each is opened and embedded once."""
        known = self._vectors.keys() | self._unreadable.keys()
        new = [file for file in dict.fromkeys(files) if file not in known]
        rows = self._loaded().batch_rows
        for start in range(0, len(new), rows):
            usable, prepared = [], []
            for file in new[start : start + rows]:
                picture, reason = self._options.open_picture(file)
                if picture is None:
                    self._unreadable[file] = reason
                else:
                    usable.append(file)
                    prepared.append(self._loaded().prepare(picture))
            vectors = self._loaded().encode_prepared(prepared)
            self._vectors.update(zip(usable, vectors, strict=True))

    def _embed_names(self, questions: Sequence[Question]) -> None:
        unseen = [each.episode for each in questions if not each.episode.support]
        for label in dict.fromkeys(label for episode in unseen for label in episode.labels):
            if label not in self._name_vectors:
                self._name_vectors[label] = self._name_vector(label)

    def _name_vector(self, label: str) -> FloatArray:
        from isekai_gen.models.encoders import PictureTextEncoder

        encoder = self._loaded()
        if not isinstance(encoder, PictureTextEncoder):
            raise ModelError(
                f"{self.name} embeds no text, and without demonstrations there is nothing else to "
                "go by; leave 0 out of --shots, or choose an encoder of OpenCLIP"
            )
        phrases = self._options.prompts_of(label, self._spec)
        mean: FloatArray = encoder.encode_texts(phrases).astype(np.float64).mean(axis=0)
        return mean

    def _loaded(self) -> Encoder:
        if self._encoder is None:
            from isekai_gen.models.encoders import load_encoder

            self._encoder = load_encoder(self._spec, self._device)
        return self._encoder


def _similarity(query: npt.NDArray[np.float64], rows: Sequence[FloatArray]) -> float:
    """Cosine similarity of a unit vector and the mean of some; that of no vector is the least."""
    if not rows:
        return -1.0
    mean = np.stack(rows).astype(np.float64).mean(axis=0)
    norm = float(np.linalg.norm(mean))
    return float(query @ mean) / norm if norm else 0.0
