"""Where everything lies in a release, and what it is for."""

from __future__ import annotations

from typing import Literal

Profile = Literal["hub", "files", "webdataset"]
"""How images travel: Parquet and loose files, loose files alone, or tar shards alone."""
Archive = Literal["zip", "tar"]
"""A release as one file."""

INDEX_FILE = "release.json"
SUMS_FILE = "SHA256SUMS"
SIGNATURE_FILE = "SHA256SUMS.sig"
CARD_FILE = "README.md"
LICENSE_FILE = "LICENSE"
NOTICES_FILE = "LICENSE-NOTICES.md"
CITATION_FILE = "CITATION.cff"
CHANGELOG_FILE = "CHANGELOG.md"
DATASHEET_FILE = "DATASHEET.md"
CROISSANT_FILE = "croissant.json"
METADATA_FILE = "metadata.jsonl"
CONCEPTS_FILE = "concepts.jsonl"
REJECTED_FILE = "rejected.jsonl"
TEMPLATES_FILE = "prompts/templates.yaml"
PROMPTS_FILE = "prompts/prompts.jsonl"
STATS_FILE = "reports/stats.json"
DUPLICATES_FILE = "reports/duplicates.json"
OVERLAP_FILE = "reports/overlap.json"
CALIBRATION_FILE = "reports/calibration.json"
AUDIT_FILE = "reports/audit.json"
CHANGES_FILE = "reports/changes.json"
REPORT_SCHEMA = 1
"""Of the reports, but for counts and the audit."""
SETTINGS_FILE = "provenance/settings.json"
ENVIRONMENT_FILE = "provenance/environment.json"
SHEET_FILE = "preview/contact_sheet.jpg"
SHARDS_FILE = "shards/shards.json"
PAIRS_SOURCE = "lcl/ISEKAI-10.json"
"""The manifest that config `pairs` has with pictures."""
CLASSES_FOLDER = "lcl/classes"
"""Where the rows of training and test classes of another dataset lie."""
COUNTERFACTUALS_FOLDER = "counterfactuals"
"""Where samples lie, apart from all images; also what their config is called."""
COUNTERFACTUALS_FILE = f"{COUNTERFACTUALS_FOLDER}/{METADATA_FILE}"
COUNTERFACTUAL_IMAGES = f"{COUNTERFACTUALS_FOLDER}/images/"
VECTORS_FILE = "embeddings/images.npy"
VECTOR_IDS_FILE = "embeddings/images.jsonl"

DOCUMENT_FILES = frozenset(
    {
        CARD_FILE,
        LICENSE_FILE,
        NOTICES_FILE,
        CITATION_FILE,
        CHANGELOG_FILE,
        DATASHEET_FILE,
        CROISSANT_FILE,
    }
)

_ROLE_BY_FILE = {
    INDEX_FILE: "index",
    SUMS_FILE: "checksums",
    SIGNATURE_FILE: "signature",
    CARD_FILE: "card",
    LICENSE_FILE: "license",
    NOTICES_FILE: "license",
    CITATION_FILE: "citation",
    CHANGELOG_FILE: "changelog",
    DATASHEET_FILE: "datasheet",
    CROISSANT_FILE: "croissant",
    METADATA_FILE: "metadata",
    CONCEPTS_FILE: "concepts",
    REJECTED_FILE: "rejected images",
}
_ROLE_BY_FOLDER = {
    "images": "image",
    "data": "image table",
    "pairs": "pair table",
    "neighbors": "neighbor table",
    "shards": "image shard",
    "embeddings": "embeddings",
    "prompts": "prompts",
    "lcl": "manifest",
    "reports": "report",
    "preview": "preview",
    "provenance": "provenance",
    COUNTERFACTUALS_FOLDER: "counterfactual sample",
}


def role_of(path: str) -> str:
    """What the file at `path`, relative to the release, is for.

    Raises:
        KeyError: If no file of a release lies there.
    """
    return _ROLE_BY_FILE.get(path) or _ROLE_BY_FOLDER[path.partition("/")[0]]


def parquet_name(folder: str, split: str, number: int, of: int) -> str:
    """Path of one of the `of` Parquet files that a split has in a folder, counted from 0."""
    return f"{folder}/{split}-{number:05d}-of-{of:05d}.parquet"
