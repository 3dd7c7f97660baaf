"""Releases written by hand, row by row, to be told apart."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isekai_gen.release.columns import METADATA_COLUMNS

_EMPTY = {"text": "", "whole": 0, "real": None, "flag": None, "texts": [], "label": 0}


def image_row(number: int, **values: Any) -> dict[str, Any]:
    """A row of metadata.jsonl with every column."""
    row = {column.name: copy.copy(_EMPTY[column.kind]) for column in METADATA_COLUMNS}
    own = {
        "id": f"{number:020x}",
        "concept": "cat",
        "file_name": f"images/cat/cat-{number:04}.png",
        "split": "test",
        "seed": number,
        "bytes": 100 + number,
        "sha256": hashlib.sha256(b"file %d" % number).hexdigest(),
        "pixel_sha256": hashlib.sha256(b"pixels %d" % number).hexdigest(),
        "max_similarity": 0.5,
    }
    return {**row, **own, **values}


def rejected_row(number: int, **values: Any) -> dict[str, Any]:
    return {
        "id": f"{number:020x}",
        "concept": "cat",
        "by": "near_duplicate",
        "reason": "similar_to_kept",
        "measured": 0.9731,
        "limit": 0.95,
        "witness": f"{1:020x}",
        "reference": "",
        "tier": "semantic",
        **values,
    }


@dataclass
class HandMade:
    """What the files of a release say; change it, then `write`."""

    version: str = "1.0.0"
    name: str = "isekai-test"
    images: list[dict[str, Any]] = field(
        default_factory=lambda: [image_row(number) for number in range(1, 5)]
    )
    rejected: list[dict[str, Any]] = field(default_factory=list)
    concepts: list[dict[str, Any]] = field(
        default_factory=lambda: [{"slug": "cat", "name": "cat", "images": 4}]
    )
    manifest: list[dict[str, Any]] = field(
        default_factory=lambda: [{"image_name": "1"}, {"image_name": "2"}]
    )
    settings: dict[str, Any] = field(
        default_factory=lambda: {"near_duplicate": {"max_similarity": 0.95}}
    )
    files: dict[str, str] = field(
        default_factory=lambda: {
            "README.md": "# card\n",
            "neighbors/nearest.csv": "cat,1\n",
            "reports/duplicates.json": "{}\n",
        }
    )

    def write(self, folder: Path) -> Path:
        """A folder with the tables, and release.json with the digests of all files."""
        lines = {
            "metadata.jsonl": self.images,
            "rejected.jsonl": self.rejected,
            "concepts.jsonl": self.concepts,
            "lcl/ISEKAI-10.json": self.manifest,
        }
        settings = {"provenance/settings.json": json.dumps(self.settings)}
        files = self.files | settings | {name: _lines(rows) for name, rows in lines.items()}
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        listed = [
            {"path": name, "sha256": hashlib.sha256(text.encode()).hexdigest()}
            for name, text in sorted(files.items())
        ]
        index = {"name": self.name, "version": self.version, "files": listed}
        (folder / "release.json").write_text(json.dumps(index))
        return folder


def _lines(rows: Sequence[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(row, sort_keys=True)}\n" for row in rows)
