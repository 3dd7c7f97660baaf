"""Tables of isekai.toml on what is written from the kept images."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from isekai_gen.settings.section import Positive, Section


class NeighborSettings(Section):
    """[neighbors]: size of the neighbor tables.

    Attributes:
        nearest: Classes in the nearest table, per concept.
        bins: Ranks in the rank-stratified table, per concept.
    """

    nearest: Positive = 10
    bins: Positive = 10


class ManifestSettings(Section):
    """[manifest]: few-shot manifests.

    Attributes:
        shots: Support images per side; None for the most that every group can give, up to 8.
        seed: Seed of the support sets.
    """

    shots: Positive | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0


class ReleaseSettings(Section):
    """[release]: how the package is called.

    Attributes:
        name: Name of the dataset; None for that of the catalog.
        version: Version of the dataset.
        license: Identifier of the dataset's license, as the Hugging Face Hub writes it.
        license_file: Full text of a license that is not shipped here.
    """

    name: str | None = None
    version: str = "1.0.0"
    license: str = "cc0-1.0"
    license_file: str | None = None
