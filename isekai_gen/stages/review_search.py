"""Search a workspace's images by a text or a picture, with the encoder that embedded them.

The encoder is loaded when somebody searches for the first time; until then nothing heavy is.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.errors import InputError
from isekai_gen.optional import INSTALL_BY_MODULE
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.embed import main_encoder_spec
from isekai_gen.stages.embedding_files import read_shard

if TYPE_CHECKING:
    from isekai_gen.models.encoder_protocols import TextEncoder

_MOST = 500


class ImageSearch:
    """Exact search over the embeddings on disk."""

    def __init__(self, context: StageContext) -> None:
        self._context = context
        self._lock = Lock()
        self._loaded: TextEncoder | None = None

    def possible(self) -> dict[str, Any]:
        """Whether one can search, and why not."""
        why = self._why_not()
        return {"text": not why, "picture": not why, "why": why}

    def _why_not(self) -> str:
        if find_spec("torch") is None or find_spec("open_clip") is None:
            return f"the models are not installed; run: {INSTALL_BY_MODULE['torch']}"
        try:
            spec = main_encoder_spec(self._context.settings.embed.encoder)
        except InputError as error:
            return str(error)
        workspace = self._context.workspace
        if not workspace.parts(workspace.embeddings(spec.label), ".npy"):
            return "there are no embeddings yet; run `isekai-gen embed`"
        return ""

    def nearest(self, text: str, picture: bytes, limit: int) -> list[tuple[str, float]]:
        """Image ids with their similarities, the highest first.

        Args:
            text: What to look for, or "".
            picture: Bytes of a picture file, or b""; one of both must be given.
            limit: Images at most.

        Raises:
            ValueError: If not one of both is given, or the limit is out of range.
            InputError: If one cannot search here, or the picture cannot be opened.
        """
        if bool(text.strip()) == bool(picture) or not 1 <= limit <= _MOST:
            raise ValueError(f"search for a text or a picture, and 1 to {_MOST} images")
        why = self._why_not()
        if why:
            raise InputError(f"search is not possible: {why}")
        with self._lock:  # torch's determinism is set for the process: one at a time
            query = self._embedded(text, picture)
        found: list[tuple[float, str]] = []
        for ids, vectors in self._shards():
            if vectors.shape[1] != query.shape[0]:
                raise InputError("the embeddings are another encoder's; run `isekai-gen embed`")
            similarities = vectors @ query
            best = np.argsort(-similarities, kind="stable")[:limit].tolist()
            found += [(float(similarities[row]), ids[row]) for row in best]
            found = sorted(found, key=lambda one: (-one[0], one[1]))[:limit]
        return [(image_id, similarity) for similarity, image_id in found]

    def _embedded(self, text: str, picture: bytes) -> FloatArray:
        encoder = self._encoder()
        if text.strip():
            return np.asarray(encoder.encode_texts([text])[0], dtype=np.float32)
        from isekai_gen.stages.embed_pictures_decode import UnreadablePictureError, decode

        try:
            image = decode(picture).image
        except UnreadablePictureError as error:
            raise InputError(f"the picture {error}; choose another") from error
        return np.asarray(encoder.encode_images([image])[0], dtype=np.float32)

    def _encoder(self) -> TextEncoder:
        if self._loaded is None:
            from isekai_gen.models.encoders import load_text_encoder
            from isekai_gen.models.spec import Device

            spec = main_encoder_spec(self._context.settings.embed.encoder)
            self._loaded = load_text_encoder(spec, Device(self._context.device_names()[0]))
        return self._loaded

    def _shards(self) -> Iterator[tuple[list[str], FloatArray]]:
        workspace = self._context.workspace
        label = main_encoder_spec(self._context.settings.embed.encoder).label
        for part in workspace.parts("records"):
            shard = read_shard(workspace, label, part)
            if shard is not None:
                yield shard
