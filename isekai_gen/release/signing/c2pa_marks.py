"""C2PA's signed mark in a picture: drawn by a trained model, by which one, and unchanged since.

The mark is embedded by the library of the C2PA project and adds 3 to 4 kB; pixels and other
metadata stay as they are. Two signatures of one picture differ, so a release with marks cannot be
built again byte for byte; `pixel_sha256` is what stays.

Trust is not decided here: a certificate that is on nobody's list shows that a file is unchanged
since it was signed, not by whom.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

from isekai_gen.errors import ReleaseError
from isekai_gen.optional import require
from isekai_gen.records import IMAGE_FORMATS, Provenance
from isekai_gen.release.images import ReleasedImage
from isekai_gen.release.signing.c2pa_keys import INSTALL_C2PA, read_signing_pair
from isekai_gen.release.tables import DIGITAL_SOURCE_TYPE
from isekai_gen.tool_version import tool_version

# A thumbnail would multiply the size of a mark by 80; nothing is ever fetched.
C2PA_SETTINGS = {
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
}


class C2paMarker:
    """Signs pictures with a certificate; a `PictureMarker`."""

    def __init__(self, cert: Path, key: Path) -> None:
        """Read and try the pair.

        Args:
            cert: PEM certificates: the key's own first, then those that signed it.
            key: PEM private key without a passphrase: EC on P-256 or P-384, RSA, or Ed25519.

        Raises:
            ReleaseError: If the pair cannot sign a picture now.
            MissingDependencyError: If the extra is not installed.
        """
        self._c2pa: Any = require("c2pa", INSTALL_C2PA)
        pair = read_signing_pair(cert, key)
        self._identity = hashlib.sha256(pair.chain).hexdigest()
        self._context = self._c2pa.Context(self._c2pa.Settings.from_dict(C2PA_SETTINGS))
        # None: there is no time-stamp server to ask.
        info = self._c2pa.C2paSignerInfo(pair.algorithm, pair.chain, pair.key, None)
        try:
            self._signer = self._c2pa.Signer.from_info(info)
            # What C2PA asks of a certificate (its uses, its chain) shows only when it signs.
            self._sign(_smallest_picture(), "image/png", _claim({}))
        except self._c2pa.C2paError as error:
            raise ReleaseError(f"C2PA cannot sign with {cert}: {error}") from error

    @property
    def identity(self) -> str:
        """SHA-256 of the certificates."""
        return self._identity

    def mark(self, content: bytes, image: ReleasedImage) -> bytes:
        """The picture with its mark.

        Raises:
            ReleaseError: If the picture cannot be signed.
        """
        media_type = f"image/{IMAGE_FORMATS[image.record.suffix].lower()}"
        try:
            return self._sign(content, media_type, _claim(_drawn_by(image.record.provenance)))
        except self._c2pa.C2paError as error:
            raise ReleaseError(f"C2PA cannot sign {image.record.path}: {error}") from error

    def _sign(self, content: bytes, media_type: str, claim: dict[str, Any]) -> bytes:
        signed = io.BytesIO()
        with self._c2pa.Builder(claim, self._context) as builder:
            builder.sign(self._signer, media_type, io.BytesIO(content), signed)
        return signed.getvalue()


def _claim(drawn_by: dict[str, str]) -> dict[str, Any]:
    # Prompts are left out: whoever asks a model about the picture must not give away its label.
    agent = {"name": "isekai-gen", "version": tool_version()}
    created = {
        "action": "c2pa.created",
        "digitalSourceType": DIGITAL_SOURCE_TYPE,
        "softwareAgent": agent,
    }
    if drawn_by:
        created["parameters"] = drawn_by
    actions = {"label": "c2pa.actions.v2", "data": {"actions": [created]}}
    return {"claim_version": 2, "claim_generator_info": [agent], "assertions": [actions]}


def _drawn_by(provenance: Provenance) -> dict[str, str]:
    named = {
        "io.isekai-gen.generator": provenance.model,
        "io.isekai-gen.generator-revision": provenance.revision,
        "io.isekai-gen.generator-digest": provenance.model_digest,
    }
    return {key: value for key, value in named.items() if value}


def _smallest_picture() -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (1, 1)).save(buffer, "PNG")
    return buffer.getvalue()
