"""Write the files of a release into an empty folder."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isekai_gen.errors import ChecksumError, ReleaseError
from isekai_gen.hashing import file_sha256
from isekai_gen.manifests.files import MANIFEST_NAMES, read_manifest
from isekai_gen.manifests.neighbor_tables import TABLE_FILES
from isekai_gen.records import Concept
from isekai_gen.release.card import CardFacts, write_card
from isekai_gen.release.contact_sheet import SheetRow, draw_contact_sheet
from isekai_gen.release.content import ReleaseContent, ReleaseOptions
from isekai_gen.release.counts import count_images
from isekai_gen.release.index import (
    INDEX_FILE,
    INDEX_SCHEMA,
    SUMS_FILE,
    files_as_json,
    list_files,
    release_date,
    sums_text,
)
from isekai_gen.release.received import RULES
from isekai_gen.release.tables import (
    ReleasedImage,
    concept_row,
    metadata_row,
    name_images,
    prompt_row,
    rejected_rows,
)
from isekai_gen.release.verify_tables import CALIBRATION_FILE
from isekai_gen.shards import encode_lines
from isekai_gen.tool_version import tool_version
from isekai_gen.workspace import Workspace

SHEET_FILE = "preview/contact_sheet.jpg"
# Under 1 MB for a page of 20 groups, so that a card shows it at once.
_SHEET_QUALITY = 85


class ReleaseWriter:
    """Writes one release; `write_all` once.

    Attributes:
        counts: The conservation numbers.
        manifests: Path of each manifest in the release to its number of rows.
    """

    def __init__(
        self, workspace: Workspace, folder: Path, options: ReleaseOptions, content: ReleaseContent
    ) -> None:
        self._workspace = workspace
        self._folder = folder
        self._options = options
        self._content = content
        self._paths = name_images(content)
        self.counts = count_images(content)
        self.manifests: dict[str, int] = {}

    def write_all(self) -> None:
        """Write every file; the two lists of files come last."""
        self._write_lines("metadata.jsonl", self._copy_images())
        self._write_tables()
        self._write_manifests()
        has_neighbors = self._copy_neighbor_tables()
        self._write_sheet()
        calibrated = self._copy_calibration()
        date = release_date()
        facts = CardFacts(self.counts, self.manifests, has_neighbors, date, calibrated)
        self._write("README.md", write_card(self._options, self._content, facts).encode())
        self._write("LICENSE", self._options.full_license().encode())
        self._write_lists(date)

    def _copy_images(self) -> list[dict[str, Any]]:
        concept_by_slug = {concept.slug: concept for concept in self._content.concepts}
        rows = []
        for record in self._content.kept_records():
            source = self._workspace.image(record.concept, record.image_id, record.suffix)
            if not source.is_file():
                raise ChecksumError(
                    f"{source} is missing; run `isekai-gen generate` to draw it again"
                )
            content = source.read_bytes()
            if hashlib.sha256(content).hexdigest() != record.file_sha256:
                raise ChecksumError(f"{source}: bytes differ from those recorded; restore the file")
            image = ReleasedImage(record, self._paths[record.image_id], len(content))
            self._write(image.path, content)
            rows.append(metadata_row(image, concept_by_slug[record.concept]))
        return rows

    def _write_tables(self) -> None:
        content = self._content
        by_concept = self.counts["by_concept"]
        self._write_lines(
            "concepts.jsonl",
            [concept_row(each, by_concept[each.slug]["kept"]) for each in content.concepts],
        )
        self._write("prompts/templates.yaml", content.templates.encode())
        records = sorted(content.records, key=lambda each: (each.concept, each.planned.index))
        self._write_lines(
            "prompts/prompts.jsonl", [prompt_row(record, self._paths) for record in records]
        )
        self._write_lines("rejected.jsonl", rejected_rows(content))
        self._write_json("reports/stats.json", self.counts)
        self._write_json("provenance/settings.json", content.settings)
        self._write_json("provenance/environment.json", content.environment)

    def _write_manifests(self) -> None:
        released = {
            record.path: self._paths[record.image_id] for record in self._content.kept_records()
        }
        for name in MANIFEST_NAMES:
            source = self._workspace.manifests / f"{name}.json"
            if not source.is_file():
                continue
            try:
                rows = [_renamed(row, released) for row in read_manifest(source)]
            except KeyError as error:
                raise ReleaseError(
                    f"{source} names {error.args[0]!r}, which is not a kept image; "
                    "run isekai-gen manifest again"
                ) from error
            self.manifests[f"lcl/{name}.json"] = len(rows)
            self._write_lines(f"lcl/{name}.json", rows)

    def _copy_neighbor_tables(self) -> bool:
        sources = [self._workspace.neighbors / name for name in TABLE_FILES]
        there = [source for source in sources if source.is_file()]
        if there and len(there) < len(sources):
            missing = next(source for source in sources if source not in there)
            raise ReleaseError(f"{missing} is missing; run isekai-gen neighbors again")
        for source in there:
            self._write(f"neighbors/{source.name}", source.read_bytes())
        return bool(there)

    def _copy_calibration(self) -> bool:
        source = self._workspace.root / CALIBRATION_FILE
        if source.is_file():
            self._write(CALIBRATION_FILE, source.read_bytes())
        return source.is_file()

    def _write_sheet(self) -> None:
        images: dict[str, list[Path]] = {concept.slug: [] for concept in self._content.concepts}
        for record in self._content.kept_records():
            images[record.concept].append(self._folder / self._paths[record.image_id])
        groups: dict[str, dict[str, Concept]] = {}
        for concept in self._content.concepts:
            groups.setdefault(concept.group, {})[concept.kind] = concept
        rows = []
        for group in groups.values():
            fictional, real = group.get("fictional"), group.get("real")
            if fictional:
                name = real.name if real else ""
                beside = images[real.slug] if real else []
                rows.append(SheetRow(fictional.name, images[fictional.slug], name, beside))
        buffer = io.BytesIO()
        sheet = draw_contact_sheet(rows, self._options.title)
        sheet.save(buffer, "JPEG", quality=_SHEET_QUALITY, subsampling=0, optimize=True)
        self._write(SHEET_FILE, buffer.getvalue())

    def _write_lists(self, date: str | None) -> None:
        listed = list_files(self._folder)
        index = {
            "schema": INDEX_SCHEMA,
            "name": self._options.name,
            "version": self._options.version,
            "title": self._options.title,
            "license": self._options.license_id,
            "date": date,
            "tool": {"name": "isekai-gen", "version": tool_version()},
            "counts": self.counts,
            "manifests": self.manifests,
            # `build_release` puts a release in place only if verification broke none of these.
            "checks": list(RULES),
            "files": files_as_json(listed),
        }
        self._write_json(INDEX_FILE, index)
        sums = {file.path: file.sha256 for file in listed}
        sums[INDEX_FILE] = file_sha256(self._folder / INDEX_FILE)
        self._write(SUMS_FILE, sums_text(sums).encode())

    def _write_lines(self, name: str, rows: list[dict[str, Any]]) -> None:
        self._write(name, encode_lines(rows))

    def _write_json(self, name: str, value: Mapping[str, Any]) -> None:
        text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
        self._write(name, f"{text}\n".encode())

    def _write(self, name: str, content: bytes) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _renamed(row: Mapping[str, Any], released: Mapping[str, str]) -> dict[str, Any]:
    """A manifest row with the release's paths; KeyError names an image that is not kept."""
    return {
        **row,
        "image_name": released[row["image_name"]],
        "positive_list": [released[path] for path in row["positive_list"]],
        "negative_list": [released[path] for path in row["negative_list"]],
    }
