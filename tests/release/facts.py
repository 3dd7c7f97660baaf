"""Facts of a small release, as its documents are written from, without building it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from isekai_gen.release.columns import METADATA_COLUMNS
from isekai_gen.release.containers.parquet_images import IMAGES_COLUMNS
from isekai_gen.release.containers.parquet_neighbors import NEIGHBORS_COLUMNS
from isekai_gen.release.containers.parquet_pairs import PAIRS_COLUMNS
from isekai_gen.release.counts import count_images
from isekai_gen.release.facts import ReleaseFacts, TableConfig
from isekai_gen.release.index import ListedFile
from isekai_gen.release.layout import Profile, role_of
from tests.release.conftest import ANSWERS, OPTIONS, SmallWorkspace

_DOCUMENTS = ("README.md", "LICENSE", "metadata.jsonl", "concepts.jsonl", "rejected.jsonl")


def small_facts(small: SmallWorkspace, profile: Profile = "hub", **changes: Any) -> ReleaseFacts:
    """What the documents of a release of the small workspace are told; `changes` are of that."""
    content = replace(small.content, splits=small.divided())
    images = content.released_images()
    facts = ReleaseFacts(
        options=OPTIONS,
        answers=ANSWERS,
        content=content,
        profile=profile,
        loose_images=profile != "webdataset",
        images=images,
        counts=count_images(content),
        configs=_configs(profile),
        manifests={"lcl/ISEKAI-10.json": 12},
        previews={"preview/contact_sheet.jpg": "All groups."},
        neighbor_files=["neighbors/nearest.csv"],
        total_bytes=14 * 800,
        signed_pictures=False,
        date="2026-01-31",
        changes="",
    )
    return replace(facts, **changes)


def listed_files(facts: ReleaseFacts) -> list[ListedFile]:
    """Files that such a release may have, each with a digest of its own."""
    tables = {
        path
        for config in facts.configs
        for paths in config.files.values()
        for path in paths
        if "*" not in path
    }
    loose = [image.path for image in facts.images] if facts.loose_images else []
    names = sorted({*_DOCUMENTS, *tables, *loose, *facts.manifests, *facts.neighbor_files})
    return [
        ListedFile(name, 100 + number, hashlib.sha256(name.encode()).hexdigest(), role_of(name))
        for number, name in enumerate(names)
    ]


def _configs(profile: Profile) -> list[TableConfig]:
    rows = {"test": 7, "train": 7}
    if profile == "files":
        patterns = ["metadata.jsonl", "images/*/*.png"]
        return [
            TableConfig(
                "images", "Every image.", {"test": patterns}, rows, METADATA_COLUMNS, "imagefolder"
            )
        ]
    if profile == "webdataset":
        shards = {split: [f"shards/isekai-test-{split}-000000.tar"] for split in rows}
        return [TableConfig("images", "Every image.", shards, rows, METADATA_COLUMNS, "webdataset")]
    return [
        TableConfig(name, f"{name}.", _parquet(folder, splits), rows, columns, "parquet")
        for name, folder, splits, columns in (
            ("images", "data", ("test", "train"), IMAGES_COLUMNS),
            ("pairs", "pairs", ("test", "train"), PAIRS_COLUMNS),
            ("neighbors", "neighbors", ("test",), NEIGHBORS_COLUMNS),
        )
    ]


def _parquet(folder: str, splits: tuple[str, ...]) -> dict[str, list[str]]:
    return {split: [f"{folder}/{split}-00000-of-00001.parquet"] for split in splits}
