"""SHA-256 of what an image generator is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from isekai_gen.hashing import digest_of, file_sha256
from isekai_gen.models.folders import OWN_DEFAULTS
from isekai_gen.models.sources import VAE, GeneratorFiles
from isekai_gen.models.vae_files import VaeFiles


@dataclass(frozen=True)
class GeneratorDigests:
    """SHA-256 of everything that makes a generator.

    Attributes:
        files: File name to digest, without the weights that come from elsewhere.
        loras: Of each adapter.
        vae: Of a VAE in place of the model's own, or "".
    """

    files: dict[str, str]
    loras: tuple[str, ...]
    vae: str

    @classmethod
    def of(cls, found: GeneratorFiles) -> GeneratorDigests:
        """Read everything that loading reads; big files are hashed each time."""
        # Defaults are no part of what a model is: the steps used are in every image's recipe.
        names = [name for name in found.names if name != OWN_DEFAULTS]
        if found.vae is not None:
            names = [name for name in names if not name.startswith(f"{VAE}/")]
        files = {name: file_sha256(found.root / name) for name in names}
        if found.single_file is not None:
            files["checkpoint"] = file_sha256(found.single_file)
        loras = tuple(file_sha256(lora.path) for lora in found.loras)
        return cls(files, loras, "" if found.vae is None else _vae_digest(found.vae))

    def whole(self, found: GeneratorFiles) -> str:
        """Of the generator; of the files alone, unless something is added to them."""
        added: dict[str, Any] = {}
        if self.loras:
            weights = [lora.weight for lora in found.loras]
            added["loras"] = [list(pair) for pair in zip(self.loras, weights, strict=True)]
        if self.vae:
            added[VAE] = self.vae
        return digest_of({**self.files, **added})

    def adapters(self, found: GeneratorFiles) -> tuple[str, ...]:
        """As records tell them."""
        told = [
            f"{lora.label}@{lora.weight:g}#{digest[:12]}"
            for lora, digest in zip(found.loras, self.loras, strict=True)
        ]
        if found.vae is not None:
            told.append(f"{found.vae.label}@{VAE}#{self.vae[:12]}")
        return tuple(told)


def _vae_digest(vae: VaeFiles) -> str:
    return digest_of({name: file_sha256(vae.folder / name) for name in vae.names})
