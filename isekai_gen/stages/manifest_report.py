"""What a command that writes manifests tells about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class KeptSupply:
    """How far a concept's kept images go.

    Attributes:
        kept: Its kept images.
        most_shots: The longest support list it can give any query; less than kept - 1 if
            near-duplicates are among them.
    """

    kept: int
    most_shots: int


@dataclass(frozen=True)
class ManifestReport:
    """One manifest that was written.

    Attributes:
        name: As upstream calls it.
        path: Where.
        rows: Queries; classes in lcl-train and lcl-test.
        shots: Support images per side; 0 for a format without support lists.
        skipped: Concept slug or class key to why it has no row.
        wanted_shots: Per side: those asked for, else upstream's 16; 0 as `shots`.
        few: Slug of a concept that cannot give as many to what it has.
    """

    name: str
    path: Path
    rows: int
    shots: int
    skipped: Mapping[str, str]
    wanted_shots: int = 0
    few: Mapping[str, KeptSupply] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "name": self.name,
            "path": str(self.path),
            "rows": self.rows,
            "shots": self.shots,
            "skipped": dict(self.skipped),
            "few": {slug: asdict(supply) for slug, supply in self.few.items()},
        }
